import { createHash } from 'node:crypto';
import type { DiffResult, ToldDifference } from '../operations/diff';
import { ALL_EXPLAINED, type DiffReport, describeDifference, entryOf, OTHER_RUN, placeOf } from './diff-report';
import { escapeHtml, shorten } from './html/escape';
import { graphSection } from './html/graph-section';
import { SCRIPT } from './html/page-script';
import { STYLE } from './html/page-style';
import { planSection } from './html/plan-section';

/** So many characters of differences; the rest is counted. What browsers show and filter without delay. */
const MAX_CHARACTERS = 2_000_000;
/** So many lines of a difference are shown and so many open at once, and so much of one. */
const MAX_LINES = 200;
const MAX_OPEN = 6;
const MAX_LINE = 2000;
const MAX_STATEMENTS = 3000;
const MAX_STATEMENT = 2000;

/** One page that needs nothing else: no network, no file, no script but its own, which only filters. */
export class DiffHtml implements DiffReport {
  private place: string | undefined;
  private characters = 0;
  private left = 0;

  /** `isProof`: a plan was given, and has to explain all. */
  constructor(
    private readonly before: string,
    private readonly after: string,
    private readonly isProof = false,
  ) {}

  begin(result: DiffResult): string {
    const { isSame, meaning, graph } = result;
    const names = `${escapeHtml(this.before)} → ${escapeHtml(this.after)}`;
    const sections = [
      ...(isSame ? [] : [['meaning', 'What it means']]),
      ...(graph === undefined ? [] : [['graph', 'Graph']]),
      ...(graph?.plan === undefined ? [] : [['plan', 'Plan']]),
      ...(isSame ? [] : [['differences', 'Differences']]),
    ];
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fdgraft diff: ${names}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>What differs</h1>
<p><code>${escapeHtml(this.before)}</code> → <code>${escapeHtml(this.after)}</code></p>
${sections.length === 0 ? '' : `<nav aria-label="Sections"><ul>\n${sections.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>\n`).join('')}</ul></nav>\n`}</header>
<main id="main" tabindex="-1">
${this.verdict(result)}${isSame ? '' : section('meaning', 'What it means', sayMeaning(meaning))}${graph === undefined ? '' : section('graph', 'Graph', graphSection(graph))}${graph?.plan === undefined ? '' : section('plan', 'Plan', planSection(graph.plan))}${isSame ? '' : DIFFERENCES}`;
  }

  difference(difference: ToldDifference): string {
    if (this.characters > MAX_CHARACTERS) {
      this.left += 1;
      return '';
    }
    const place = placeOf(difference);
    const opening = place === this.place ? '' : `${this.place === undefined ? '' : '</tbody>\n'}${beginPlace(place)}`;
    this.place = place;
    const text = `${opening}${rowOf(difference)}`;
    this.characters += text.length;
    return text;
  }

  end({ isSame }: DiffResult): string {
    const more = this.left === 0 ? '' : `<p>… and ${this.left} more, which this page has no room for.</p>\n`;
    const table = isSame ? '' : `${this.place === undefined ? '' : '</tbody>\n'}</table>\n${more}</section>\n`;
    return `${table}</main>
<footer>Written by fdgraft diff. This page asks for nothing from elsewhere.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
  }

  private verdict({ isSame, isOtherRun, unexplained, misfits }: DiffResult): string {
    const problems = [
      ...(unexplained === 0
        ? []
        : [`The plan does not explain ${unexplained} ${unexplained === 1 ? 'difference' : 'differences'}.`]),
      ...misfits.slice(0, MAX_STATEMENTS).map((line) => escapeHtml(shorten(line, MAX_STATEMENT))),
      ...(misfits.length > MAX_STATEMENTS ? [`… and ${misfits.length - MAX_STATEMENTS} more.`] : []),
    ];
    if (problems.length > 0) {
      return `<div class="verdict bad"><ul>\n${problems.map((line) => `<li>${line}</li>\n`).join('')}</ul></div>\n`;
    }
    if (isSame) return '<p class="verdict">No differences.</p>\n';
    return this.isProof
      ? `<p class="verdict">${ALL_EXPLAINED}</p>\n`
      : isOtherRun
        ? `<p class="verdict">${OTHER_RUN}</p>\n`
        : '';
  }
}

const digestOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const POLICY = `default-src 'none'; style-src ${digestOf(STYLE)}; script-src ${digestOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;

/** The filter shows itself: without script it would do nothing. */
const DIFFERENCES = `<section id="differences" aria-labelledby="differences-title">
<h2 id="differences-title">Differences</h2>
<div id="search" role="search" hidden>
<label for="filter">Filter</label>
<input type="search" id="filter" placeholder="words that a row has, such as files.img pos" autocomplete="off">
<output id="count" for="filter" aria-live="polite"></output>
</div>
<table>
<caption>Entry by entry, field by field</caption>
<thead><tr><th scope="col">Where</th><th scope="col">What</th></tr></thead>
`;

function section(id: string, title: string, content: string): string {
  return `<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${content}</section>\n`;
}

function sayMeaning(meaning: DiffResult['meaning']): string {
  const shown = meaning
    .slice(0, MAX_STATEMENTS)
    .map(({ text }) => `<li>${escapeHtml(shorten(text, MAX_STATEMENT))}</li>\n`);
  const left = meaning.length - shown.length;
  return `<ul class="meaning">\n${shown.join('')}</ul>\n${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}`;
}

function beginPlace(place: string): string {
  return `<tbody>\n<tr><th colspan="2" scope="rowgroup"><code>${escapeHtml(shorten(place, MAX_LINE))}</code></th></tr>\n`;
}

function rowOf(difference: ToldDifference): string {
  const lines = linesOf(difference);
  const flag =
    difference.explained === false ? ' <span class="badge unexplained">not explained by the plan</span>' : '';
  const change = 'change' in difference ? difference.change : 'changed';
  const badge = `<span class="badge ${change}">${change}</span>${flag}`;
  const items = lines.slice(0, MAX_LINES).map((line) => `<li>${line}</li>\n`);
  const left = lines.length - items.length;
  const more = left === 0 ? '' : `<li>… and ${left} more</li>\n`;
  const list = `<ul>\n${items.join('')}${more}</ul>`;
  const details =
    items.length > MAX_OPEN ? `<details><summary>${lines.length} details</summary>${list}</details>` : list;
  return `<tr class="difference"><th scope="row">${escapeHtml(shorten(subjectOf(difference), MAX_LINE))} ${badge}</th><td>${items.length === 0 ? '' : details}</td></tr>\n`;
}

/** What a row is about, inside its place. */
function subjectOf(difference: ToldDifference): string {
  switch (difference.what) {
    case 'entry':
      return entryOf(difference);
    case 'memory':
      return difference.mapping;
    case 'image':
      return 'the image';
    case 'file':
      return 'the file';
    case 'order':
      return 'order of the entries';
    case 'head':
      return 'magics';
    case 'tail':
      return 'behind the last entry';
  }
}

/** As markup, a line each. */
function linesOf(difference: ToldDifference): string[] {
  const code = (text: string) => `<code>${escapeHtml(shorten(text, MAX_LINE))}</code>`;
  const [first = '', ...others] = describeDifference(difference);
  if (difference.what === 'entry') {
    const fields = difference.fields.map(
      ({ path, before, after }) =>
        `${code(path)}: <del>${code(before ?? '(none)')}</del> → <ins>${code(after ?? '(none)')}</ins>`,
    );
    return [...fields, ...others.slice(fields.length).map(code)];
  }
  // The first line of the others says no more than their place and their change, but for these.
  const says = difference.what === 'image' || difference.what === 'order' || difference.what === 'head';
  return [...(says || difference.what === 'tail' ? [first] : []), ...others].map(code);
}
