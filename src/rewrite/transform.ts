import { fileIdOf, isCloseOnExec } from '../checkpoint/descriptor-record';
import { typeName } from '../checkpoint/entry-types';
import { visitFileIds } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { forEachRecord, imageOf, type OpenImage, readBatches } from '../checkpoint/open-image';
import { messages } from '../errors/messages';
import { type ImageFile, isImageName } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-reader';
import { decode } from '../schema/decode';
import { FDINFO_ENTRY, SK_PACKET_ENTRY } from '../schema/generated/images';
import type { Sink } from '../storage/sink';
import type { Source, SourceMember } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import { changeImage, type Replacement } from './change-image';
import type { ChangedImage, Match, References } from './match';
import { makePlaceholder, retypeDescriptor } from './placeholder';
import type { Survey } from './survey';

export interface Transformed {
  readonly changed: readonly ChangedImage[];
  /** By file id. */
  readonly references: ReadonlyMap<number, References>;
}

/**
 * The second pass: writes every member to the sink, with the matched entries as placeholders, and
 * gathers who refers to them.
 */
export async function transform(
  source: Source,
  sink: Sink,
  found: Survey,
  signal?: AbortSignal,
  onMember: (name: Buffer) => void = () => {},
): Promise<Transformed> {
  const transformer = new Transformer(sink, found);
  for await (const member of source.members()) {
    signal?.throwIfAborted();
    onMember(member.name);
    await transformer.take(member);
  }
  return transformer.conclude();
}

class Transformer {
  private readonly matchOf: ReadonlyMap<number, Match>;
  private readonly ids = new IdSet();
  private readonly changed: ChangedImage[] = [];
  private readonly references: Map<number, References>;
  private readonly cursor = new FieldCursor();
  /** Matches come as they lie in files.img: the next one that the pass will meet there. */
  private next = 0;

  constructor(
    private readonly sink: Sink,
    private readonly found: Survey,
  ) {
    this.matchOf = new Map(found.matches.map((match) => [match.id, match]));
    this.references = new Map(found.matches.map(({ id }) => [id, { descriptors: [], scmRights: [] }]));
    for (const { id } of found.matches) this.ids.add(id);
  }

  async take(member: SourceMember): Promise<void> {
    const image = this.found.matches.length === 0 ? undefined : imageOf(member);
    if (image?.kind.name === 'FILES') await this.change(member, image, (batch) => this.replaceEntries(batch));
    else if (image?.kind.name === 'FDINFO' && (this.found.tables?.has(image.number) ?? true)) {
      await this.change(member, image, (batch, open) => this.replaceDescriptors(batch, open));
    } else {
      if (image?.kind.name === 'SK_QUEUES') {
        await readBatches(member, image, (batch, open) => this.gatherScmRights(batch, open));
      }
      await this.sink.keep(member, isImageName(member.name.toString('latin1')));
    }
  }

  conclude(): Transformed {
    for (const { descriptors, scmRights } of this.references.values()) {
      descriptors.sort((a, b) => a.table - b.table || a.fd - b.fd);
      scmRights.sort((a, b) => a.packet - b.packet);
    }
    return { changed: this.changed, references: this.references };
  }

  private async change(
    member: SourceMember,
    image: ImageFile,
    replace: (batch: RecordBatch, open: OpenImage) => readonly Replacement[],
  ): Promise<void> {
    const digests = await changeImage(member, image, this.sink, replace);
    if (!digests.before.equals(digests.after)) this.changed.push(digests);
  }

  private replaceEntries(batch: RecordBatch): Replacement[] {
    const { matches } = this.found;
    const replacements: Replacement[] = [];
    for (; this.next < matches.length; this.next += 1) {
      const match = matches[this.next] as Match;
      const index = match.entry - batch.firstEntry;
      if (index >= batch.count) break;
      const record = makePlaceholder(match, batch.bytes, batch.starts[index] as number, batch.ends[index] as number);
      replacements.push({ index, record });
    }
    return replacements;
  }

  private replaceDescriptors(batch: RecordBatch, open: OpenImage): Replacement[] {
    const { cursor } = this;
    const replacements: Replacement[] = [];
    forEachRecord(batch, open.name, (bytes, start, end, entry) => {
      const id = fileIdOf(cursor, bytes, start, end);
      if (id === -1 || !this.ids.has(id)) return;
      this.gatherDescriptor(bytes, start, end, entry, open);
      replacements.push({ index: entry - batch.firstEntry, record: retypeDescriptor(bytes, start, end) });
    });
    return replacements;
  }

  private gatherDescriptor(bytes: Uint8Array, start: number, end: number, entry: number, open: OpenImage): void {
    const descriptor = decode(FDINFO_ENTRY, bytes, start, end);
    const match = this.matchOf.get(descriptor.id) as Match;
    if (descriptor.type !== match.type.number) {
      const place = { file: open.name, entry, field: 'fdinfo_entry.type' };
      throw messages.descriptorTypeDiffers(place, match.id, typeName(descriptor.type), match.type.name);
    }
    this.references.get(match.id)?.descriptors.push({
      table: open.number,
      fd: descriptor.fd,
      closeOnExec: isCloseOnExec(descriptor.flags),
    });
  }

  private gatherScmRights(batch: RecordBatch, open: OpenImage): void {
    forEachRecord(batch, open.name, (bytes, start, end, packet) => {
      const rights: number[] = [];
      visitFileIds('SK_QUEUES', bytes, start, end, (id) => {
        if (this.ids.has(id)) rights.push(id);
      });
      if (rights.length === 0) return;
      const socketId = decode(SK_PACKET_ENTRY, bytes, start, end).id_for;
      for (const id of rights) this.references.get(id)?.scmRights.push({ packet, socketId });
    });
  }
}
