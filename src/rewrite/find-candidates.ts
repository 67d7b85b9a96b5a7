import { describeEntry, type PathlessEntry, readPathless } from '../checkpoint/describe-entry';
import { type EntryFacts, fileKind, MAX_KEY_BYTES } from '../checkpoint/entry-facts';
import { entryType, type InheritableType, inheritableType, typeName } from '../checkpoint/entry-types';
import { EpollWatches } from '../checkpoint/epoll-watches';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import type { HolderKind } from '../checkpoint/message-rows';
import { pipeName } from '../checkpoint/pipe-name';
import { Tally } from '../checkpoint/tally';
import type { RecordPlace, Subscriber } from '../checkpoint/walk/subscriber';
import { messages, type UnsupportedEntry } from '../errors/messages';
import { decode } from '../schema/decode';
import { FILE_ENTRY_FIELDS, PIPE_ENTRY } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import { SpecIndex } from '../specs/spec-index';
import type { Match, PipeEnd } from './match';
import { narrowMatches } from './narrow-matches';
import type { ResolvedKeys } from './resolve-keys';

/** What files.img says: the entries that the specs name, and what the others have to do with them. */
export class Candidates {
  /** As they lie in the image. */
  list: readonly Match[] = [];
  readonly byId = new Map<number, Match>();
  ids = new IdSet();
  readonly watches = new EpollWatches();
  /** Ends of pipes that no spec names; of pipes without a path only where specs can name one end without the other. */
  readonly otherEnds: PipeEnd[] = [];
  highestId = 0;

  private readonly index: SpecIndex;
  private readonly namesDescriptors: boolean;
  private readonly namesSingleEnds: boolean;
  private readonly seenIds = new IdSet();
  private readonly repeatedIds = new IdSet();
  private readonly regfs: [HolderKind, IdSet][] = [];
  private readonly pathless: (PathlessEntry & { readonly id: number; readonly entry: number })[] = [];
  /** By number of the spec: the first entry that it names and that cannot be inherited. */
  private readonly unsupported = new Map<number, UnsupportedEntry>();
  /** What the paths are of entries that specs name by a descriptor, by file id. */
  private readonly paths = new Map<number, EntryFacts>();
  private readonly tally = new Tally('files.img');

  /** Of a walk over files.img. */
  readonly events: Subscriber = {
    batch: ({ bytes, starts, ends, count }, { kind }) => {
      if (kind.name === 'FILES') this.index.prepare(bytes, starts[0] as number, ends[count - 1] as number, count);
    },
    entry: (view, at) => this.see(view, at),
    path: (id, kind) => this.seePath(id, kind),
    watch: (watch, { open }) => {
      if (open.kind.name !== 'FILES') return;
      this.tally.count('watches', 1, open.name);
      this.watches.add(watch);
    },
    closed: ({ kind }) => {
      if (kind.name === 'FILES') this.conclude();
    },
  };

  constructor(
    private readonly specs: readonly InheritSpec[],
    private readonly resolved: ResolvedKeys,
  ) {
    const { specsOfId, memfds } = resolved;
    this.index = new SpecIndex(specs, specsOfId, memfds);
    this.namesDescriptors = specsOfId.size > 0;
    this.namesSingleEnds =
      this.namesDescriptors || specs.some(({ key }) => key.kind === 'pipe' && key.end !== undefined);
  }

  private see(view: FileEntryView, { open, entry }: RecordPlace): void {
    const { id } = view;
    if (!this.seenIds.add(id)) this.repeatedIds.add(id);
    if (id > this.highestId) this.highestId = id;
    // Nearly all entries are regular files that no key can be of.
    if (
      !this.namesDescriptors &&
      this.resolved.terminalPaths.size === 0 &&
      view.member === FILE_ENTRY_FIELDS.reg &&
      this.index.isOfNoKey(view.bytes, view.start, view.end)
    )
      return;
    const type = inheritableType(view);
    if (type?.pathId !== undefined) this.pathless.push({ id, entry, ...(readPathless(view) as PathlessEntry) });
    const numbers = this.lookUp(view, open.name, entry, type);
    if (type !== undefined && type.pathId === undefined && numbers.length > 0) this.add(view, entry, type, numbers);
    else if (this.namesSingleEnds) this.seeOther(view);
    if (type?.isPath && this.isPathWanted(id)) this.paths.set(id, describeEntry(view) as EntryFacts);
  }

  private isPathWanted(id: number): boolean {
    const { pathIds, terminalPaths } = this.resolved;
    return pathIds.has(id) || terminalPaths.has(id);
  }

  /** When all of files.img was seen: only then every path is known. */
  private conclude(): void {
    for (const [id, [number]] of this.resolved.specsOfId) {
      if (!this.seenIds.has(id)) throw messages.entryMissing(this.specs[number as number]?.text ?? '', id);
    }
    this.refuseUnsupported();
    narrowMatches(this.byId, this.specs);
    for (const { id, entry, type, decoded, pathId } of this.pathless) {
      const byPath = this.byId.get(pathId);
      const path = byPath?.facts ?? this.paths.get(pathId);
      const { pipe_id, tty_info_id } = decoded as { pipe_id?: number; tty_info_id?: number };
      const byDevice = this.resolved.terminals.get(tty_info_id ?? -1) ?? [];
      const byName = this.resolved.currentTerminals.has(tty_info_id ?? -1) ? [] : this.keysOf(byPath);
      const named = [...this.index.ofDescriptors(id), ...byName, ...byDevice];
      const numbers = this.index.inOrder([...new Set(named)]);
      if (numbers.length > 0) {
        if (path === undefined && type.mayLackPath !== true) {
          throw messages.pathMissing({ file: 'files.img', entry }, type.name, id, pathId);
        }
        this.push({ id, entry, type, facts: type.describe(decoded, path), specs: numbers }, decoded);
      } else {
        if (pipe_id !== undefined) this.otherEnds.push({ id, pipe: pipeName(type.name, pipe_id), flags: path?.flags });
      }
    }
    this.list = [...this.byId.values()].sort((a, b) => a.entry - b.entry);
    for (const { id } of this.list) this.ids.add(id);
  }

  /** When all images were seen: the keys of memfds, and of terminals without a path, are in images of their own. */
  nameWith(withKey: (facts: EntryFacts) => EntryFacts): void {
    this.list = this.list.map((match) => {
      const facts = withKey(match.facts);
      return facts === match.facts ? match : { ...match, facts };
    });
  }

  private refuseUnsupported(): void {
    const [first, ...others] = [...this.unsupported.values()].map((named) => messages.typeUnsupported(named));
    if (first !== undefined) throw others.length === 0 ? first : messages.severalSpecs([first, ...others]);
  }

  /** The specs that name a regular entry by its path. */
  private keysOf(match: Match | undefined): readonly number[] {
    return (match?.specs ?? []).filter((number) => this.specs[number]?.key.kind !== 'descriptor');
  }

  /** What names an entry as the path of a FIFO or terminal, by its id. */
  regfHolders(id: number): HolderKind[] {
    return this.regfs.flatMap(([kind, ids]) => (ids.has(id) ? [kind] : []));
  }

  /** Throws where an id cannot tell which entry is meant. */
  refuseRepeated(): void {
    for (const { id, entry } of this.list) {
      if (!this.repeatedIds.has(id)) continue;
      throw messages.duplicateFileId({ file: 'files.img', entry, field: 'file_entry.id' }, id);
    }
  }

  private lookUp(
    view: FileEntryView,
    file: string,
    entry: number,
    type: InheritableType | undefined,
  ): readonly number[] {
    const { index } = this;
    if (type !== undefined) {
      return index.lookUp(view.id, view.type, view.member, view.bytes, view.start, view.end);
    }
    for (const number of index.ofDescriptors(view.id)) {
      if (entryType(view.type)?.inherit !== undefined)
        throw messages.memberMissing({ file, entry }, typeName(view.type), view.id);
      if (this.unsupported.has(number)) continue;
      const spec = this.specs[number]?.text ?? '';
      const why = entryType(view.type)?.refused;
      this.unsupported.set(number, { spec, type: typeName(view.type), id: view.id, entry, why });
    }
    return [];
  }

  private add(view: FileEntryView, entry: number, type: InheritableType, specs: readonly number[]): void {
    const decoded = decode(type.schema, view.bytes, view.start, view.end) as never;
    const facts = type.describe(decoded, undefined);
    const named = specs.filter((number) => this.isMeant(number, facts));
    if (named.length > 0) this.push({ id: view.id, entry, type, facts, specs: named }, decoded);
  }

  /** A key with a slash at its end is meant for directories, and a glob without one for all else. */
  private isMeant(number: number, facts: EntryFacts): boolean {
    const key = this.specs[number]?.key;
    if (fileKind(facts) === 'directory') return key?.kind !== 'glob' || key.isDirectory;
    return (key?.kind !== 'path' && key?.kind !== 'glob') || !key.isDirectory || facts.isExternal === true;
  }

  private push(match: Match, decoded: { readonly id: number }): void {
    if (decoded.id !== match.id) {
      throw messages.innerIdDiffers({ file: 'files.img', entry: match.entry }, match.id, decoded.id);
    }
    const { nameBytes } = match.facts;
    if (nameBytes !== undefined) {
      throw messages.nameTooLong({ file: 'files.img', entry: match.entry }, match.id, nameBytes, MAX_KEY_BYTES);
    }
    if (!this.byId.has(match.id)) this.byId.set(match.id, match);
  }

  /** An end of a pipe that no spec names. */
  private seeOther({ id, member, bytes, start, end }: FileEntryView): void {
    if (member !== FILE_ENTRY_FIELDS.pipe) return;
    const { pipe_id, flags } = decode(PIPE_ENTRY, bytes, start, end);
    this.otherEnds.push({ id, pipe: pipeName('PIPE', pipe_id), flags });
  }

  private seePath(id: number, kind: HolderKind): void {
    let ids = this.regfs.find(([known]) => known === kind)?.[1];
    if (ids === undefined) {
      ids = new IdSet();
      this.regfs.push([kind, ids]);
    }
    ids.add(id);
    if (id > this.highestId) this.highestId = id;
  }
}
