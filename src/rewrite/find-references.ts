import {
  type DescriptorName,
  descriptorNames,
  type EpollWatch,
  epollWatch,
  namesDescriptors,
} from '../checkpoint/descriptor-names';
import { DescriptorGlance, isCloseOnExec } from '../checkpoint/descriptor-record';
import { typeName } from '../checkpoint/entry-types';
import { type HolderKind, visitFileIds } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { forEachRecord, type OpenImage } from '../checkpoint/open-image';
import { type PipeName, pipeName, UNREAD_BYTES_OF } from '../checkpoint/pipe-name';
import { pushTo } from '../checkpoint/push-to';
import { Tally } from '../checkpoint/tally';
import type { Place } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import type { RecordBatch } from '../frames/record-reader';
import { decode } from '../schema/decode';
import {
  FDINFO_ENTRY,
  PIPE_DATA_ENTRY,
  type PipeDataEntry,
  REMAP_FILE_PATH_ENTRY,
  REMAP_TYPE,
  SK_PACKET_ENTRY,
} from '../schema/generated/images';
import { FD_NUMBER_MAX, PIPE_CAPACITY_MAX } from '../schema/plan-limits';
import type { Candidates } from './find-candidates';
import { type BytesInFlight, type DescriptorReference, pipeOf, type Remap, type ScmReference } from './match';

/** A lock or the like, with the place that names it. */
export interface NamedDescriptor extends DescriptorName {
  readonly image: string;
  readonly entry: number;
}

/** What the images behind files.img say of the candidates. */
export class ReferenceFinder {
  readonly descriptors = new Map<number, DescriptorReference[]>();
  readonly scmRights = new Map<number, ScmReference[]>();
  /** Descriptor tables with a descriptor of a candidate. */
  readonly tables = new Set<number>();
  /** Tables by the file id of the epoll that they have a descriptor of. */
  readonly epollTables = new Map<number, Set<number>>();
  readonly remaps: Remap[] = [];
  readonly names: NamedDescriptor[] = [];
  /** What else refers to a candidate, as "the executable of task 7"; but for remaps. */
  readonly holders = new Map<number, string[]>();
  readonly inFlight: BytesInFlight[] = [];
  /** Capacities of the candidates' pipes. */
  readonly pipeSizes = new Map<PipeName, number>();
  highestId = 0;

  private readonly glance = new DescriptorGlance();
  /** Numbers of the table that is being read: all, and those of candidates. */
  private seenNumbers = new IdSet();
  private candidateNumbers = new IdSet();
  private readonly watches: EpollWatch[] = [];
  private readonly tally = new Tally('the checkpoint');
  private epolls: ReadonlySet<number> | undefined;
  private pipes: ReadonlySet<PipeName | undefined> | undefined;

  constructor(private readonly candidates: Pick<Candidates, 'ids' | 'byId' | 'watches'>) {}

  /** Watches of epolls, those of older dumps among them. */
  allWatches(): EpollWatch[] {
    return [...this.candidates.watches, ...this.watches];
  }

  see(batch: RecordBatch, open: OpenImage): void {
    const { name } = open.kind;
    if (name === 'FDINFO') this.seeDescriptors(batch, open);
    else if (UNREAD_BYTES_OF[name] !== undefined) this.seeBytesInFlight(batch, open, UNREAD_BYTES_OF[name]);
    else if (name === 'REMAP_FPATH') this.seeRemaps(batch, open);
    else if (name === 'SK_QUEUES') this.seePackets(batch, open);
    else if (namesDescriptors(name)) this.seeNames(batch, open);
    else this.seeHolders(batch, open);
  }

  private seeDescriptors(batch: RecordBatch, open: OpenImage): void {
    const { glance, candidates } = this;
    if (batch.firstEntry === 0) {
      this.seenNumbers = new IdSet();
      this.candidateNumbers = new IdSet();
    }
    this.epolls ??= new Set(this.allWatches().map(({ epoll }) => epoll));
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      const { id, fd: number } = glance.read(bytes, start, end);
      if (id > this.highestId) this.highestId = id;
      if (this.epolls?.has(id)) append(this.epollTables, id, open.number);
      const isCandidate = id !== -1 && candidates.ids.has(id);
      const match = isCandidate ? candidates.byId.get(id) : undefined;
      // Past it are none of candidates: those are refused.
      if (number !== -1 && number <= FD_NUMBER_MAX) {
        const isNew = this.seenNumbers.add(number);
        if (match !== undefined) this.candidateNumbers.add(number);
        if (!isNew && this.candidateNumbers.has(number)) {
          throw messages.descriptorRepeated({ file: open.name, entry, field: 'fdinfo_entry.fd' }, number);
        }
      }
      if (!isCandidate) return;
      const { type, fd, flags } = decode(FDINFO_ENTRY, bytes, start, end);
      if (match !== undefined && type !== match.type.number) {
        const place = { file: open.name, entry, field: 'fdinfo_entry.type' };
        throw messages.descriptorTypeDiffers(place, id, typeName(type), match.type.name);
      }
      if (match !== undefined && fd > FD_NUMBER_MAX) {
        throw messages.descriptorPastLimit({ file: open.name, entry, field: 'fdinfo_entry.fd' }, fd, FD_NUMBER_MAX);
      }
      this.tally.count('references');
      this.tables.add(open.number);
      pushTo(this.descriptors, id, { table: open.number, fd, closeOnExec: isCloseOnExec(flags) });
    });
  }

  private seeHolders(batch: RecordBatch, open: OpenImage): void {
    const ofTask = open.number > 0 ? ` of task ${open.number}` : '';
    forEachRecord(batch, open.name, (bytes, start, end) => {
      visitFileIds(open.kind.name, bytes, start, end, (id, kind) => {
        if (this.isCandidate(id)) this.addHolder(id, describeHolder(kind, ofTask));
      });
      if (open.kind.name === 'EVENTPOLL_TFD') this.watches.push(epollWatch(bytes, start, end));
    });
  }

  private seePackets(batch: RecordBatch, open: OpenImage): void {
    forEachRecord(batch, open.name, (bytes, start, end, packet) => {
      const rights: number[] = [];
      visitFileIds('SK_QUEUES', bytes, start, end, (id, kind) => {
        if (!this.isCandidate(id)) return;
        if (kind === 'SCM right') rights.push(id);
        else this.addHolder(id, describeHolder(kind, ''));
      });
      if (rights.length === 0) return;
      const socketId = decode(SK_PACKET_ENTRY, bytes, start, end).id_for;
      for (const id of rights) pushTo(this.scmRights, id, { packet, socketId });
    });
  }

  private seeRemaps(batch: RecordBatch, open: OpenImage): void {
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      let linkedId: number | undefined;
      let isOfInterest = false;
      visitFileIds('REMAP_FPATH', bytes, start, end, (id, kind) => {
        if (this.isCandidate(id)) isOfInterest = true;
        if (kind === 'linked remap') linkedId = id;
      });
      const { orig_id, remap_id, remap_type } = decode(REMAP_FILE_PATH_ENTRY, bytes, start, end);
      const ghostId = linkedId === undefined && remap_type !== REMAP_TYPE.PROCFS ? remap_id : undefined;
      // A ghost may be that of a candidate that comes later.
      if (isOfInterest || ghostId !== undefined) this.remaps.push({ entry, origId: orig_id, linkedId, ghostId });
    });
  }

  private seeNames(batch: RecordBatch, open: OpenImage): void {
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      for (const name of descriptorNames(open.kind.name, bytes, start, end)) {
        this.names.push({ ...name, image: open.name, entry });
      }
    });
  }

  private seeBytesInFlight(batch: RecordBatch, open: OpenImage, type: string): void {
    this.pipes ??= new Set(Array.from(this.candidates.byId.values(), pipeOf));
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      const data = decode(PIPE_DATA_ENTRY, bytes, start, end);
      const pipe = pipeName(type, data.pipe_id);
      if (!this.pipes?.has(pipe)) return;
      this.seePipeSize(pipe, data, { file: open.name, entry });
      if (data.bytes === 0) return;
      this.inFlight.push({
        image: open.name,
        entry,
        pipe,
        offset: batch.base + end,
        bytes: data.bytes,
        ...(data.size === undefined ? {} : { pipeSize: data.size }),
      });
    });
  }

  private seePipeSize(pipe: PipeName, { pipe_id, size = 0 }: PipeDataEntry, place: Place): void {
    if (size > PIPE_CAPACITY_MAX) {
      const field = 'pipe_data_entry.size';
      throw messages.pipeSizeTooLarge({ ...place, field }, `pipe ${pipe_id}`, size, PIPE_CAPACITY_MAX);
    }
    if (size > (this.pipeSizes.get(pipe) ?? 0)) this.pipeSizes.set(pipe, size);
  }

  private isCandidate(id: number): boolean {
    if (id > this.highestId) this.highestId = id;
    return this.candidates.ids.has(id);
  }

  private addHolder(id: number, holder: string): void {
    const holders = this.holders.get(id);
    if (holders === undefined) this.holders.set(id, [holder]);
    else if (!holders.includes(holder)) holders.push(holder);
  }
}

function append(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function describeHolder(kind: HolderKind, ofTask: string): string {
  return kind.endsWith('mapping') ? `a ${kind === 'mapping' ? 'file ' : ''}${kind}${ofTask}` : `the ${kind}${ofTask}`;
}
