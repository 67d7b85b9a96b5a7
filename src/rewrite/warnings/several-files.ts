import { fileKind } from '../../checkpoint/entry-facts';
import { descriptorKey } from '../../checkpoint/key-text';
import type { FileName } from '../../checkpoint/mounts';
import { someOf } from '../../errors/some-of';
import type { Placeholder } from '../decision';
import { type DescriptorReference, type Match, pipeOf } from '../match';
import type { Survey } from '../survey';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** Kinds of keys that are meant for one file or socket. A glob is meant for several. */
const NAMES: ReadonlyMap<string | undefined, { what: string; one: string }> = new Map([
  ['path', { what: 'files with this path', one: 'file' }],
  ['socket', { what: 'sockets with this name', one: 'socket' }],
  ['memfd', { what: 'memfds with this name', one: 'file' }],
]);

/**
 * A path that leads to several files: in several mount namespaces, or because a file was removed and another one took
 * its name. And a name of several sockets, such as listeners that share a port, or of several memfds. A terminal has rules
 * of its own.
 */
export function severalFiles({ placeholders, found, specs }: Decided): Warning[] {
  const names = namesOfFiles(found);
  const bySpec = new Map<number, Map<string, Placeholder>>();
  for (const placeholder of placeholders) {
    const { match, spec } = placeholder;
    const name = NAMES.has(specs[spec]?.key.kind) ? identityOf(match, names) : undefined;
    if (name === undefined) continue;
    const files = bySpec.get(spec) ?? new Map<string, Placeholder>();
    if (!files.has(name)) files.set(name, placeholder);
    bySpec.set(spec, files);
  }
  const removed = new Set(found.remaps.map(({ origId }) => origId));
  return [...bySpec].flatMap(([spec, files]): Warning[] => {
    if (files.size < 2) return [];
    const each = [...files.values()].map(({ match, references }) => {
      const [first] = references.descriptors;
      const pid = first === undefined ? undefined : found.tasks.pidsOf(first.table)[0];
      const place = pid === undefined ? '' : `${descriptorKey(pid, (first as DescriptorReference).fd)} `;
      return `${place}(file id ${match.id}${removed.has(match.id) ? ', removed' : ''})`;
    });
    const { what, one } = NAMES.get(specs[spec]?.key.kind) as { what: string; one: string };
    const matched = `${specs[spec]?.text} matches ${files.size} different ${what}: ${someOf(each)}`;
    const message = `${matched}. The caller's ${one} takes the place of each of them; the key of a descriptor names one alone`;
    return [{ code: 'SEVERAL_FILES', message }];
  });
}

function namesOfFiles({ sameFiles }: Survey): ReadonlyMap<number, FileName> {
  return new Map([...sameFiles].flatMap(([name, uses]) => uses.map(({ id }): [number, FileName] => [id, name])));
}

/** Two entries are on different files if this differs; undefined where it may be one file, or none that has content. */
function identityOf(match: Match, names: ReadonlyMap<number, FileName>): string | undefined {
  const { type, facts, id } = match;
  const pipe = pipeOf(match);
  if (pipe !== undefined) return `pipe ${pipe}`;
  if (facts.socketInode !== undefined) return `socket ${facts.socketInode}`;
  if (facts.memfdInode !== undefined) return `memfd ${facts.memfdInode}`;
  if (!type.isPath || fileKind(facts) === 'other') return undefined;
  const name = names.get(id) as FileName;
  // What a mount shows of which file system is not always known: the same path may be the same file.
  return /^\d* /.test(name) ? 'the file with this path' : name;
}
