/** Colours keep a contrast of 4.5 to 1 in both schemes, and none of them says something alone. */
export const STYLE = `:root {
  color-scheme: light dark;
  --text: #1c2026; --soft: #535b66; --ground: #fff; --raised: #f4f6f8; --line: #c9d0d8; --link: #0a58b0; --mark: #dbe7f6;
  --old: #a3231b; --old-ground: #fdecea; --new: #126a2e; --new-ground: #e6f5ea; --turned: #0a58b0; --turned-ground: #e8f1fc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ee; --soft: #a6b0bd; --ground: #14171c; --raised: #1e232a; --line: #414a56; --link: #83bbff; --mark: #2a3a52;
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
li { overflow-wrap: anywhere; }
fieldset { display: inline-flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .5rem; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: .4rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 0 0 .5rem; padding: 0; list-style: none; font-size: .875rem; }
.old { color: var(--old); }
.new { color: var(--new); }
.turned { color: var(--turned); }
.hint { display: none; margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; }
.hint::after { content: " →" / ""; }
.scroll { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; }
svg { display: block; margin: 0 auto; }
svg text { fill: var(--text); font-size: 12.5px; }
svg .heading { fill: var(--soft); font-family: system-ui, sans-serif; font-size: 14px; }
svg rect { fill: var(--raised); stroke: var(--line); }
svg .hit { fill: none; stroke: none; pointer-events: all; }
svg path { fill: none; stroke: var(--soft); stroke-width: 1.5; pointer-events: none; }
svg circle { fill: var(--soft); }
svg .before > rect, svg path.before { stroke: var(--old); stroke-dasharray: 5 4; }
svg .after > rect, svg path.after { stroke: var(--new); }
svg .before > rect { fill: var(--old-ground); }
svg .after > rect { fill: var(--new-ground); }
svg .before > circle { fill: var(--old); }
svg .after > circle { fill: var(--new); }
svg .before > .name, svg tspan.before { fill: var(--old); }
svg .after > .name { fill: var(--new); }
svg path.before, svg path.after, svg .node.before > rect, svg .node.after > rect { stroke-width: 2; }
svg :is(.inherited, .caller) > rect { stroke: var(--turned); stroke-width: 2; fill: var(--turned-ground); stroke-dasharray: none; }
svg path.given { stroke: var(--turned); stroke-width: 2; }
svg .given > circle { fill: var(--turned); }
svg tspan.note, svg .outcome { fill: var(--soft); }
svg .outcome { text-anchor: end; }
svg .inherited tspan.note, svg .caller > .name, svg .given > .outcome { fill: var(--turned); }
svg .before > .outcome { fill: var(--old); }
svg .after:not(.given) > .outcome { fill: var(--new); }
svg .descriptor > .hit { fill: none; stroke: none; }
svg .more { fill: var(--link); text-decoration: underline; }
svg .node:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
svg.lighting path:not(.lit) { opacity: .2; }
svg path.lit { stroke-width: 3.5; }
svg .node.lit > rect:not(.hit) { stroke: var(--text); stroke-width: 2.5; }
svg .descriptor.lit > .hit { fill: var(--mark); }
section:has(#view-before:checked) svg .inherited > rect { stroke: var(--line); fill: var(--raised); }
section:has(#view-before:checked) svg :is(tspan.note, .outcome) { visibility: hidden; }
section:has(#view-before:checked) svg path.given { stroke: var(--soft); stroke-width: 1.5; }
section:has(#view-before:checked) svg .given > circle { fill: var(--soft); }
svg .was { visibility: hidden; }
section:has(#view-before:checked) svg .was { visibility: visible; }
section:has(#view-before:checked) svg :is(.after, .now), section:has(#view-after:checked) svg .before { visibility: hidden; }
details > summary { width: fit-content; cursor: pointer; overflow-wrap: anywhere; }
summary { color: var(--link); }
.rest > summary { margin: .35rem 0; }
table { width: 100%; margin: .5rem 0 1rem; border-collapse: collapse; font-size: .9375rem; }
caption { padding: .25rem .5rem; text-align: left; color: var(--soft); }
th, td { padding: .4rem .5rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th, #plan tbody th { white-space: nowrap; }
thead th { border-top: 0; }
#by-task tbody th, #by-entry tbody th, .likes tbody th { width: 34%; font-weight: normal; }
.lines, .likes { padding: 0; list-style: none; }
.lines { margin: 0; }
.names { display: flex; flex-wrap: wrap; gap: 0 1.25rem; padding-left: 0; list-style: none; }
dl { margin: 0; font-size: .9375rem; }
.place > h3 { margin: 1rem 0 0; padding: .4rem .5rem; background: var(--raised); }
summary > h3 { display: inline; font-weight: normal; }
.difference { display: grid; grid-template-columns: 30% minmax(0, 1fr); gap: 0 1rem; padding: .4rem .5rem; border-top: 1px solid var(--line); }
.difference[hidden] { display: none; }
dt { font-weight: 600; overflow-wrap: anywhere; }
dd { margin: 0; }
dd ul { margin: 0; padding: 0; list-style: none; }
dd li { margin-bottom: .2rem; }
del { color: var(--old); text-decoration: none; }
ins { color: var(--new); text-decoration: none; }
.badge { display: inline-block; padding: 0 .4rem; border: 1px solid currentcolor; border-radius: .6rem; font-size: .8125rem; font-weight: 400; white-space: nowrap; }
.badge.removed, .badge.unexplained { color: var(--old); }
.badge.added { color: var(--new); }
.badge.changed { color: var(--turned); }
.badge.unexplained { white-space: normal; font-weight: 600; }
#search { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: .75rem 0; }
#search[hidden] { display: none; }
input[type=search] { flex: 1 1 12rem; max-width: 28rem; min-width: 0; padding: .4rem .6rem; border: 1px solid var(--soft); border-radius: .4rem; color: inherit; background: var(--ground); font: inherit; }
@media (max-width: 57rem) {
  .hint { display: block; }
}
@media (max-width: 40rem) {
  header, main, footer { padding-inline: .75rem; }
  .scroll { padding: .5rem; }
  table, caption, tbody, tr, th, td { display: block; }
  thead { position: absolute; left: -99rem; }
  tr { padding: .4rem 0; border-top: 1px solid var(--line); }
  th, td, #plan tbody th { padding: .1rem 0; border: 0; white-space: normal; }
  #by-task tbody th, #by-entry tbody th, .likes tbody th { width: auto; }
  td::before { content: attr(data-label) ": "; color: var(--soft); }
  .difference { grid-template-columns: minmax(0, 1fr); padding-inline: 0; }
}
@media print {
  :root {
    color-scheme: light;
    --text: #000; --soft: #444; --ground: #fff; --raised: #f4f6f8; --line: #aaa; --link: #000; --mark: #fff;
    --old: #a3231b; --old-ground: #fff; --new: #126a2e; --new-ground: #fff; --turned: #0a58b0; --turned-ground: #fff;
  }
  body { font-size: 10pt; }
  table, dl { font-size: 9pt; }
  thead th, #plan tbody th { white-space: normal; }
  nav, fieldset, #search, .skip, .hint, #behind-picture { display: none; }
  .scroll { overflow: visible; padding: 0; border: 0; }
  svg { width: 100%; height: auto; }
  svg :is(.before, .after, .now, tspan.note, .outcome) { visibility: visible !important; }
  svg .was { visibility: hidden !important; }
  tr, li, .difference { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
}
`;
