import { pushTo } from '../../bytes/groups';
import { type BytesAt, sameBytes } from '../../bytes/same-bytes';
import { IdSet } from '../../checkpoint/id-set';
import { type ImageName, identifyImage, PLAN_IMAGE } from '../../frames/image-kinds';
import type { Plan, PlanInFlight, PlanPlaceholder } from '../../plan/plan';
import {
  FDINFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  REMAP_FILE_PATH_ENTRY_FIELDS,
  SK_PACKET_ENTRY_FIELDS,
} from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { numberIn } from '../../wire/number-in';
import type { EntryFound, Found, FoundEntry } from '../found';
import { NumberMap } from '../ids/number-map';
import { located } from '../located';
import { inodeOfMemfd, readMappedMemfds, renamedMemfd } from './memfd-record';
import { droppedOwners, splitEntry, turnedEntry } from './placeholder-entry';
import { movedRights, turnedDescriptor } from './placeholder-references';
import { readReplacedSockets, socketLeft, standInEntry } from './socket-entries';
import { readSplitOwners } from './split-owners';
import { idOfTerminal, outerTerminal } from './terminal-record';

/** The message of each image that a rewrite changes. */
const MESSAGES: { readonly [image in ImageName]?: string } = {
  FILES: 'file_entry',
  FDINFO: 'fdinfo_entry',
  MEMFD_INODE: 'memfd_inode_entry',
  REMAP_FPATH: 'remap_file_path_entry',
  SK_QUEUES: 'sk_packet_entry',
  TTY_INFO: 'tty_info_entry',
};

/** More descriptors that the plan names and the checkpoint does not turn are counted. */
const MAX_LINES = 1000;

/** What the plan says of one packet in a queue. */
interface Packet {
  /** The new ids by the old ones. */
  readonly ids: Map<number, number>;
  readonly placeholders: Set<PlanPlaceholder>;
}

/**
 * Whether a plan accounts for a difference between the checkpoint that it was made of and the one that it is in. An
 * entry is accounted for where its bytes are those that the plan and the entry before it make, and no others.
 */
export class PlanProof {
  private readonly byId: ReadonlyMap<number, PlanPlaceholder>;
  /** Places of placeholders in the plan, by table and number of their descriptors. */
  private readonly tables = new Map<number, NumberMap>();
  /** What is moved in queues, by the place of the packet. */
  private readonly packets = new Map<number, Packet>();
  private readonly changedImages: ReadonlySet<string>;
  private readonly dropped: ReadonlySet<number | undefined>;
  /** Placeholders by the sockets that lose their name or their peer for them, and by their stand-ins. */
  private readonly unnamed = new Map<number, PlanPlaceholder>();
  private readonly hungUp = new Map<number, PlanPlaceholder>();
  private readonly standIns = new Map<number, PlanPlaceholder>();
  /** Packets that go, by the file id of the socket whose queue they were in; counted down. */
  private readonly lostPackets = new Map<number, number>();
  /** What of the plan was met: placeholders by their ids, descriptors, packets. */
  private readonly met = new Set<PlanPlaceholder>();
  private readonly metDescriptors = new Map<number, IdSet>();
  private readonly metPackets = new Set<number>();
  private readonly metSockets = new Set<number>();
  /** Placeholders with a key of CRIU's, by the number of their terminal; the terminals that go; and those that went. */
  private readonly terminals = new Map<number, PlanPlaceholder[]>();
  private readonly goingTerminals = new Set<number>();
  private readonly lostTerminals = new Set<number>();

  private constructor(
    readonly plan: Plan,
    /** Owners of the entries that placeholders were split off from. */
    private readonly owners: ReadonlyMap<number, Buffer>,
    /** Messages of the sockets that entries stand in for, by the file id of their placeholder. */
    private readonly sockets: ReadonlyMap<number, Buffer>,
    /** Placeholders with mappings, by the number of their memfd. */
    private readonly memfds: ReadonlyMap<number, readonly PlanPlaceholder[]>,
  ) {
    // An entry that CRIU finds by a key of its own stays as it is.
    const replaced = plan.placeholders.filter(({ key }) => key === undefined);
    this.byId = new Map(replaced.map((placeholder) => [placeholder.file_id, placeholder]));
    this.changedImages = new Set(plan.images.map(({ name }) => name));
    this.dropped = droppedOwners(plan);
    for (const placeholder of plan.placeholders) {
      for (const id of placeholder.unnamed ?? []) this.unnamed.set(id, placeholder);
      for (const id of placeholder.hung_up ?? []) this.hungUp.set(id, placeholder);
      if (placeholder.stand_in !== undefined) this.standIns.set(placeholder.stand_in, placeholder);
      this.lostPackets.set(placeholder.file_id, placeholder.in_flight.filter(isLostPacket).length);
      const { terminal, lost_terminal } = placeholder;
      if (terminal !== undefined) pushTo(this.terminals, terminal.id, placeholder);
      if (lost_terminal !== undefined) this.goingTerminals.add(lost_terminal);
    }
    for (const [place, placeholder] of plan.placeholders.entries()) {
      for (const reference of placeholder.references) {
        if ('descriptor' in reference && reference.descriptor) {
          const { table, fd } = reference.descriptor;
          this.descriptorsOf(table).set(fd, place);
        } else if ('scm_right' in reference && reference.scm_right) {
          this.addRight(placeholder, reference.scm_right.packet);
        }
      }
    }
  }

  /** Reads of the first checkpoint what the proof needs beside the differences. Throws FdgraftError. */
  static async of(plan: Plan, before: Source, signal?: AbortSignal): Promise<PlanProof> {
    const owners = await readSplitOwners(plan, before, signal);
    const sockets = await readReplacedSockets(plan, before, signal);
    return new PlanProof(plan, owners, sockets, await readMappedMemfds(plan, before, signal));
  }

  private descriptorsOf(table: number): NumberMap {
    const descriptors = this.tables.get(table) ?? new NumberMap();
    this.tables.set(table, descriptors);
    return descriptors;
  }

  private placeholderOf(table: number, fd: number): PlanPlaceholder | undefined {
    const place = this.tables.get(table)?.get(fd);
    return place === undefined ? undefined : this.plan.placeholders[place];
  }

  /** Rights of an entry that stays a whole keep its id. */
  private addRight(placeholder: PlanPlaceholder, place: number): void {
    const { split_from, file_id } = placeholder;
    if (split_from === undefined) return;
    const packet: Packet = this.packets.get(place) ?? { ids: new Map(), placeholders: new Set() };
    this.packets.set(place, packet);
    packet.placeholders.add(placeholder);
    packet.ids.set(split_from, file_id);
  }

  /** True where the rewrite did this, and nothing more. Throws FdgraftError. */
  explains(found: Found): boolean {
    if (found.what === 'file') return found.file === PLAN_IMAGE && found.change === 'added';
    if (found.what !== 'entry' || !this.changedImages.has(found.image)) return false;
    const image = identifyImage(found.image);
    const one = (found.before ?? found.after) as FoundEntry;
    if (image === undefined || one.entry.shape.name !== MESSAGES[image.kind.name]) return false;
    return located(one, () => {
      switch (image.kind.name) {
        case 'FILES':
          return this.explainsFile(found);
        case 'FDINFO':
          return this.explainsDescriptor(found, image.number);
        case 'MEMFD_INODE':
          return this.explainsMemfd(found);
        case 'REMAP_FPATH':
          return this.explainsRemap(found);
        case 'SK_QUEUES':
          return this.explainsPacket(found);
        case 'TTY_INFO':
          return this.explainsTerminal(found);
        default:
          return false;
      }
    });
  }

  /** What the plan says and the checkpoint does not have, a line each. */
  missing(): string[] {
    const isLeft = (key: string, fd: number) => `${key}: to be inherited from fd[${fd}], and it is not`;
    const lines: string[] = [];
    for (const placeholder of this.plan.placeholders) {
      const { was, caller_fd, lost_terminal } = placeholder;
      if (!this.met.has(placeholder)) lines.push(isLeft(was.key, caller_fd));
      if (lost_terminal === undefined || this.lostTerminals.has(lost_terminal)) continue;
      lines.push(`tty-info.img, terminal ${lost_terminal}: to go with ${was.key}, and it is still there`);
    }
    let more = 0;
    for (const [table, fd, { was, caller_fd }] of this.missingDescriptors()) {
      if (lines.length < MAX_LINES) lines.push(isLeft(`fdinfo-${table}.img, fd ${fd}, of ${was.key}`, caller_fd));
      else more += 1;
    }
    if (more > 0) lines.push(`${more} more descriptors: to be inherited, and they are not`);
    for (const [id, { was, caller_fd }] of new Map([...this.unnamed, ...this.hungUp, ...this.standIns])) {
      if (!this.metSockets.has(id)) lines.push(isLeft(`file id ${id}, of ${was.key}`, caller_fd));
    }
    for (const [place, { placeholders }] of this.packets) {
      if (this.metPackets.has(place)) continue;
      for (const { was, caller_fd } of placeholders) {
        lines.push(isLeft(`sk-queues.img, entry ${place}, of ${was.key}`, caller_fd));
      }
    }
    return lines;
  }

  private *missingDescriptors(): Generator<[table: number, fd: number, placeholder: PlanPlaceholder]> {
    for (const placeholder of this.plan.placeholders) {
      for (const reference of placeholder.references) {
        if (!('descriptor' in reference && reference.descriptor)) continue;
        const { table, fd } = reference.descriptor;
        // Of two that are to have it, the last counts.
        const isMet = this.metDescriptors.get(table)?.has(fd) === true;
        if (!isMet && this.placeholderOf(table, fd) === placeholder) yield [table, fd, placeholder];
      }
    }
  }

  private explainsFile({ before, after }: EntryFound): boolean {
    if (after === undefined || isRepeated(before) || isRepeated(after)) return false;
    const id = numberIn(after.entry, FILE_ENTRY_FIELDS.id) ?? -1;
    const placeholder = this.byId.get(id);
    if (placeholder === undefined) return this.explainsSocket(id, before, after);
    if (this.met.has(placeholder)) return false;
    const { split_from } = placeholder;
    if ((split_from === undefined) !== (before !== undefined)) return false;
    const expected =
      before === undefined
        ? splitEntry(placeholder, this.owners.get(split_from as number), this.dropped)
        : turnedEntry(placeholder, before.entry, this.dropped);
    if (!isThis(after, expected)) return false;
    this.met.add(placeholder);
    return true;
  }

  /** A socket without the name of its listener or without its peer, or a stand-in. */
  private explainsSocket(id: number, before: FoundEntry | undefined, after: FoundEntry): boolean {
    const { file_id = -1 } = this.standIns.get(id) ?? {};
    const message = this.sockets.get(file_id);
    const lost = { name: this.unnamed.has(id), peer: this.hungUp.has(id) };
    const expected =
      before !== undefined
        ? (lost.name || lost.peer) && socketLeft(lost, before.entry)
        : message !== undefined && standInEntry(id, message);
    if (expected === false || this.metSockets.has(id) || !isThis(after, expected)) return false;
    this.metSockets.add(id);
    return true;
  }

  private explainsDescriptor({ before, after }: EntryFound, table: number): boolean {
    if (before === undefined || after === undefined || isRepeated(before) || isRepeated(after)) return false;
    const fd = numberIn(before.entry, FDINFO_ENTRY_FIELDS.fd) ?? -1;
    const placeholder = this.placeholderOf(table, fd);
    const met = this.metDescriptors.get(table) ?? new IdSet();
    if (placeholder === undefined || met.has(fd)) return false;
    if (!isThis(after, turnedDescriptor(placeholder, before.entry))) return false;
    met.add(fd);
    this.metDescriptors.set(table, met);
    return true;
  }

  /** A terminal that CRIU takes for one outside, by a key of its own; or that went with the last that had it open. */
  private explainsTerminal({ before, after }: EntryFound): boolean {
    if (before === undefined || isRepeated(before) || isRepeated(after)) return false;
    const id = idOfTerminal(before.entry);
    if (after === undefined) {
      if (!this.goingTerminals.has(id)) return false;
      this.lostTerminals.add(id);
      return true;
    }
    const placeholders = this.terminals.get(id) ?? [];
    const [first] = placeholders;
    if (first === undefined || placeholders.some((one) => one.key !== first.key || this.met.has(one))) return false;
    if (!isThis(after, outerTerminal(before.entry, first))) return false;
    for (const one of placeholders) {
      this.met.add(one);
      this.meetDescriptors(one);
    }
    return true;
  }

  /** Its descriptors stay as they are, too. */
  private meetDescriptors({ references }: PlanPlaceholder): void {
    for (const reference of references) {
      if (!('descriptor' in reference && reference.descriptor)) continue;
      const { table, fd } = reference.descriptor;
      const met = this.metDescriptors.get(table) ?? new IdSet();
      met.add(fd);
      this.metDescriptors.set(table, met);
    }
  }

  /** A memfd whose file CRIU finds by another name, for the tasks that have it mapped. */
  private explainsMemfd({ before, after }: EntryFound): boolean {
    if (before === undefined || after === undefined || isRepeated(before) || isRepeated(after)) return false;
    const placeholders = this.memfds.get(inodeOfMemfd(before.entry)) ?? [];
    const { key } = placeholders[0] ?? {};
    if (key === undefined || placeholders.some((one) => one.key !== key || this.met.has(one))) return false;
    if (!isThis(after, renamedMemfd(before.entry, key))) return false;
    for (const one of placeholders) this.met.add(one);
    return true;
  }

  /** The remap of an entry that went as a whole goes with it. */
  private explainsRemap({ before, after }: EntryFound): boolean {
    if (before === undefined || after !== undefined) return false;
    const placeholder = this.byId.get(numberIn(before.entry, REMAP_FILE_PATH_ENTRY_FIELDS.orig_id) ?? -1);
    return placeholder !== undefined && placeholder.split_from === undefined;
  }

  /** Bytes in the queue of a socket that went, dropped as the plan says. */
  private explainsLostPacket({ entry }: FoundEntry): boolean {
    const id = numberIn(entry, SK_PACKET_ENTRY_FIELDS.id_for) ?? -1;
    const left = this.lostPackets.get(id) ?? 0;
    this.lostPackets.set(id, left - 1);
    return left > 0;
  }

  /** Rights that refer to the split-off placeholder instead of what it was split off from. */
  private explainsPacket({ before, after, payload }: EntryFound): boolean {
    if (before !== undefined && after === undefined) return this.explainsLostPacket(before);
    if (before === undefined || after === undefined || payload !== undefined) return false;
    const place = before.entry.index;
    const packet = this.packets.get(place);
    if (packet === undefined || after.entry.index > place) return false;
    if (!isThis(after, movedRights(packet.ids, before.entry))) return false;
    this.metPackets.add(place);
    return true;
  }
}

function isLostPacket({ image, fate }: PlanInFlight): boolean {
  return image === QUEUES && fate === 'DROP';
}

const QUEUES = 'sk-queues.img';

/** Whether another entry of its name stands before it. */
function isRepeated(one: FoundEntry | undefined): boolean {
  return one !== undefined && one.time > 1;
}

function isThis({ entry }: FoundEntry, expected: Buffer | undefined): boolean {
  if (expected === undefined) return false;
  const whole: BytesAt = { bytes: expected, start: 0, end: expected.length };
  return sameBytes(entry, whole);
}
