import { escapeBytes } from '../bytes/escape';
import { fileIdOf } from '../checkpoint/descriptor-record';
import { ENTRY_TYPES, type EntryFacts, type EntryType } from '../checkpoint/entry-types';
import { FileEntryView } from '../checkpoint/file-entry';
import { type HolderKind, holdsFileIds, namesRegf, visitFileIds, visitRegf } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { Layout } from '../checkpoint/layout';
import { decodeFirst, forEachRecord, imageOf, type OpenImage, readBatches } from '../checkpoint/open-image';
import { Tasks } from '../checkpoint/tasks';
import { messages } from '../errors/messages';
import { type ImageFile, PLAN_IMAGE } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-reader';
import { decode } from '../schema/decode';
import { INVENTORY_ENTRY, PIPE_DATA_ENTRY } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import { SpecIndex } from '../specs/spec-index';
import type { Member, Source, SourceMember } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import type { BytesInFlight, Match } from './match';

/** What the first pass over a checkpoint found out. */
export interface Survey {
  /** Entries that a spec names and a descriptor or SCM right refers to, as they lie in files.img. */
  readonly matches: readonly Match[];
  /** Entries that a spec names, but that nothing holds open. */
  readonly notOpen: readonly Match[];
  /** What else refers to a matched entry, as "the executable of task 7". */
  readonly holders: ReadonlyMap<number, readonly string[]>;
  /** Descriptor tables that refer to a matched entry; undefined where any may. */
  readonly tables: ReadonlySet<number> | undefined;
  /** Pids by descriptor table. */
  readonly pidsByTable: ReadonlyMap<number, readonly number[]>;
  readonly inFlight: readonly BytesInFlight[];
  /** files.img itself, for mode and owner. */
  readonly filesImage: Member;
}

/** The first pass: which entries the specs name, and what kinds of things refer to them. */
export async function survey(source: Source, specs: readonly InheritSpec[], signal?: AbortSignal): Promise<Survey> {
  const surveyor = new Surveyor(specs);
  for await (const member of source.members()) {
    signal?.throwIfAborted();
    await surveyor.see(member);
  }
  return surveyor.conclude(source.label);
}

/**
 * Keeps what grows with the matches where files.img comes before the images that refer to it, as it
 * does in a folder. In an archive the order is another's: what comes before files.img is kept as a bit
 * for each id, and what holds an id otherwise as a line of text.
 */
class Surveyor {
  private readonly layout = new Layout();
  private readonly tasks = new Tasks();
  private readonly index: SpecIndex;
  private readonly typeOf = new Map<number, EntryType>(ENTRY_TYPES.map((type) => [type.number, type]));

  private readonly candidates: Match[] = [];
  private readonly candidateIds = new IdSet();
  private filesImage: Member | undefined;
  private readonly seenIds = new IdSet();
  private readonly repeatedIds = new IdSet();

  /** Ids that a descriptor or an SCM right refers to. */
  private readonly open = new IdSet();
  private tables: Set<number> | undefined = new Set();
  private readonly holders = new Map<number, string[]>();
  private readonly regfs: [HolderKind, IdSet][] = [];
  private readonly inFlight: BytesInFlight[] = [];

  private readonly view = new FileEntryView();
  private readonly cursor = new FieldCursor();
  private readonly onOpen = (open: OpenImage) => this.layout.sawImage(open);

  constructor(specs: readonly InheritSpec[]) {
    this.index = new SpecIndex(specs);
  }

  async see(member: SourceMember): Promise<void> {
    const image = imageOf(member);
    if (image === undefined) {
      const name = member.name.toString('latin1');
      if (name === PLAN_IMAGE) throw messages.planInSource(escapeBytes(member.name));
      this.layout.sawRaw(name);
    } else if (image.kind.name === 'INVENTORY') {
      this.layout.sawInventory(await decodeFirst(member, image, INVENTORY_ENTRY));
    } else if (Tasks.readsFrom(image)) {
      await this.tasks.read(member, image, this.onOpen);
    } else if (image.kind.name === 'FILES') {
      this.filesImage = member;
      await readBatches(member, image, (batch, open) => this.seeFiles(batch, open), this.onOpen);
    } else if (this.isOfInterest(image)) {
      await readBatches(member, image, (batch, open) => this.seeReferences(batch, open), this.onOpen);
    }
  }

  conclude(source: string): Survey {
    this.layout.check(source);
    if (this.filesImage === undefined) throw new TypeError('the layout has files.img');
    for (const match of this.candidates) this.refuseRepeated(match);
    const isOpen = (match: Match) => this.open.has(match.id);
    const matches = this.candidates.filter(isOpen);
    for (const { id } of this.candidates) {
      for (const [kind, ids] of this.regfs) if (ids.has(id)) this.addHolder(id, `the path of a ${kind}`);
    }
    const pipes = new Set(matches.map(({ facts }) => facts.pipeId));
    return {
      matches,
      notOpen: this.candidates.filter((match) => !isOpen(match)),
      holders: this.holders,
      tables: this.tables,
      pidsByTable: this.tasks.byTable(),
      inFlight: this.inFlight.filter(({ pipeId }) => pipes.has(pipeId)),
      filesImage: this.filesImage,
    };
  }

  /** False where no record of the image can matter any more. */
  private isOfInterest(image: ImageFile): boolean {
    const { name } = image.kind;
    if (name !== 'FDINFO' && name !== 'PIPES_DATA' && !holdsFileIds(name)) return false;
    return this.filesImage === undefined || this.candidates.length > 0;
  }

  private mayMatch(id: number): boolean {
    return this.filesImage === undefined || this.candidateIds.has(id);
  }

  private seeFiles(batch: RecordBatch, open: OpenImage): void {
    const { view } = this;
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      view.read(bytes, start, end);
      if (!this.seenIds.add(view.id)) this.repeatedIds.add(view.id);
      if (view.member === 0) return;
      const specs = this.index.lookUp(view.type, view.member, view.bytes, view.start, view.end);
      if (specs.length > 0) this.addCandidate(entry, specs);
      else if (namesRegf(view.member)) this.seeRegf();
    });
  }

  private addCandidate(entry: number, specs: readonly number[]): void {
    const { view } = this;
    const type = this.typeOf.get(view.type);
    if (type === undefined) throw new TypeError(`no table entry for type ${view.type}`);
    const facts: EntryFacts = type.describe(decode(type.schema, view.bytes, view.start, view.end) as never);
    this.candidates.push({ id: view.id, entry, type, facts, specs });
    this.candidateIds.add(view.id);
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
    });
  }

  private seeReferences(batch: RecordBatch, open: OpenImage): void {
    const { name } = open.kind;
    if (name === 'FDINFO') this.seeDescriptors(batch, open);
    else if (name === 'PIPES_DATA') this.seeBytesInFlight(batch, open);
    else this.seeHolders(batch, open);
  }

  private seeDescriptors(batch: RecordBatch, open: OpenImage): void {
    const { cursor } = this;
    if (this.filesImage === undefined) this.tables = undefined;
    forEachRecord(batch, open.name, (bytes, start, end) => {
      const id = fileIdOf(cursor, bytes, start, end);
      if (id === -1 || !this.mayMatch(id)) return;
      this.open.add(id);
      this.tables?.add(open.number);
    });
  }

  private seeHolders(batch: RecordBatch, open: OpenImage): void {
    const ofTask = open.number > 0 ? ` of task ${open.number}` : '';
    forEachRecord(batch, open.name, (bytes, start, end) => {
      visitFileIds(open.kind.name, bytes, start, end, (id, kind) => {
        if (!this.mayMatch(id)) return;
        if (kind === 'SCM right') this.open.add(id);
        else this.addHolder(id, describeHolder(kind, ofTask));
      });
    });
  }

  private addHolder(id: number, holder: string): void {
    const holders = this.holders.get(id);
    if (holders === undefined) this.holders.set(id, [holder]);
    else if (!holders.includes(holder)) holders.push(holder);
  }

  private seeBytesInFlight(batch: RecordBatch, open: OpenImage): void {
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      const data = decode(PIPE_DATA_ENTRY, bytes, start, end);
      if (data.bytes === 0) return;
      this.inFlight.push({
        image: open.name,
        entry,
        pipeId: data.pipe_id,
        offset: batch.base + end,
        bytes: data.bytes,
        ...(data.size === undefined ? {} : { pipeSize: data.size }),
      });
    });
  }

  private refuseRepeated(match: Match): void {
    if (this.repeatedIds.has(match.id)) {
      throw messages.duplicateFileId({ file: 'files.img', entry: match.entry, field: 'file_entry.id' }, match.id);
    }
  }
}

function describeHolder(kind: HolderKind, ofTask: string): string {
  switch (kind) {
    case 'mapping':
      return `a file mapping${ofTask}`;
    case 'removed file':
      return 'a removed file (remap-fpath.img)';
    case 'linked remap':
      return 'what stands in for a removed file (remap-fpath.img)';
    default:
      return `the ${kind}${ofTask}`;
  }
}
