import type { ByteReader, ByteWriter } from '../bytes/byte-stream';
import { messages } from '../errors/messages';
import { jsonToImage } from '../json/json-to-image';
import type { Source } from '../storage/source';
import { requireKnownOptions, requireOptions, requireOutput, requireSource } from './check-arguments';
import { CONVERT_OPTIONS, type ConvertOptions, type ConvertResult, convertDirectory } from './convert-directory';
import { isImageWithRecords, isJsonOfImage, JSON_ENDING } from './json-name';

/** Options of `encodeImage`. */
export interface EncodeImageOptions {
  /** How messages name the JSON. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the image that a JSON of `decodeImage`, crit or go-criu says; what was edited in it is written as an encoder
 * does, all else byte for byte as it was. Throws FdgraftError (JSON_MALFORMED) with the path of the place as `field`.
 */
export async function encodeImage(json: ByteReader, image: ByteWriter, options: EncodeImageOptions): Promise<void> {
  await jsonToImage(json, options.name, image, options);
}

/**
 * Makes an image directory from one that `decode` made: NAME.img from NAME.img.json, and all else as it is. It appears
 * whole or not at all. Throws FdgraftError.
 */
export async function encode(source: Source, options: ConvertOptions): Promise<ConvertResult> {
  requireSource(source);
  requireOptions(options, 'out');
  requireKnownOptions(options, CONVERT_OPTIONS);
  requireOutput(options, true);
  const { signal } = options;
  let hasImages = false;
  const convert = (name: string) => {
    if (isImageWithRecords(name)) hasImages = true;
    if (!isJsonOfImage(name)) return undefined;
    return {
      name: name.slice(0, -JSON_ENDING.length),
      write: (reader: ByteReader, writer: ByteWriter) => encodeImage(reader, writer, { name, signal }),
    };
  };
  return convertDirectory(source, options, convert, (label) =>
    hasImages ? messages.imagesAreNoJson(label) : messages.nothingToConvert(label),
  );
}
