import type { ToldDifference } from '../../operations/diff';
import { describeDifference, entryOf, placeOf } from '../diff-report';
import { escapeHtml, shorten } from './escape';
import { fold, OPEN_ROWS } from './fold';

/** So many characters of differences; the rest is counted. Browsers show and filter so many without delay. */
const MAX_CHARACTERS = 2_000_000;
/** So many lines of a difference are shown and so many open at once, and so much of one. */
const MAX_LINES = 200;
const MAX_OPEN = 6;
const MAX_LINE = 2000;

/**
 * The differences by image. The first ones are open; the others of an image are folded, and so are later images. The
 * rows of an image wait until all of them are known: they are no more than the page has room for.
 */
export class DifferencesSection {
  private place: string | undefined;
  private places = 0;
  private open = 0;
  private rows: string[] = [];
  private characters = 0;
  private left = 0;

  /** The filter shows itself: without script it would do nothing. */
  begin(): string {
    return `<section id="differences" aria-labelledby="differences-title">
<h2 id="differences-title">Differences</h2>
<p class="soft">Entry by entry, field by field.</p>
<div id="search" role="search" hidden>
<label for="filter">Filter</label>
<input type="search" id="filter" placeholder="words of a row, such as files.img pos" autocomplete="off">
<output id="count" for="filter" aria-live="polite"></output>
</div>
`;
  }

  add(difference: ToldDifference): string {
    if (this.characters > MAX_CHARACTERS) {
      this.left += 1;
      return '';
    }
    const place = placeOf(difference);
    const before = place === this.place ? '' : this.endPlace();
    this.place = place;
    const row = rowOf(difference);
    this.rows.push(row);
    this.characters += row.length + place.length;
    return before;
  }

  end(): string {
    const more = this.left === 0 ? '' : `<p>… and ${this.left} more, which this page has no room for.</p>\n`;
    return `${this.endPlace()}${this.places > OPEN_ROWS ? '</details>\n' : ''}${more}</section>\n`;
  }

  /** All of the place so far. */
  private endPlace(): string {
    if (this.place === undefined) return '';
    const { rows } = this;
    const title = `<h3><code>${escapeHtml(shorten(this.place, MAX_LINE))}</code></h3>`;
    const isOpen = this.open < OPEN_ROWS;
    const room = isOpen ? OPEN_ROWS : rows.length;
    const rest = rows.slice(room);
    const content = list(rows.slice(0, room)) + (rest.length === 0 ? '' : fold(`${rest.length} more`, list(rest)));
    const others = this.places === OPEN_ROWS ? '<details class="rest"><summary>The other images</summary>\n' : '';
    this.places += 1;
    this.open += rows.length;
    this.rows = [];
    return isOpen
      ? `${others}<div class="place">\n${title}\n${content}</div>\n`
      : `${others}<details class="rest place"><summary>${title} (${rows.length})</summary>\n${content}</details>\n`;
  }
}

function list(rows: readonly string[]): string {
  return `<dl>\n${rows.join('')}</dl>\n`;
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
  const list = items.length === 0 ? '' : `<ul>\n${items.join('')}${more}</ul>`;
  const content =
    items.length > MAX_OPEN ? `<details><summary>${lines.length} details</summary>${list}</details>` : list;
  return `<div class="difference"><dt>${escapeHtml(shorten(subjectOf(difference), MAX_LINE))} ${badge}</dt><dd>${content}</dd></div>\n`;
}

/** The name of a row inside its place. */
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
