import { pushTo } from '../bytes/groups';
import { DescriptorView } from '../checkpoint/descriptor-record';
import { visitFileIds } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { imageOf, type OpenImage } from '../checkpoint/open-image';
import { type ImageFile, isImageName } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-batch';
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
  /** The terminals that go, by the number of their records; undefined where nothing has one open any more. */
  private readonly terminals = new Map<number, TakenTerminal | undefined>();
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
      if (lostTerminal !== undefined) this.terminals.set(lostTerminal.record, undefined);
      if (memory !== undefined || terminal !== undefined) continue;
      pushTo(byEntry, match.entry, placeholder);
      this.ids.add(match.id);
      if (takesAll) this.wholes.set(match.id, placeholder);
      for (const { table, fd } of references.descriptors) {
        if (!takesAll) this.byDescriptor.set(`${table}/${fd} ${match.id}`, placeholder);
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
    const changes = this.byEntry.length + this.memfds.size + this.terminals.size;
    const image = changes === 0 ? undefined : imageOf(member);
    const change = image === undefined ? undefined : this.changeOf(image);
    if (image === undefined || change === undefined) {
      // The executor opens what it reads itself, and follows no links there.
      await this.sink.keep(member, isImageName(name) && !this.replayed.has(name));
      return;
    }
    const digests = await changeImage(member, image, this.sink, change);
    if (!digests.before.equals(digests.after)) this.changed.push(digests);
  }

  private changeOf({ kind, number }: ImageFile): Change | undefined {
    if (kind.name === 'FILES') return { replace: (batch) => this.replaceEntries(batch), append: () => this.split };
    if (kind.name === 'FDINFO' && this.tables.has(number)) {
      return { replace: (batch, open) => this.replaceDescriptors(batch, open) };
    }
    if (kind.name === 'SK_QUEUES' && this.rights.size + this.lostPackets.size > 0) {
      return { replace: (batch) => this.replacePackets(batch) };
    }
    if (kind.name === 'MEMFD_INODE' && this.memfds.size > 0) {
      return { replace: (batch) => this.renameMemfds(batch) };
    }
    if (kind.name === 'TTY_INFO' && this.terminals.size > 0) {
      return { replace: (batch) => this.replaceTerminals(batch) };
    }
    if (kind.name === 'REMAP_FPATH' && this.lostRemaps.size > 0)
      return { replace: (batch) => dropRecords(batch, this.lostRemaps) };
    return undefined;
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
    return this.withOthers(batch, replacements);
  }

  /** The replacements with what sockets that go bring about at other entries. */
  private withOthers(batch: RecordBatch, replacements: Replacement[]): Replacement[] {
    const byIndex = new Map<number, Replacement>();
    for (; this.nextOther < this.atOthers.length; this.nextOther += 1) {
      const change = this.atOthers[this.nextOther] as AtOther;
      const { entry, standIns } = change;
      const index = entry - batch.firstEntry;
      if (index >= batch.count) break;
      if (byIndex.size === 0) for (const replacement of replacements) byIndex.set(replacement.index, replacement);
      batch.at(index, (bytes, start, end) => {
        const left = () => leaveBehind(change, bytes, start, end);
        const { record = left() } = byIndex.get(index) ?? {};
        byIndex.set(index, { index, record, added: standIns.map((one) => makeStandIn(one.message, one.fileId)) });
      });
    }
    return byIndex.size === 0 ? replacements : [...byIndex.values()].sort((a, b) => a.index - b.index);
  }

  private replaceDescriptors(batch: RecordBatch, open: OpenImage): Replacement[] {
    const { view } = this;
    const replacements: Replacement[] = [];
    batch.each((bytes, start, end, entry) => {
      const { id } = view.read(bytes, start, end);
      if (id === -1 || !this.ids.has(id)) return;
      const placeholder = this.wholes.get(id) ?? this.byDescriptor.get(nameOf(open, view.checkComplete()));
      if (placeholder === undefined) return;
      const index = entry - batch.firstEntry;
      replacements.push({ index, record: retypeDescriptor(placeholder, bytes, start, end) });
    });
    return replacements;
  }

  private renameMemfds(batch: RecordBatch): Replacement[] {
    const replacements: Replacement[] = [];
    batch.each((bytes, start, end, entry) => {
      const name = this.memfds.get(entry);
      if (name === undefined) return;
      replacements.push({ index: entry - batch.firstEntry, record: renameMemfd(bytes, start, end, name) });
    });
    return replacements;
  }

  private replaceTerminals(batch: RecordBatch): Replacement[] {
    const replacements: Replacement[] = [];
    batch.each((bytes, start, end, entry) => {
      if (!this.terminals.has(entry)) return;
      const terminal = this.terminals.get(entry);
      const record = terminal && externalTerminal(terminal, bytes, start, end);
      replacements.push({ index: entry - batch.firstEntry, record });
    });
    return replacements;
  }

  private replacePackets(batch: RecordBatch): Replacement[] {
    const { rights, lostPackets } = this;
    const replacements: Replacement[] = [];
    batch.each((bytes, start, end, entry) => {
      const index = entry - batch.firstEntry;
      if (lostPackets.has(entry)) {
        replacements.push({ index, record: undefined });
        return;
      }
      let isOne = false;
      visitFileIds('sk_packet_entry', bytes, start, end, (id, kind) => {
        if (kind === 'SCM right' && rights.has(id)) isOne = true;
      });
      if (isOne) replacements.push({ index, record: replaceRights(rights, bytes, start, end) });
    });
    return replacements;
  }
}

function dropRecords(batch: RecordBatch, lost: ReadonlySet<number>): Replacement[] {
  const replacements: Replacement[] = [];
  for (let index = 0; index < batch.count; index += 1) {
    if (lost.has(batch.firstEntry + index)) replacements.push({ index, record: undefined });
  }
  return replacements;
}

function nameOf({ number }: OpenImage, { fd, id }: DescriptorView): string {
  return `${number}/${fd} ${id}`;
}
