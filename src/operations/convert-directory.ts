import type { ByteWriter } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { isImageName } from '../frames/image-kinds';
import { createSink } from '../storage/create-sink';
import type { Form } from '../storage/form';
import type { LinkMode } from '../storage/link-mode';
import type { Sink, SinkNotice } from '../storage/sink';
import { isFileOrLeadsToOne, type MemberReader, type Source, type SourceMember } from '../storage/source';
import type { FixedDirectory } from '../storage/trusted-path';
import type { OptionNames } from './check-arguments';

/** What `decode` and `encode` of a whole checkpoint take. */
export interface ConvertOptions {
  /** The directory or archive to make. */
  readonly out: string;
  /** What `out` is to be; what the source is by default. */
  readonly to?: Form;
  /** How what is not converted gets there. */
  readonly link?: LinkMode;
  /**
   * The directory around `out`, if the caller holds it open.
   * @internal
   */
  readonly fixed?: FixedDirectory | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly member: Buffer }) => void;
}

/** The options of `encode`, which `decode` has too. */
export const CONVERT_OPTIONS: OptionNames<ConvertOptions> = {
  out: true,
  to: true,
  link: true,
  fixed: false,
  signal: true,
  onProgress: true,
};

/** What `decode` and `encode` of a whole checkpoint have done. */
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
 * Makes a directory or an archive from another one: members that `convert` knows under new names and with new content,
 * all others as they are. It appears whole or not at all. Throws FdgraftError.
 */
export async function convertDirectory(
  source: Source,
  options: ConvertOptions,
  convert: (name: string) => Conversion | undefined,
  /** What is wrong if there is nothing to convert. */
  nothing: (source: string) => Error = messages.nothingToConvert,
): Promise<ConvertResult> {
  const notices: SinkNotice[] = [];
  const onNotice = (notice: SinkNotice) => notices.push(notice);
  const { to, link, fixed, signal } = options;
  const sink = await createSink(source, options.out, { to, link, fixed, signal, onNotice });
  const names = new Set<string>();
  let converted = 0;
  try {
    for await (const member of source.inArchiveOrder()) {
      signal?.throwIfAborted();
      options.onProgress?.({ member: member.name });
      const name = member.name.toString('latin1');
      const isInDirectory = member.outsideImages !== true;
      const conversion = isInDirectory && isFileOrLeadsToOne(member) ? convert(name) : undefined;
      const newName = conversion?.name ?? name;
      if (isInDirectory && names.has(newName)) throw messages.convertedTwice(escapeBytes(member.name), newName);
      if (isInDirectory) names.add(newName);
      if (conversion === undefined) await sink.keep(member, !isInDirectory || isImageName(name));
      else {
        await putConverted(member, conversion, sink);
        converted += 1;
      }
    }
    signal?.throwIfAborted();
    if (converted === 0) throw nothing(source.label);
    await sink.commit();
    return { converted, notices };
  } finally {
    await sink.abort();
  }
}

async function putConverted(member: SourceMember, { name, write }: Conversion, sink: Sink): Promise<void> {
  const reader = await member.open();
  try {
    const { mode, uid, gid, mtime, archived } = member;
    const like = { ...(mtime === undefined ? {} : { mtime }), ...(archived === undefined ? {} : { archived }) };
    const writer = await sink.put({ name: Buffer.from(name, 'latin1'), kind: 'file', mode, uid, gid, ...like });
    try {
      await write(reader, writer);
    } finally {
      await writer.close();
    }
  } finally {
    await reader.close();
  }
}
