import type { ByteWriter } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { isImageName } from '../frames/image-kinds';
import { createFolderSink, type SinkNotice } from '../storage/folder-sink';
import type { LinkMode } from '../storage/link-mode';
import type { Sink } from '../storage/sink';
import { isFileOrLeadsToOne, type MemberReader, type Source, type SourceMember } from '../storage/source';

export interface ConvertOptions {
  /** The folder to make. */
  readonly out: string;
  /** How what is not converted gets there. */
  readonly link?: LinkMode;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly member: Buffer }) => void;
}

export interface ConvertResult {
  /** How many members were converted. */
  readonly converted: number;
  readonly notices: readonly SinkNotice[];
}

/** What becomes of one member. */
export interface Conversion {
  readonly name: string;
  write(reader: MemberReader, writer: ByteWriter): Promise<void>;
}

/**
 * Makes a folder from another one: members that `convert` knows under new names and with new content, all others as
 * they are. It appears whole or not at all. Throws FdgraftError.
 */
export async function convertFolder(
  source: Source,
  options: ConvertOptions,
  convert: (name: string) => Conversion | undefined,
): Promise<ConvertResult> {
  const notices: SinkNotice[] = [];
  const onNotice = (notice: SinkNotice) => notices.push(notice);
  const sink = await createFolderSink(source, options.out, { link: options.link ?? 'auto', onNotice });
  const names = new Set<string>();
  let converted = 0;
  try {
    for await (const member of source.members()) {
      options.signal?.throwIfAborted();
      options.onProgress?.({ member: member.name });
      const name = member.name.toString('latin1');
      const conversion = isFileOrLeadsToOne(member) ? convert(name) : undefined;
      const newName = conversion?.name ?? name;
      if (names.has(newName)) throw messages.convertedTwice(escapeBytes(member.name), newName);
      names.add(newName);
      if (conversion === undefined) await sink.keep(member, isImageName(name));
      else {
        await putConverted(member, conversion, sink);
        converted += 1;
      }
    }
    options.signal?.throwIfAborted();
    if (converted === 0) throw messages.nothingToConvert(source.label);
    await sink.commit();
    return { converted, notices };
  } finally {
    await sink.abort();
  }
}

async function putConverted(member: SourceMember, { name, write }: Conversion, sink: Sink): Promise<void> {
  const reader = await member.open();
  try {
    const { mode, uid, gid } = member;
    const writer = await sink.put({ name: Buffer.from(name, 'latin1'), kind: 'file', mode, uid, gid });
    try {
      await write(reader, writer);
    } finally {
      await writer.close();
    }
  } finally {
    await reader.close();
  }
}
