import { pushTo } from '../bytes/groups';
import { DescriptorView } from '../checkpoint/descriptor-record';
import { IdSet } from '../checkpoint/id-set';
import { imageOf } from '../checkpoint/open-image';
import { type ImageFile, isImageName } from '../frames/image-kinds';
import type { RecordBatch, VisitRecord } from '../frames/record-batch';
import type { Sink } from '../storage/sink';
import type { Source, SourceMember } from '../storage/source';
import { type Change, changeImage, type Replacement } from './change-image';
import type { Decision, Placeholder, StandIn } from './decision';
import type { ChangedImage, TakenTerminal } from './match';
import { renameMemfd } from './memfd-record';
import { makePlaceholder, makeSplitPlaceholder, replaceRights, retypeDescriptor } from './placeholder';
import { leaveBehind, makeStandIn } from './socket-entries';
import { externalTerminal } from './terminal-record';

/** The second pass: writes every member to the sink, with what was decided done. Resolves to the changed images. */
export async function transform(
  source: Source,
  sink: Sink,
  decision: Decision,
  signal?: AbortSignal,
  onMember: (name: Buffer) => void = () => {},
): Promise<readonly ChangedImage[]> {
  const transformer = new Transformer(sink, decision);
  for await (const member of source.inArchiveOrder()) {
    signal?.throwIfAborted();
    onMember(member.name);
    await transformer.take(member);
  }
  return transformer.changed;
}

/** The packets of unix sockets. All that a plan has of their bytes is dropped. */
const QUEUES = 'sk-queues.img';

/** A record that goes without another in its place. */
const GONE = 'gone';

/** The record in the place of another one; undefined if that stays. */
type ChangedRecord = Uint8Array | typeof GONE | undefined;

/** A change at an entry that has to do with a socket that goes, and does not go itself. */
interface AtOther {
  /** Number of its record in files.img. */
  readonly entry: number;
  /** It is a socket that loses its name. */
  isUnnamed: boolean;
  /** It is a socket that loses its peer. */
  isHungUp: boolean;
  /** They come before it. */
  readonly standIns: StandIn[];
}

function changesAtOthers(placeholders: readonly Placeholder[]): AtOther[] {
  const byEntry = new Map<number, AtOther>();
  const at = (entry: number): AtOther => {
    const change = byEntry.get(entry) ?? { entry, isUnnamed: false, isHungUp: false, standIns: [] };
    byEntry.set(entry, change);
    return change;
  };
  for (const { unnamed, standIn, hungUp } of placeholders) {
    for (const { entry } of unnamed) at(entry).isUnnamed = true;
    for (const { entry } of hungUp) at(entry).isHungUp = true;
    if (standIn !== undefined) at(standIn.before).standIns.push(standIn);
  }
  return [...byEntry.values()].sort((a, b) => a.entry - b.entry);
}

class Transformer {
  readonly changed: ChangedImage[] = [];
  /** Placeholders by the entry that they come from, as the entries lie in files.img. */
  private readonly byEntry: readonly (readonly Placeholder[])[];
  private readonly ids = new IdSet();
  /** Those that take every descriptor of their entry, by its file id. */
  private readonly wholes = new Map<number, Placeholder>();
  /** The others by descriptor, as "table/fd id". */
  private readonly byDescriptor = new Map<string, Placeholder>();
  private readonly tables = new Set<number>();
  /** The new ids of SCM rights whose entry was split. */
  private readonly rights = new Map<number, number>();
  private readonly lostRemaps: ReadonlySet<number>;
  private readonly lostPackets: ReadonlySet<number>;
  /** Changes at other entries that sockets bring about when they go, as these entries lie in files.img. */
  private readonly atOthers: readonly AtOther[];
  /** The terminals that change, by the number of their records. */
  private readonly terminals = new Map<number, TakenTerminal | typeof GONE>();
  /** The new names of memfds, by the number of their records. */
  private readonly memfds: ReadonlyMap<number, string>;
  /** Images whose bytes the executor reads. */
  private readonly replayed: ReadonlySet<string>;
  private readonly view = new DescriptorView();
  /** The next of byEntry, and of atOthers, that the pass will meet. */
  private next = 0;
  private nextOther = 0;
  private readonly split: Buffer[] = [];

  constructor(
    private readonly sink: Sink,
    { placeholders, lostRemaps }: Decision,
  ) {
    const byEntry = new Map<number, Placeholder[]>();
    const memories = placeholders.flatMap(({ memory }) => memory ?? []);
    this.memfds = new Map(memories.map(({ record, name }) => [record, name]));
    for (const placeholder of placeholders) {
      const { match, fileId, references, takesAll, memory, terminal, lostTerminal } = placeholder;
      if (terminal !== undefined) this.terminals.set(terminal.record, terminal);
      if (lostTerminal !== undefined) this.terminals.set(lostTerminal.record, GONE);
      if (memory !== undefined || terminal !== undefined) continue;
      pushTo(byEntry, match.entry, placeholder);
      this.ids.add(match.id);
      if (takesAll) this.wholes.set(match.id, placeholder);
      for (const { table, fd } of references.descriptors) {
        if (!takesAll) this.byDescriptor.set(nameOf(table, { fd, id: match.id }), placeholder);
        this.tables.add(table);
      }
      if (references.scmRights.length > 0 && fileId !== match.id) this.rights.set(match.id, fileId);
    }
    this.byEntry = [...byEntry].sort(([a], [b]) => a - b).map(([, list]) => list);
    this.lostRemaps = new Set(lostRemaps.map(({ entry }) => entry));
    const bytes = placeholders.flatMap(({ unread }) => unread);
    this.lostPackets = new Set(bytes.flatMap(({ image, entry }) => (image === QUEUES ? entry : [])));
    this.replayed = new Set(bytes.flatMap(({ fate, image }) => (fate === 'REPLAY' ? image : [])));
    this.atOthers = changesAtOthers(placeholders);
  }

  async take(member: SourceMember): Promise<void> {
    if (member.outsideImages) return this.sink.keep(member, true);
    const name = member.name.toString('latin1');
    const image = imageOf(member);
    const change = image === undefined ? undefined : this.changeOf(image);
    if (image === undefined || change === undefined) {
      // The executor opens what it reads itself, and follows no links there.
      await this.sink.keep(member, isImageName(name) && !this.replayed.has(name));
      return;
    }
    const digests = await changeImage(member, image, this.sink, change);
    if (!digests.before.equals(digests.after)) this.changed.push(digests);
  }

  /** The change of an image; undefined if it stays as it is. */
  private changeOf({ kind, number }: ImageFile): Change | undefined {
    const { byEntry, tables, rights, lostPackets, memfds, terminals, lostRemaps } = this;
    switch (kind.name) {
      case 'FILES':
        if (byEntry.length === 0) return undefined;
        return { replace: (batch) => this.replaceEntries(batch), append: () => this.split };
      case 'FDINFO':
        return tables.has(number)
          ? inEach((bytes, start, end) => this.changeDescriptor(number, bytes, start, end))
          : undefined;
      case 'SK_QUEUES':
        if (rights.size === 0 && lostPackets.size === 0) return undefined;
        return inEach((...record) => this.changePacket(...record));
      case 'MEMFD_INODE':
        return memfds.size > 0 ? inEach((...record) => this.changeMemfd(...record)) : undefined;
      case 'TTY_INFO':
        return terminals.size > 0 ? inEach((...record) => this.changeTerminal(...record)) : undefined;
      case 'REMAP_FPATH':
        return lostRemaps.size > 0 ? inEach((...record) => this.changeRemap(...record)) : undefined;
      default:
        return undefined;
    }
  }

  private replaceEntries(batch: RecordBatch): Replacement[] {
    const replacements: Replacement[] = [];
    for (; this.next < this.byEntry.length; this.next += 1) {
      const placeholders = this.byEntry[this.next] as readonly Placeholder[];
      const index = (placeholders[0] as Placeholder).match.entry - batch.firstEntry;
      if (index >= batch.count) break;
      batch.at(index, (bytes, start, end) => {
        for (const placeholder of placeholders) {
          if (placeholder.fileId === placeholder.match.id) {
            replacements.push({ index, record: makePlaceholder(placeholder, bytes, start, end) });
          } else this.split.push(makeSplitPlaceholder(placeholder, bytes, start, end));
        }
      });
    }
    return [...replacements, ...this.replaceOthers(batch)].sort((a, b) => a.index - b.index);
  }

  /** Changes of entries that stay, for sockets that go. */
  private replaceOthers(batch: RecordBatch): Replacement[] {
    const replacements: Replacement[] = [];
    for (; this.nextOther < this.atOthers.length; this.nextOther += 1) {
      const change = this.atOthers[this.nextOther] as AtOther;
      const index = change.entry - batch.firstEntry;
      if (index >= batch.count) break;
      const added = change.standIns.map(({ message, fileId }) => makeStandIn(message, fileId));
      const record = batch.at(index, (bytes, start, end) => leaveBehind(change, bytes, start, end));
      replacements.push({ index, record, added });
    }
    return replacements;
  }

  private changeDescriptor(table: number, bytes: Uint8Array, start: number, end: number): ChangedRecord {
    const { view, ids, wholes, byDescriptor } = this;
    const { id } = view.read(bytes, start, end);
    if (!ids.has(id)) return undefined;
    const placeholder = wholes.get(id) ?? byDescriptor.get(nameOf(table, view.checkComplete()));
    return placeholder && retypeDescriptor(placeholder, bytes, start, end);
  }

  private changeMemfd(bytes: Uint8Array, start: number, end: number, entry: number): ChangedRecord {
    const name = this.memfds.get(entry);
    return name === undefined ? undefined : renameMemfd(bytes, start, end, name);
  }

  private changeTerminal(bytes: Uint8Array, start: number, end: number, entry: number): ChangedRecord {
    const terminal = this.terminals.get(entry);
    return terminal === undefined || terminal === GONE ? terminal : externalTerminal(terminal, bytes, start, end);
  }

  private changeRemap(_bytes: Uint8Array, _start: number, _end: number, entry: number): ChangedRecord {
    return this.lostRemaps.has(entry) ? GONE : undefined;
  }

  private changePacket(bytes: Uint8Array, start: number, end: number, entry: number): ChangedRecord {
    const { rights, lostPackets } = this;
    if (lostPackets.has(entry)) return GONE;
    return rights.size === 0 ? undefined : replaceRights(rights, bytes, start, end);
  }
}

/** A change of an image that looks at each record alone. */
function inEach(changed: VisitRecord<ChangedRecord>): Change {
  return {
    replace: (batch) => {
      const replacements: Replacement[] = [];
      batch.each((bytes, start, end, entry) => {
        const record = changed(bytes, start, end, entry);
        if (record === undefined) return;
        replacements.push({ index: entry - batch.firstEntry, record: record === GONE ? undefined : record });
      });
      return replacements;
    },
  };
}

function nameOf(table: number, { fd, id }: Pick<DescriptorView, 'fd' | 'id'>): string {
  return `${table}/${fd} ${id}`;
}
