import { pushTo } from '../../bytes/groups';
import { someOf } from '../../errors/some-of';
import type { Plan, PlanPlaceholder } from '../../plan/plan';
import { escapeHtml, shorten } from './escape';
import { fold, foldedList, foldedTable } from './fold';
import { shapeOf } from './shape';

const MAX_ROWS = 1000;
const MAX_REFERENCES = 10;
const MAX_TEXT = 500;

/** The plan of a rewrite: which caller fd becomes what. */
export function planSection({ placeholders, specs, debugs, warnings }: Plan): string {
  const groups = new Map<string, Row[]>();
  for (const placeholder of placeholders.slice(0, MAX_ROWS)) {
    const row = rowOf(placeholder, specs[placeholder.spec]?.text);
    pushTo(groups, shapeOf(JSON.stringify(row)), row);
  }
  const table = foldedTable({
    caption: 'Open files from the caller of criu restore',
    columns: ['Caller fd', 'Becomes', 'Needs', 'Given to', 'How', 'Spec'],
    rows: [...groups.values()].map(cellsOf),
  });
  const left = Math.max(0, placeholders.length - MAX_ROWS);
  return `${table}${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}${list(
    'Debug specs',
    debugs.map(({ text }) => `<code>${show(text)}</code>`),
  )}${list(
    'Warnings',
    warnings.map(({ message }) => show(message)),
  )}`;
}

/** As markup. */
interface Row {
  readonly caller: string;
  readonly entry: string;
  readonly needs: string;
  readonly references: string;
  readonly how: string;
  readonly spec: string;
}

function rowOf(placeholder: PlanPlaceholder, spec = ''): Row {
  const { caller_fd, was, file_id, needs_read, needs_write } = placeholder;
  return {
    caller: `fd[${caller_fd}]`,
    entry: `<code>${show(was.key)}</code> (${show(was.type)}, id ${file_id})`,
    needs: [...(needs_read ? ['read'] : []), ...(needs_write ? ['write'] : [])].join(' and ') || 'no access',
    references: show(referencesOf(placeholder)),
    how: show(howOf(placeholder)),
    spec: `<code>${show(spec)}</code>`,
  };
}

/** The cells for rows that differ in numbers only: the first, and the others folded. */
function cellsOf(rows: readonly Row[]): string[] {
  const [{ caller, entry, needs, references, how, spec }, ...others] = rows as [Row, ...Row[]];
  const items = others.map((other) => `${other.entry}: ${other.references}`);
  const more = others.length === 0 ? '' : fold(`${others.length} more like this`, foldedList(items));
  return [caller, entry + more, needs, references, how, spec];
}

function referencesOf({ references, mapping }: PlanPlaceholder): string {
  if (mapping !== undefined) return `memory of ${someOf(mapping.pids)}`;
  const shown: string[] = [];
  let left = 0;
  let rights = 0;
  // There can be a million, of which each has as many pids.
  for (const reference of references) {
    if ('scm_right' in reference && reference.scm_right) rights += 1;
    if (!('descriptor' in reference && reference.descriptor)) continue;
    const { pids, fd } = reference.descriptor;
    const room = MAX_REFERENCES - shown.length;
    for (const pid of pids.slice(0, room)) shown.push(`${pid}/${fd}`);
    left += Math.max(0, pids.length - room);
  }
  return [
    ...shown,
    ...(left === 0 ? [] : [`and ${left} more`]),
    ...(rights === 0 ? [] : [rights === 1 ? 'a right under way' : `${rights} rights under way`]),
  ].join(', ');
}

const APPLY = { AUTO: 'dup or reopen', DUP: 'dup', REOPEN: 'reopen' } as const;
const POSITION = { CALLER: 'position of the caller', SAVED: 'saved position', END: 'at the end' } as const;

function howOf({ apply, position, was, in_flight, truncate_to, set_nonblock, mapping }: PlanPlaceholder): string {
  if (mapping !== undefined) return `mapped, ${mapping.bytes} bytes`;
  const unread = in_flight.map(
    ({ bytes, fate }) => `${bytes} unread bytes ${fate === 'REPLAY' ? 'delivered' : 'dropped'}`,
  );
  const cut = truncate_to === undefined ? [] : [`cut to ${truncate_to} bytes`];
  const waits = set_nonblock ? ['O_NONBLOCK set'] : [];
  return [APPLY[apply], ...(was.offset === undefined ? [] : [POSITION[position]]), ...cut, ...waits, ...unread].join(
    ', ',
  );
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const left = Math.max(0, items.length - MAX_ROWS);
  return `<h3>${title}</h3>\n${foldedList(items.slice(0, MAX_ROWS))}${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}`;
}

function show(text: string): string {
  return escapeHtml(shorten(text, MAX_TEXT));
}
