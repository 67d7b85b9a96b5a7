import { addTo, pushTo } from '../bytes/groups';
import type { DescriptorTie } from '../checkpoint/descriptor-names';
import { type DescriptorView, isCloseOnExec } from '../checkpoint/descriptor-record';
import { typeName } from '../checkpoint/entry-types';
import { IdSet } from '../checkpoint/id-set';
import { ghostNumber, type HolderKind } from '../checkpoint/message-rows';
import { type PipeName, pipeName } from '../checkpoint/pipe-name';
import { Tally } from '../checkpoint/tally';
import type { RecordPlace, Subscriber } from '../checkpoint/walk/subscriber';
import type { Place } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { decode } from '../schema/decode';
import {
  FD_TYPES,
  type PipeDataEntry,
  REMAP_TYPE,
  type RemapFilePathEntry,
  SK_PACKET_ENTRY,
  TCP_STREAM_ENTRY,
} from '../schema/generated/images';
import { FD_NUMBER_MAX, PIPE_CAPACITY_MAX } from '../schema/plan-limits';
import type { Candidates } from './find-candidates';
import {
  type DescriptorReference,
  type PipeBytes,
  pipeOf,
  type QueuedBytes,
  type Remap,
  type ScmReference,
} from './match';

/** A lock or the like, with the place that names it. */
export interface NamedDescriptor extends DescriptorTie {
  readonly image: string;
  readonly entry: number;
}

/** What the images behind files.img say of the candidates. */
export class ReferenceFinder {
  readonly descriptors = new Map<number, DescriptorReference[]>();
  readonly scmRights = new Map<number, ScmReference[]>();
  /** Descriptor tables with a descriptor of a candidate. */
  readonly tables = new Set<number>();
  readonly remaps: Remap[] = [];
  readonly names: NamedDescriptor[] = [];
  /** What else refers to a candidate, as "the executable of task 7"; but for remaps. */
  readonly otherReferences = new Map<number, Set<string>>();
  readonly unread: PipeBytes[] = [];
  /** The content of the candidates' queues, by file id. */
  readonly queued = new Map<number, QueuedBytes[]>();
  /** Capacities of the candidates' pipes. */
  readonly pipeSizes = new Map<PipeName, number>();
  highestId = 0;

  /** Numbers of the table that is being read: all, and those of candidates. */
  private seenNumbers = new IdSet();
  private candidateNumbers = new IdSet();
  private readonly tally = new Tally('fdinfo images');
  private pipes: ReadonlySet<PipeName | undefined> | undefined;
  private connected: ReadonlyMap<number, number> | undefined;

  constructor(private readonly candidates: Pick<Candidates, 'ids' | 'byId' | 'watches'>) {}

  /** Of a walk in which all candidates are known before other images come. */
  readonly events: Subscriber = {
    // Candidates have the watches of that.
    skips: ({ kind, number }) =>
      kind.name === 'FILES' || (kind.name === 'TCP_STREAM' && !this.connections().has(number)),
    opened: ({ kind }) => {
      if (kind.name !== 'FDINFO') return;
      this.seenNumbers = new IdSet();
      this.candidateNumbers = new IdSet();
    },
    descriptor: (view, at) => this.seeDescriptor(view, at),
    reference: (id, kind, { open }) => {
      if (!this.isCandidate(id) || hasOwnEvent(kind)) return;
      const ofTask = open.number > 0 ? ` of task ${open.number}` : '';
      addTo(this.otherReferences, id, describeHolder(kind, ofTask));
    },
    packet: (rights, bytes, start, end, at) => this.seePacket(rights, bytes, start, end, at),
    connection: (bytes, start, end, at) => this.seeConnection(bytes, start, end, at),
    remap: (remap, linkedId, { open, entry }) => {
      this.tally.count('remaps', 1, open.name);
      this.seeRemap(remap, linkedId, entry);
    },
    tie: (tie, { open, entry }) => {
      this.tally.count('locks', 1, open.name);
      this.names.push({ ...tie, image: open.name, entry });
    },
    watch: (watch, { open }) => {
      this.tally.count('watches', 1, open.name);
      this.candidates.watches.add(watch);
    },
    unread: (data, type, offset, at) => this.seeUnread(data, type, offset, at),
  };

  private seeDescriptor(view: DescriptorView, { open, entry }: RecordPlace): void {
    const { id, type, flags, fd } = view.checkComplete();
    if (id > this.highestId) this.highestId = id;
    if (type === FD_TYPES.EVENTPOLL) this.candidates.watches.addEpoll(open.number, id);
    const isCandidate = this.candidates.ids.has(id);
    const match = isCandidate ? this.candidates.byId.get(id) : undefined;
    // Past it are none of candidates: those are refused.
    if (fd <= FD_NUMBER_MAX) {
      const isNew = this.seenNumbers.add(fd);
      if (match !== undefined) this.candidateNumbers.add(fd);
      if (!isNew && this.candidateNumbers.has(fd)) {
        throw messages.descriptorRepeated({ file: open.name, entry, field: 'fdinfo_entry.fd' }, fd);
      }
    }
    if (!isCandidate) return;
    if (match !== undefined && type !== match.type.number) {
      const place = { file: open.name, entry, field: 'fdinfo_entry.type' };
      throw messages.descriptorTypeDiffers(place, id, typeName(type), match.type.name);
    }
    if (match !== undefined && fd > FD_NUMBER_MAX) {
      throw messages.descriptorPastLimit({ file: open.name, entry, field: 'fdinfo_entry.fd' }, fd, FD_NUMBER_MAX);
    }
    this.tally.count('references', 1, open.name);
    this.tables.add(open.number);
    pushTo(this.descriptors, id, { table: open.number, fd, closeOnExec: isCloseOnExec(flags) });
  }

  private seePacket(
    rights: readonly number[],
    bytes: Uint8Array,
    start: number,
    end: number,
    { open, entry, base }: RecordPlace,
  ): void {
    const wanted = rights.filter((id) => this.isCandidate(id));
    const { id_for: socketId, length } = decode(SK_PACKET_ENTRY, bytes, start, end);
    this.tally.count('rights', wanted.length, open.name);
    for (const id of wanted) pushTo(this.scmRights, id, { packet: entry, socketId });
    if (!this.candidates.ids.has(socketId)) return;
    this.tally.count('unread', 1, open.name);
    pushTo(this.queued, socketId, { image: open.name, entry, offset: base + end, bytes: length, rights });
  }

  /** The candidates among the established connections, by inode, which names their images. */
  private connections(): ReadonlyMap<number, number> {
    this.connected ??= new Map(
      Array.from(this.candidates.byId.values()).flatMap(({ id, type, facts: { socketInode } }) =>
        type.name !== 'INETSK' || socketInode === undefined ? [] : [[socketInode, id]],
      ),
    );
    return this.connected;
  }

  private seeConnection(bytes: Uint8Array, start: number, end: number, { open, entry, base }: RecordPlace): void {
    const id = this.connections().get(open.number);
    const { inq_len, outq_len } = decode(TCP_STREAM_ENTRY, bytes, start, end);
    const length = inq_len + outq_len;
    if (id === undefined || length === 0) return;
    pushTo(this.queued, id, { image: open.name, entry, offset: base + end, bytes: length, rights: [] });
  }

  private seeRemap(remap: RemapFilePathEntry, linkedId: number | undefined, entry: number): void {
    const { orig_id, remap_id, remap_type } = remap;
    const ghostId =
      linkedId === undefined && remap_type !== REMAP_TYPE.PROCFS ? ghostNumber(remap_id, remap_type) : undefined;
    const named = [orig_id, ...(linkedId === undefined ? [] : [linkedId])].filter((id) => this.isCandidate(id));
    // A ghost may be that of a candidate that comes later.
    if (named.length > 0 || ghostId !== undefined) this.remaps.push({ entry, origId: orig_id, linkedId, ghostId });
  }

  private seeUnread(data: PipeDataEntry, type: string, offset: number, { open, entry }: RecordPlace): void {
    this.pipes ??= new Set(Array.from(this.candidates.byId.values(), pipeOf));
    const pipe = pipeName(type, data.pipe_id);
    if (!this.pipes.has(pipe)) return;
    this.seePipeSize(pipe, data, { file: open.name, entry });
    if (data.bytes === 0) return;
    const { bytes, size } = data;
    this.tally.count('unread', 1, open.name);
    this.unread.push({
      image: open.name,
      entry,
      pipe,
      offset,
      bytes,
      ...(size === undefined ? {} : { pipeSize: size }),
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
}

/** Remaps and packets. */
function hasOwnEvent(kind: HolderKind): boolean {
  return kind === 'removed file' || kind === 'linked remap' || kind === 'queue of a socket';
}

function describeHolder(kind: HolderKind, ofTask: string): string {
  return kind.endsWith('mapping') ? `a ${kind === 'mapping' ? 'file ' : ''}${kind}${ofTask}` : `the ${kind}${ofTask}`;
}
