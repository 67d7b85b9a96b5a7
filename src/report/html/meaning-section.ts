import { pushTo } from '../../bytes/groups';
import type { DiffResult } from '../../operations/diff';
import { escapeHtml, shorten } from './escape';
import { fold, foldedList } from './fold';
import { shapeOf } from './shape';

const MAX_STATEMENTS = 3000;
const MAX_STATEMENT = 2000;
/** Of a longer list of descriptors, so many are named; the tables of the graph have them. */
const NAMED = 6;
const DESCRIPTORS = new RegExp(`(?<!\\d)(?:\\d+/\\d+, ){${NAMED},}\\d+/\\d+`, 'g');

/** The statements; those that differ in numbers only are folded below the first of them. */
export function meaningSection(meaning: DiffResult['meaning']): string {
  const groups = new Map<string, string[]>();
  for (const { about, text } of meaning.slice(0, MAX_STATEMENTS)) {
    pushTo(groups, `${about} ${shapeOf(text)}`, escapeHtml(shorten(nameFew(text), MAX_STATEMENT)));
  }
  const items = [...groups.values()].flatMap((group) => {
    const [first = '', ...others] = group;
    // One line more takes no more room than a line that unfolds it.
    return others.length < 2 ? group : [first + fold(`${others.length} more like this`, foldedList(others))];
  });
  const left = Math.max(0, meaning.length - MAX_STATEMENTS);
  return `${foldedList(items, 'meaning')}${left === 0 ? '' : `<p>… and ${left} more.</p>\n`}`;
}

function nameFew(text: string): string {
  return text.replace(DESCRIPTORS, (list) => {
    const all = list.split(', ');
    return `${all.slice(0, NAMED).join(', ')} and ${all.length - NAMED} more`;
  });
}
