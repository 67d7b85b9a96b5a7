import { decodeImage } from '../../../src';
import { Meter } from '../meter';
import { JSON_MUTATORS } from '../mutate/json';
import { mutated } from '../mutate/mutate';
import { kindOf, roughly } from '../outcome';
import { knownImages } from '../seeds';
import { expect, type Target } from '../target';
import { CONVERSIONS, type ConversionSubject, converted } from './decode';

const SMALL = 5;

/** JSON that anybody edited: what encode takes is an image that comes back unchanged. */
export function encodeTarget({ decode, encode }: ConversionSubject = CONVERSIONS): Target {
  return {
    name: 'encode',
    share: 1000,
    seeds: async () => {
      const seeds = [];
      for (const { bytes } of knownImages()) {
        const chunks: Buffer[] = [];
        const write = async (chunk: Uint8Array) => {
          chunks.push(Buffer.from(chunk));
        };
        await decodeImage(new Meter().reader(bytes), { write }, { name: 'x.img', pretty: chunks.length % 2 === 0 });
        const json = Buffer.concat(chunks);
        if (json.length < 10_000) seeds.push({ json });
      }
      return seeds;
    },
    make: (random, pick) => ({
      json: mutated(pick().json as Buffer, JSON_MUTATORS, random, () => pick().json as Buffer),
    }),
    check: async ({ json = Buffer.alloc(0) }) => {
      const toImage = (text: Buffer, most?: number) =>
        converted('encode', text, (reader, writer) => encode(reader, writer, { name: 'x.json' }), most);
      const image = await toImage(json);
      if (json.length < 2000) {
        const chunks = await toImage(json, SMALL);
        // The message shows what follows as far as it is there, and of a long string the chunk that came.
        const isSame = image.error?.code === chunks.error?.code && image.error?.field === chunks.error?.field;
        expect(
          isSame,
          () => `another error where it comes in chunks\n${image.error?.message}\n${chunks.error?.message}`,
        );
        expect(image.value?.equals(chunks.value as Buffer) !== false, 'another image where the JSON comes in chunks');
      }
      if (image.value === undefined) return kindOf(image, () => '');
      const name = 'x.img';
      const again = await converted('decode', image.value, (reader, writer) => decode(reader, writer, { name }));
      if (again.value === undefined) return `written, and ${kindOf(again, () => '')}`;
      const back = await toImage(again.value);
      expect(back.value?.equals(image.value) === true, () => `not the same image again: ${back.error?.message}`);
      return `${again.value.toString('latin1', 0, 30).replace(/\d+/g, '#')} ${roughly(image.value.length)}`;
    },
  };
}
