import { someOf } from '../../errors/some-of';
import type { Plan, PlanPlaceholder } from '../../plan/plan';
import { escapeHtml, shorten } from './escape';

const MAX_ROWS = 200;
const MAX_REFERENCES = 24;
const MAX_TEXT = 500;

/** The plan of a rewrite: which caller fd becomes what. */
export function planSection({ placeholders, specs, debugs, warnings }: Plan): string {
  const rows = placeholders.slice(0, MAX_ROWS).map((placeholder) => rowOf(placeholder, specs[placeholder.spec]?.text));
  const left = placeholders.length - rows.length;
  return `<div class="scroll" tabindex="0" role="region" aria-label="Table of the plan"><table>
<caption>What comes from the caller of criu restore</caption>
<thead><tr><th scope="col">Caller fd</th><th scope="col">Becomes</th><th scope="col">Needs</th><th scope="col">Given to</th><th scope="col">How</th><th scope="col">Spec</th></tr></thead>
<tbody>
${rows.join('')}</tbody>
</table></div>
${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}${list(
  'Debug specs',
  debugs.map(({ text }) => `<code>${show(text)}</code>`),
)}${list(
  'Warnings',
  warnings.map(({ message }) => show(message)),
)}`;
}

function rowOf(placeholder: PlanPlaceholder, spec = ''): string {
  const { caller_fd, was, file_id, needs_read, needs_write } = placeholder;
  const needs = [...(needs_read ? ['read'] : []), ...(needs_write ? ['write'] : [])].join(' and ') || 'no access';
  return `<tr><th scope="row">fd[${caller_fd}]</th><td><code>${show(was.key)}</code> (${show(was.type)}, id ${file_id})</td><td>${needs}</td><td>${show(referencesOf(placeholder))}</td><td>${show(howOf(placeholder))}</td><td><code>${show(spec)}</code></td></tr>\n`;
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
  const shown = items.slice(0, MAX_ROWS).map((item) => `<li>${item}</li>\n`);
  const left = items.length - shown.length;
  return `<h3>${title}</h3>\n<ul>\n${shown.join('')}</ul>\n${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}`;
}

function show(text: string): string {
  return escapeHtml(shorten(text, MAX_TEXT));
}
