/** So many rows of a list are open; the rest is folded. */
export const OPEN_ROWS = 20;

/** Markup that the reader unfolds, without script. */
export function fold(summary: string, content: string, id = ''): string {
  return `<details class="rest"${id === '' ? '' : ` id="${id}"`}><summary>${summary}</summary>\n${content}</details>\n`;
}

/** A list of which the first items are open. Items are markup. */
export function foldedList(items: readonly string[], classes = ''): string {
  const list = (some: readonly string[]) =>
    `<ul${classes === '' ? '' : ` class="${classes}"`}>\n${some.map((item) => `<li>${item}</li>\n`).join('')}</ul>\n`;
  if (items.length === 0) return '';
  const rest = items.slice(OPEN_ROWS);
  return list(items.slice(0, OPEN_ROWS)) + (rest.length === 0 ? '' : fold(`${rest.length} more`, list(rest)));
}

export interface TableContent {
  readonly caption: string;
  readonly columns: readonly string[];
  /** Cells are markup; the first of a row names it. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * A table of which the first rows are open. On a narrow screen its rows are blocks, whose cells have the names of their
 * columns; the roles keep it a table there.
 */
export function foldedTable({ caption, columns, rows }: TableContent): string {
  const head = columns.map((column) => `<th scope="col" role="columnheader">${column}</th>`).join('');
  const table = (some: readonly (readonly string[])[]) => `<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">
${some.map((cells) => rowOf(cells, columns)).join('')}</tbody>
</table>
`;
  const rest = rows.slice(OPEN_ROWS);
  return (
    table(rows.slice(0, OPEN_ROWS)) +
    (rest.length === 0 ? '' : fold(`${rest.length} more ${rest.length === 1 ? 'row' : 'rows'}`, table(rest)))
  );
}

function rowOf([first = '', ...others]: readonly string[], columns: readonly string[]): string {
  const cells = others.map((cell, i) => `<td role="cell" data-label="${columns[i + 1]}">${cell}</td>`).join('');
  return `<tr role="row"><th scope="row" role="rowheader">${first}</th>${cells}</tr>\n`;
}
