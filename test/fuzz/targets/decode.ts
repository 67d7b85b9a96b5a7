import { decodeImage, encodeImage, imageInfo } from '../../../src';
import type { ByteReader, ByteWriter } from '../../../src/bytes/byte-stream';
import { Meter } from '../meter';
import { IMAGE_MUTATORS } from '../mutate/frames';
import { mutated } from '../mutate/mutate';
import { kindOf, type Outcome, outcomeOf, roughly } from '../outcome';
import { freshImage, knownImages } from '../seeds';
import { expect, type Target } from '../target';

export interface ConversionSubject {
  decode(image: ByteReader, json: ByteWriter, options: { name: string; pretty?: boolean }): Promise<void>;
  encode(json: ByteReader, image: ByteWriter, options: { name: string }): Promise<void>;
}

export const CONVERSIONS: ConversionSubject = { decode: decodeImage, encode: encodeImage };

/** What a conversion writes of an input, with the work that it takes counted. */
export async function converted(
  what: string,
  input: Buffer,
  convert: (reader: ByteReader, writer: ByteWriter) => Promise<void>,
  most?: number,
): Promise<Outcome<Buffer>> {
  const meter = new Meter();
  const chunks: Buffer[] = [];
  const write = async (bytes: Uint8Array) => {
    chunks.push(Buffer.from(bytes));
    meter.bytesWritten += bytes.length;
  };
  const outcome = await outcomeOf(what, async () => {
    await convert(meter.reader(input, most), { write });
    return Buffer.concat(chunks);
  });
  meter.check(what, input.length, LIMITS);
  expect(
    meter.bytesWritten <= MOST_WRITTEN.base + MOST_WRITTEN.perByte * input.length,
    () => `${what}: too much written`,
  );
  return outcome;
}

const LIMITS = { passes: 1, allocatedTo: { base: 8 << 20, perByte: 1200 } };
/** A name of an enum, or an empty message with its key, for a byte or two. */
const MOST_WRITTEN = { base: 4096, perByte: 120 };
const SMALL = 5;

/** Images to JSON and back: the same bytes, however they come; what the information counts is there. */
export function decodeTarget({ decode, encode }: ConversionSubject = CONVERSIONS): Target {
  return {
    name: 'decode',
    share: 1000,
    seeds: () => knownImages().map(({ bytes }) => ({ image: bytes })),
    make: (random, pick) => {
      const image = random.below(500) === 0 ? freshImage(random).bytes : (pick().image as Buffer);
      if (random.chance(3)) return { image };
      return { image: mutated(image, IMAGE_MUTATORS, random, () => pick().image as Buffer) };
    },
    check: async ({ image = Buffer.alloc(0) }) => {
      const name = 'x.img';
      const toJson = (pretty: boolean, most?: number) =>
        converted('decode', image, (reader, writer) => decode(reader, writer, { name, pretty }), most);
      const plain = await toJson(false);
      const other = await (image.length % 2 === 0 ? toJson(false, SMALL) : toJson(true));
      // Which of several faults is told may depend on what was read when the first was seen.
      const areAlike = (plain.error === undefined) === (other.error === undefined);
      expect(areAlike, () => `by another way otherwise\n${plain.error?.message}\n${other.error?.message}`);
      const info = await outcomeOf('info', () => imageInfo(new Meter().reader(image), { name }));
      for (const { value } of [plain, other]) {
        if (value === undefined) continue;
        const back = await converted('encode', value, (reader, writer) => encode(reader, writer, { name: 'x.json' }));
        expect(back.error === undefined, () => `encode refuses what decode wrote: ${back.error?.message}`);
        expect(back.value?.equals(image) === true, 'encode does not give the image back');
      }
      if (plain.value === undefined) return kindOf(plain, () => '');
      const json = JSON.parse(plain.value.toString('utf8')) as { magic: string; entries: unknown[] };
      const { entries, magic } = json;
      const isCounted = info.value !== undefined && 'count' in info.value && info.value.magic === magic;
      expect(isCounted, () => `info says ${JSON.stringify(info.value ?? info.error?.message)}`);
      const keys = Object.keys(json).join(' ');
      return `${magic} ${roughly(entries.length)} ${keys} ${plain.value.includes('"_wire"') ? 'wire' : ''}`;
    },
  };
}
