import { pushTo } from '../bytes/groups';
import { describeEntry } from '../checkpoint/describe-entry';
import type { EntryFacts } from '../checkpoint/entry-facts';
import { EpollWatches } from '../checkpoint/epoll-watches';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import { pathKey } from '../checkpoint/key-text';
import type { FileName, Mounts } from '../checkpoint/mounts';
import { walk } from '../checkpoint/walk/walk';
import { FD_TYPES, REG_FILE_ENTRY_FIELDS } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import { ReferenceFinder } from './find-references';
import type { DescriptorReference, Match, References, Remap } from './match';

/** An entry of a file of which a spec names an entry, that one or another. */
export interface FileUse {
  readonly id: number;
  /** What refers to it besides descriptors, as "the executable of task 7". */
  readonly otherReferences: readonly string[];
  readonly descriptors: readonly DescriptorReference[];
}

/** What the first pass found out, as far as it tells which entries are open on one file. */
export interface NamedFiles {
  readonly matches: readonly Match[];
  readonly notOpen: readonly Match[];
  readonly references: ReadonlyMap<number, References>;
  readonly otherReferences: ReadonlyMap<number, readonly string[]>;
  readonly remaps: readonly Remap[];
  readonly mounts: Mounts;
}

/**
 * Gathers by file what is open on the regular files that specs name. Specs that name paths name every entry of a path,
 * so only keys /proc/PID/fd/N, and file systems that are mounted twice, cost a second look at files.img; and a second
 * one at what refers to entries only where another entry of such a file is found.
 */
export async function findSameFiles(
  source: Source,
  found: NamedFiles,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<FileName, readonly FileUse[]>> {
  const regular = found.matches.filter(({ type }) => type.isPath);
  if (regular.length === 0) return new Map();
  const names = new FileNames(found);
  const uses = new Map<FileName, FileUse[]>();
  const toUse = ({ id }: Match): FileUse => ({
    id,
    otherReferences: found.otherReferences.get(id) ?? [],
    descriptors: found.references.get(id)?.descriptors ?? [],
  });
  for (const match of regular) pushTo(uses, names.of(match), toUse(match));
  for (const match of found.notOpen) {
    if (match.type.isPath) uses.get(names.of(match))?.push(toUse(match));
  }
  const needsLook = regular.some(
    ({ specs: numbers, facts }) =>
      numbers.every((number) => specs[number]?.key.kind === 'descriptor') || found.mounts.hasOtherPaths(facts),
  );
  const others = names.ghostsOf(uses);
  if (needsLook) for (const [id, name] of await findOthers(source, found, names, uses, signal)) others.set(id, name);
  await readUses(source, others, uses, signal);
  return uses;
}

/** Tells what file an entry is open on. */
class FileNames {
  private readonly remapOf = new Map<number, Remap>();
  private readonly candidates: ReadonlySet<number>;

  constructor(private readonly found: NamedFiles) {
    for (const remap of found.remaps) this.remapOf.set(remap.origId, remap);
    this.candidates = new Set([...found.matches, ...found.notOpen].map(({ id }) => id));
  }

  isCandidate(id: number): boolean {
    return this.candidates.has(id);
  }

  /** A file whose path is gone is another one than what has its path now. */
  of({ id, facts }: Pick<Match, 'id' | 'facts'>): FileName {
    const remap = this.remapOf.get(id);
    if (remap === undefined) return this.found.mounts.fileName(facts);
    const { ghostId, linkedId } = remap;
    if (ghostId !== undefined) return `ghost ${ghostId}`;
    return linkedId === undefined ? `gone ${id}` : `linked ${linkedId}`;
  }

  /** Other entries of files without a path, whatever path they had. */
  ghostsOf(uses: ReadonlyMap<FileName, unknown>): Map<number, FileName> {
    const ghosts = this.found.remaps.flatMap(({ origId, ghostId }): [number, FileName][] => {
      const name = `ghost ${ghostId}`;
      return ghostId === undefined || this.isCandidate(origId) || !uses.has(name) ? [] : [[origId, name]];
    });
    return new Map(ghosts);
  }
}

/** Other entries with a path that leads to one of the files. */
async function findOthers(
  source: Source,
  { matches, mounts }: NamedFiles,
  names: FileNames,
  uses: ReadonlyMap<FileName, unknown>,
  signal: AbortSignal | undefined,
): Promise<Map<number, FileName>> {
  const others = new Map<number, FileName>();
  // A file has its last name in common on all mounts, unless it is mounted itself.
  const lastNames = new Set([...matches.map(({ facts }) => facts.key), ...mounts.allPaths()].map(lastName));
  const cursor = new FieldCursor();
  const see = (view: FileEntryView) => {
    if (view.type !== FD_TYPES.REG || view.member === 0 || names.isCandidate(view.id)) return;
    if (!lastNames.has(lastNameOf(view, cursor))) return;
    const name = names.of({ id: view.id, facts: describeEntry(view) as EntryFacts });
    if (uses.has(name)) others.set(view.id, name);
  };
  await walk(source, [{ entry: see }], signal);
  return others;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function lastNameOf(view: FileEntryView, cursor: FieldCursor): string {
  let path: Uint8Array = new Uint8Array(0);
  cursor.over(view.bytes, view.start, view.end);
  while (cursor.next()) {
    if (cursor.number === REG_FILE_ENTRY_FIELDS.name) path = cursor.payload();
  }
  return lastName(pathKey(path));
}

/** Finds out what refers to the other entries. */
async function readUses(
  source: Source,
  others: ReadonlyMap<number, FileName>,
  uses: ReadonlyMap<FileName, FileUse[]>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (others.size === 0) return;
  const ids = new IdSet();
  for (const id of others.keys()) ids.add(id);
  const finder = new ReferenceFinder({ ids, byId: new Map(), watches: new EpollWatches() });
  await walk(source, [finder.events], signal);
  const linked = new Set(finder.remaps.flatMap(({ origId, linkedId }) => (linkedId === undefined ? [] : [origId])));
  for (const [id, name] of others) {
    if (linked.has(id)) continue;
    const use = {
      id,
      otherReferences: [...(finder.otherReferences.get(id) ?? [])],
      descriptors: finder.descriptors.get(id) ?? [],
    };
    uses.get(name)?.push(use);
  }
}
