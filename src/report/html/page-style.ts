/** Colours keep a contrast of 4.5 to 1 in both schemes, and none of them says something alone. */
export const STYLE = `:root {
  color-scheme: light dark;
  --text: #1c2026; --soft: #535b66; --ground: #fff; --raised: #f4f6f8; --line: #c9d0d8; --link: #0a58b0;
  --old: #a3231b; --old-ground: #fdecea; --new: #126a2e; --new-ground: #e6f5ea; --turned: #0a58b0; --turned-ground: #e8f1fc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ee; --soft: #a6b0bd; --ground: #14171c; --raised: #1e232a; --line: #414a56; --link: #83bbff;
    --old: #ff9d94; --old-ground: #3a1d1b; --new: #7fd897; --new-ground: #173222; --turned: #83bbff; --turned-ground: #182c45;
  }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--ground); font: 1rem/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
footer { padding-block: 1.5rem; color: var(--soft); }
code, svg, .key { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .875rem; }
code { overflow-wrap: anywhere; unicode-bidi: isolate; }
h1 { margin: 1.25rem 0 .25rem; font-size: 1.5rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1.2rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0; padding: 0; list-style: none; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .25rem; padding: .25rem .5rem; background: var(--ground); }
.verdict { padding: .5rem .75rem; border-left: 4px solid var(--new); background: var(--new-ground); }
.verdict.bad { border-color: var(--old); background: var(--old-ground); }
.verdict ul { margin: 0; padding-left: 1.25rem; }
.soft { color: var(--soft); }
.meaning { padding-left: 1.25rem; }
.meaning li { overflow-wrap: anywhere; }
fieldset { display: inline-flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .5rem; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: .4rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: .5rem 0; padding: 0; list-style: none; font-size: .875rem; }
.old { color: var(--old); }
.new { color: var(--new); }
.turned { color: var(--turned); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
.picture { padding: .75rem; }
svg { display: block; width: 100%; min-width: 46rem; max-width: 58.75rem; height: auto; margin: 0 auto; }
svg.narrow { min-width: 36rem; max-width: 45.75rem; }
svg text { fill: var(--text); font-size: 12.5px; }
svg .heading { fill: var(--soft); font-family: system-ui, sans-serif; font-size: 14px; }
svg rect { fill: var(--raised); stroke: var(--line); }
svg path { fill: none; stroke: var(--soft); stroke-width: 1.5; }
svg circle { fill: var(--soft); }
svg .before > rect, svg path.before { stroke: var(--old); stroke-dasharray: 5 4; }
svg .after > rect, svg path.after { stroke: var(--new); }
svg .before > rect { fill: var(--old-ground); }
svg .after > rect { fill: var(--new-ground); }
svg .before > circle { fill: var(--old); }
svg .after > circle { fill: var(--new); }
svg path.before, svg path.after, svg .node.before > rect, svg .node.after > rect, svg .inherited > rect { stroke-width: 2; }
svg .inherited > rect { stroke: var(--turned); fill: var(--turned-ground); stroke-dasharray: none; }
svg .before > .name, svg tspan.before { fill: var(--old); }
svg .after > .name { fill: var(--new); }
svg tspan.note { fill: var(--soft); }
svg .inherited tspan.note { fill: var(--turned); }
section:has(#view-before:checked) svg .inherited > rect { stroke: var(--line); fill: var(--raised); }
svg .was { visibility: hidden; }
section:has(#view-before:checked) svg .was { visibility: visible; }
section:has(#view-before:checked) svg :is(.after, .now), section:has(#view-after:checked) svg .before { visibility: hidden; }
details > summary { cursor: pointer; }
.wide > summary { margin: .75rem 0; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
caption { padding: .25rem .5rem; text-align: left; color: var(--soft); }
th, td { padding: .4rem .5rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; }
.scroll table { min-width: 40rem; }
.scroll th, .scroll td { overflow-wrap: break-word; }
.scroll thead th, #plan tbody th { white-space: nowrap; }
#entries th:first-child { width: 30%; }
#differences table { table-layout: fixed; }
#differences thead th:first-child { width: 30%; }
#differences tbody > tr:first-child th { background: var(--raised); }
#differences ul { margin: 0; padding: 0; list-style: none; }
#differences li { margin-bottom: .2rem; overflow-wrap: anywhere; }
del { color: var(--old); text-decoration: none; }
ins { color: var(--new); text-decoration: none; }
.badge { display: inline-block; padding: 0 .4rem; border: 1px solid currentcolor; border-radius: .6rem; font-size: .8125rem; white-space: nowrap; }
.badge.removed, .badge.unexplained { color: var(--old); }
.badge.added { color: var(--new); }
.badge.changed { color: var(--turned); }
.badge.unexplained { white-space: normal; font-weight: 600; }
#search { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: .75rem 0; }
#search[hidden] { display: none; }
input[type=search] { flex: 1 1 12rem; max-width: 28rem; padding: .4rem .6rem; border: 1px solid var(--soft); border-radius: .4rem; color: inherit; background: var(--ground); font: inherit; }
@media (max-width: 40rem) {
  header, main, footer { padding-inline: .75rem; }
  #differences thead th:first-child { width: 36%; }
  th, td { padding-inline: .35rem; }
}
@media print {
  :root {
    color-scheme: light;
    --text: #000; --soft: #444; --ground: #fff; --raised: #f4f6f8; --line: #aaa; --link: #000;
    --old: #a3231b; --old-ground: #fff; --new: #126a2e; --new-ground: #fff; --turned: #0a58b0; --turned-ground: #fff;
  }
  body { font-size: 10pt; }
  table { font-size: 9pt; }
  .scroll thead th, #plan tbody th { white-space: normal; }
  nav, fieldset, #search, .skip { display: none; }
  .scroll { overflow: visible; border: 0; }
  svg, .scroll table { min-width: 0; }
  svg :is(.before, .after, .now) { visibility: visible !important; }
  svg .was { visibility: hidden !important; }
  tr, li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
}
`;
