import { type EpollWatch, epollWatches } from '../checkpoint/descriptor-names';
import { ENTRY_TYPES, type EntryFacts, type EntryType, fileKind, typeName } from '../checkpoint/entry-types';
import { FileEntryView } from '../checkpoint/file-entry';
import { type HolderKind, namesRegf, visitRegf } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { forEachRecord } from '../checkpoint/open-image';
import { messages } from '../errors/messages';
import type { RecordBatch } from '../frames/record-reader';
import { decode } from '../schema/decode';
import { FILE_ENTRY_FIELDS, PIPE_ENTRY } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import { SpecIndex } from '../specs/spec-index';
import type { Match, PipeEnd } from './match';
import type { ResolvedDescriptors } from './resolve-descriptors';

/** What files.img says: the entries that the specs name, and what the others have to do with them. */
export class Candidates {
  /** As they lie in the image. */
  readonly list: Match[] = [];
  readonly byId = new Map<number, Match>();
  readonly ids = new IdSet();
  readonly watches: EpollWatch[] = [];
  /** Of pipes that no spec names; only where specs can name one end without the other. */
  readonly otherEnds: PipeEnd[] = [];
  highestId = 0;

  private readonly index: SpecIndex;
  private readonly typeOf = new Map<number, EntryType>(ENTRY_TYPES.map((type) => [type.number, type]));
  private readonly namesSingleEnds: boolean;
  private readonly seenIds = new IdSet();
  private readonly repeatedIds = new IdSet();
  private readonly regfs: [HolderKind, IdSet][] = [];
  private readonly view = new FileEntryView();

  constructor(
    private readonly specs: readonly InheritSpec[],
    { specsOfId }: ResolvedDescriptors,
  ) {
    this.index = new SpecIndex(specs, specsOfId);
    this.namesSingleEnds = specsOfId.size > 0;
  }

  see(batch: RecordBatch, file: string): void {
    const { view } = this;
    forEachRecord(batch, file, (bytes, start, end, entry) => {
      view.read(bytes, start, end);
      if (!this.seenIds.add(view.id)) this.repeatedIds.add(view.id);
      if (view.id > this.highestId) this.highestId = view.id;
      const numbers = this.lookUp(file, entry);
      if (numbers.length > 0) this.add(entry, numbers);
      else if (view.member !== 0) this.seeOther();
    });
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

  private lookUp(file: string, entry: number): readonly number[] {
    const { view, index } = this;
    if (view.member !== 0 && this.typeOf.has(view.type)) {
      return index.lookUp(view.id, view.type, view.member, view.bytes, view.start, view.end);
    }
    const [number] = index.ofDescriptors(view.id);
    if (number !== undefined) {
      throw messages.typeUnsupported({ file, entry }, this.specs[number]?.text ?? '', typeName(view.type), view.id);
    }
    return [];
  }

  private add(entry: number, specs: readonly number[]): void {
    const { view } = this;
    const type = this.typeOf.get(view.type);
    if (type === undefined) throw new TypeError(`no table entry for type ${view.type}`);
    const facts: EntryFacts = type.describe(decode(type.schema, view.bytes, view.start, view.end) as never);
    // A glob is meant for files; a folder is named only by a key of its own.
    const named = fileKind(facts) === 'folder' ? specs.filter((number) => !this.index.isGlob(number)) : specs;
    if (named.length === 0) return;
    const match = { id: view.id, entry, type, facts, specs: named };
    this.list.push(match);
    this.byId.set(view.id, match);
    this.ids.add(view.id);
  }

  /** An entry that no spec names. */
  private seeOther(): void {
    const { view } = this;
    if (namesRegf(view.member)) this.seeRegf();
    else if (view.member === FILE_ENTRY_FIELDS.epfd) {
      for (const watch of epollWatches(view.id, view.bytes, view.start, view.end)) this.watches.push(watch);
    } else if (this.namesSingleEnds && view.member === FILE_ENTRY_FIELDS.pipe) {
      const { pipe_id, flags } = decode(PIPE_ENTRY, view.bytes, view.start, view.end);
      this.otherEnds.push({ id: view.id, pipeId: pipe_id, flags });
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
