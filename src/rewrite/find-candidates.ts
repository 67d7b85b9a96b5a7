import { type EpollWatch, epollWatches } from '../checkpoint/descriptor-names';
import {
  ENTRY_TYPES,
  type EntryFacts,
  type EntryType,
  fileKind,
  MAX_KEY_BYTES,
  typeName,
} from '../checkpoint/entry-types';
import { FileEntryView } from '../checkpoint/file-entry';
import { type HolderKind, namesRegf, visitRegf } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { forEachRecord } from '../checkpoint/open-image';
import { pipeName } from '../checkpoint/pipe-name';
import { messages } from '../errors/messages';
import type { RecordBatch } from '../frames/record-reader';
import { decode } from '../schema/decode';
import { FILE_ENTRY_FIELDS, PIPE_ENTRY } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import { SpecIndex } from '../specs/spec-index';
import type { Match, PipeEnd } from './match';
import type { ResolvedDescriptors } from './resolve-descriptors';

/** An entry whose path, flags and owner are in another one. */
interface PathlessEntry {
  readonly id: number;
  readonly entry: number;
  readonly type: EntryType;
  readonly decoded: never;
  readonly pathId: number;
}

/** What files.img says: the entries that the specs name, and what the others have to do with them. */
export class Candidates {
  /** As they lie in the image. */
  readonly list: Match[] = [];
  readonly byId = new Map<number, Match>();
  readonly ids = new IdSet();
  readonly watches: EpollWatch[] = [];
  /** Ends of pipes that no spec names; of pipes without a path only where specs can name one end without the other. */
  readonly otherEnds: PipeEnd[] = [];
  highestId = 0;

  private readonly index: SpecIndex;
  private readonly typeOf = new Map<number, EntryType>(ENTRY_TYPES.map((type) => [type.number, type]));
  private readonly namesSingleEnds: boolean;
  private readonly seenIds = new IdSet();
  private readonly repeatedIds = new IdSet();
  private readonly regfs: [HolderKind, IdSet][] = [];
  private readonly pathless: PathlessEntry[] = [];
  /** What the paths are of entries that specs name by a descriptor, by file id. */
  private readonly paths = new Map<number, EntryFacts>();
  private readonly view = new FileEntryView();

  constructor(
    private readonly specs: readonly InheritSpec[],
    private readonly resolved: ResolvedDescriptors,
  ) {
    const { specsOfId } = resolved;
    this.index = new SpecIndex(specs, specsOfId);
    this.namesSingleEnds = specsOfId.size > 0;
  }

  see(batch: RecordBatch, file: string): void {
    const { view } = this;
    forEachRecord(batch, file, (bytes, start, end, entry) => {
      view.read(bytes, start, end);
      if (!this.seenIds.add(view.id)) this.repeatedIds.add(view.id);
      if (view.id > this.highestId) this.highestId = view.id;
      const type = view.member === 0 ? undefined : this.typeOf.get(view.type);
      if (type?.pathId !== undefined) this.deferPathless(entry, type);
      const numbers = this.lookUp(file, entry, type);
      if (type !== undefined && type.pathId === undefined && numbers.length > 0) this.add(entry, type, numbers);
      else if (view.member !== 0) this.seeOther();
      if (type?.isPath && this.resolved.pathIds.has(view.id)) this.paths.set(view.id, this.describe(type));
    });
  }

  /** To be called when all of files.img was seen: only then every path is known. */
  conclude(): void {
    for (const [id, [number]] of this.resolved.specsOfId) {
      if (!this.seenIds.has(id)) throw messages.entryMissing(this.specs[number as number]?.text ?? '', id);
    }
    for (const { id, entry, type, decoded, pathId } of this.pathless) {
      const byPath = this.byId.get(pathId);
      const path = byPath?.facts ?? this.paths.get(pathId);
      const numbers = this.index.inOrder([...this.index.ofDescriptors(id), ...this.keysOf(byPath)]);
      if (numbers.length > 0) {
        if (path === undefined) {
          throw messages.pathMissing({ file: 'files.img', entry }, type.name, id, pathId);
        }
        this.push({ id, entry, type, facts: type.describe(decoded, path), specs: numbers }, decoded);
      } else {
        const { pipe_id } = decoded as { pipe_id: number };
        this.otherEnds.push({ id, pipe: pipeName(type.name, pipe_id), flags: path?.flags });
      }
    }
    this.list.sort((a, b) => a.entry - b.entry);
  }

  /** The specs that name a regular entry by its path. */
  private keysOf(match: Match | undefined): readonly number[] {
    return (match?.specs ?? []).filter((number) => this.specs[number]?.key.kind !== 'descriptor');
  }

  private describe(type: EntryType): EntryFacts {
    return type.describe(this.decodeMember(type), undefined);
  }

  private decodeMember(type: EntryType): never {
    const { view } = this;
    return decode(type.schema, view.bytes, view.start, view.end) as never;
  }

  private deferPathless(entry: number, type: EntryType): void {
    const { id } = this.view;
    const decoded = this.decodeMember(type);
    this.pathless.push({ id, entry, type, decoded, pathId: type.pathId?.(decoded) ?? id });
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

  private lookUp(file: string, entry: number, type: EntryType | undefined): readonly number[] {
    const { view, index } = this;
    if (type !== undefined) {
      return index.lookUp(view.id, view.type, view.member, view.bytes, view.start, view.end);
    }
    const [number] = index.ofDescriptors(view.id);
    if (number !== undefined) {
      if (this.typeOf.has(view.type)) throw messages.memberMissing({ file, entry }, typeName(view.type), view.id);
      throw messages.typeUnsupported({ file, entry }, this.specs[number]?.text ?? '', typeName(view.type), view.id);
    }
    return [];
  }

  private add(entry: number, type: EntryType, specs: readonly number[]): void {
    const { view } = this;
    const decoded = this.decodeMember(type);
    const facts = type.describe(decoded, undefined);
    // A glob is meant for files; a folder is named only by a key of its own.
    const named = fileKind(facts) === 'folder' ? specs.filter((number) => !this.index.isGlob(number)) : specs;
    if (named.length > 0) this.push({ id: view.id, entry, type, facts, specs: named }, decoded);
  }

  private push(match: Match, decoded: { readonly id: number }): void {
    if (decoded.id !== match.id) {
      throw messages.innerIdDiffers({ file: 'files.img', entry: match.entry }, match.id, decoded.id);
    }
    const { nameBytes } = match.facts;
    if (nameBytes !== undefined) {
      throw messages.nameTooLong({ file: 'files.img', entry: match.entry }, match.id, nameBytes, MAX_KEY_BYTES);
    }
    this.list.push(match);
    this.byId.set(match.id, match);
    this.ids.add(match.id);
  }

  /** An entry that no spec names. */
  private seeOther(): void {
    const { view } = this;
    if (namesRegf(view.member)) this.seeRegf();
    else if (view.member === FILE_ENTRY_FIELDS.epfd) {
      for (const watch of epollWatches(view.id, view.bytes, view.start, view.end)) this.watches.push(watch);
    } else if (this.namesSingleEnds && view.member === FILE_ENTRY_FIELDS.pipe) {
      const { pipe_id, flags } = decode(PIPE_ENTRY, view.bytes, view.start, view.end);
      this.otherEnds.push({ id: view.id, pipe: pipeName('PIPE', pipe_id), flags });
    }
  }

  private seeRegf(): void {
    const { view } = this;
    visitRegf(view.member, view.bytes, view.start, view.end, (id, kind) => {
      let ids = this.regfs.find(([known]) => known === kind)?.[1];
      if (ids === undefined) {
        ids = new IdSet();
        this.regfs.push([kind, ids]);
      }
      ids.add(id);
      if (id > this.highestId) this.highestId = id;
    });
  }
}
