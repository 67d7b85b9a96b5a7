import { RecordReader } from '../../../src/frames/record-reader';
import { uint32 } from '../../support/images';
import { Meter } from '../meter';
import { IMAGE_MUTATORS } from '../mutate/frames';
import { mutated } from '../mutate/mutate';
import { kindOf, type Outcome, outcomeOf, roughly } from '../outcome';
import { freshImage, knownImages } from '../seeds';
import { expect, type Target } from '../target';

/** Reads all frames of an image and puts them together again. */
export type ReadFrames = (image: Buffer, most: number, meter: Meter) => Promise<Frames>;

export interface Frames {
  readonly records: number;
  readonly bytes: Buffer;
}

async function readFrames(image: Buffer, most: number, meter: Meter): Promise<Frames> {
  const reader = new RecordReader(meter.reader(image, most), 'x.img');
  try {
    const { headerBytes } = await reader.magics();
    const chunks: Uint8Array[] = [image.subarray(0, headerBytes)];
    let records = 0;
    for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
      expect(batch.firstEntry === records && batch.count > 0, 'a batch that does not follow the one before');
      records += batch.count;
      for (let i = 0; i < batch.count; i += 1) {
        const record = Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i]));
        chunks.push(uint32(record.length), record);
      }
    }
    return { records, bytes: Buffer.concat(chunks) };
  } finally {
    reader.release();
  }
}

const LIMITS = { passes: 1, allocatedTo: { base: 2 << 20, perByte: 12 } };
/** So few bytes a read, that each frame lies in several. */
const SMALL = 3;

/** Frames of images: what is read is what is there, however it comes. */
export function framesTarget(read: ReadFrames = readFrames): Target {
  return {
    name: 'frames',
    share: 1800,
    seeds: () => knownImages().map(({ bytes }) => ({ image: bytes })),
    make: (random, pick) => {
      const image = random.below(1000) === 0 ? freshImage(random).bytes : (pick().image as Buffer);
      return { image: mutated(image, IMAGE_MUTATORS, random, () => pick().image as Buffer) };
    },
    check: async ({ image = Buffer.alloc(0) }) => {
      const once = async (most: number): Promise<Outcome<Frames>> => {
        const meter = new Meter();
        const outcome = await outcomeOf('reading frames', () => read(image, most, meter));
        meter.check('reading frames', image.length, LIMITS);
        return outcome;
      };
      const whole = await once(Number.POSITIVE_INFINITY);
      const chunks = image.length < 2000 ? await once(SMALL) : whole;
      expect(whole.error?.message === chunks.error?.message, () => `${chunks.error?.message} where it comes in chunks`);
      expect(whole.value?.records === chunks.value?.records, 'other records where it comes in chunks');
      if (whole.value !== undefined) expect(whole.value.bytes.equals(image), 'the frames are not the image');
      const { offset = 0 } = whole.error ?? {};
      expect(offset <= image.length, () => `a fault at ${offset} of ${image.length} bytes`);
      return kindOf(whole, ({ records }) => `${roughly(records)} records`);
    },
  };
}
