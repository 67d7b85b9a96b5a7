import type { ByteReader, ByteWriter } from '../bytes/byte-stream';
import { messages } from '../errors/messages';
import { imageToJson } from '../json/image-to-json';
import type { Source } from '../storage/source';
import { type OptionNames, requireKnownOptions, requireOptions, requireOutput, requireSource } from './check-arguments';
import { CONVERT_OPTIONS, type ConvertOptions, type ConvertResult, convertDirectory } from './convert-directory';
import { isImageWithRecords, isJsonOfImage, JSON_ENDING } from './json-name';

/** What JSON says beside crit's own. Codes are stable. */
export interface DecodeWarning {
  readonly code: 'BYTES_LEFT_BEHIND';
  readonly message: string;
}

/** Options of `decodeImage`. */
export interface DecodeImageOptions {
  /** How messages name the image. A name such as pages-1.img tells a raw file, which is refused. */
  readonly name: string;
  /** Indented, with names and hexadecimal numbers as `crit decode --pretty` has them. */
  readonly pretty?: boolean;
  /** False: what follows entries is not shown, only how long it is. Such JSON cannot be encoded. */
  readonly payload?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((warning: DecodeWarning) => void) | undefined;
}

/**
 * Writes one image as crit's JSON, without a line end. `encodeImage` makes the very same bytes of it again. Memory grows
 * with the largest entry, not with the image. Throws FdgraftError.
 */
export async function decodeImage(image: ByteReader, json: ByteWriter, options: DecodeImageOptions): Promise<void> {
  const { name, onWarning, ...others } = options;
  const onTail = (offset: number) => onWarning?.({ code: 'BYTES_LEFT_BEHIND', message: leftBehind(name, offset) });
  await imageToJson(image, name, json, { ...others, onTail });
}

function leftBehind(name: string, offset: number): string {
  return `${name}: the bytes from offset ${offset} on are no entry; _tail has them`;
}

/** Options of `decode`. */
export interface DecodeOptions extends ConvertOptions {
  /** As for `decodeImage`. */
  readonly pretty?: boolean;
  readonly onWarning?: (warning: DecodeWarning) => void;
}

/** Of `decode`. */
const OPTIONS: OptionNames<DecodeOptions> = {
  ...CONVERT_OPTIONS,
  pretty: true,
  onWarning: true,
};

/**
 * Makes a directory with the images of `source` as JSON, NAME.img as NAME.img.json, and all else as it is. `encode`
 * makes the same images of it again. It appears whole or not at all. Throws FdgraftError.
 */
export async function decode(source: Source, options: DecodeOptions): Promise<ConvertResult> {
  requireSource(source);
  requireOptions(options, 'out');
  requireKnownOptions(options, OPTIONS);
  requireOutput(options, true);
  const { pretty = false, signal, onWarning } = options;
  let hasImages = false;
  return convertDirectory(source, options, (name) => {
    // inventory.img comes first: without it, this is no directory of images that a file of JSON got into.
    if (isJsonOfImage(name)) throw hasImages ? messages.jsonInSource(name) : messages.jsonIsNoCheckpoint(source.label);
    if (!isImageWithRecords(name)) return undefined;
    hasImages = true;
    return {
      name: `${name}${JSON_ENDING}`,
      write: (reader, writer) => decodeImage(reader, writer, { name, pretty, signal, onWarning }),
    };
  });
}
