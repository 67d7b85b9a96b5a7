/** Images of any content and every kind, made without a line of src/. */
import fc from 'fast-check';
import { ALL_IMAGES, type Image, uint32 } from './images';
import { type Contents, encode, type Message, messagesOf, Random, seeds } from './random-messages';

const IMG_COMMON = 0x54564319;
const IMG_SERVICE = 0x55105940;

/** One record, and what follows it. */
export interface Part {
  readonly type: string;
  readonly message: Message;
  readonly extra: Buffer;
}

export interface RandomImage {
  readonly image: Image;
  readonly parts: readonly Part[];
}

export type EncodeRecord = (type: string, message: Message) => Buffer;

export function headOf({ kind, file, magic }: Image): Buffer {
  if (kind === 'INVENTORY') return uint32(magic);
  return Buffer.concat([uint32(file.endsWith('.img') ? IMG_COMMON : IMG_SERVICE), uint32(magic)]);
}

export function bytesOf({ image, parts }: RandomImage, record: EncodeRecord = encode): Buffer {
  const framed = parts.flatMap(({ type, message, extra }) => {
    const bytes = record(type, message);
    return [uint32(bytes.length), bytes, extra];
  });
  return Buffer.concat([headOf(image), ...framed]);
}

const NOTHING = Buffer.alloc(0);

/** `length` bytes, and zeros or others up to a multiple of `align`. */
function padded(random: Random, length: number, align: number): Buffer {
  const padding = (align - (length % align)) % align;
  return Buffer.concat([random.bytes(length), random.chance(50) ? Buffer.alloc(padding) : random.bytes(padding)]);
}

/** Lengths of extras: none, a few bytes, or more than a line of base64. */
const lengthOf = (random: Random) => (random.chance(25) ? 0 : random.below(random.chance(50) ? 20 : 400));

/** The records of an image of messages, with counts that are right and with the bytes that they count. */
function withExtras({ kind }: Image, messages: readonly Message[], random: Random): Part[] {
  const first = messages[0] as Message;
  const counted = (type: string, ...fields: string[]) =>
    messages.map((message): Part => {
      const lengths = fields.map((): number => lengthOf(random));
      const counts = Object.fromEntries(fields.map((field, i) => [field, BigInt(lengths[i] as number)]));
      return { type, message: { ...message, ...counts }, extra: random.bytes(lengths.reduce((a, b) => a + b, 0)) };
    });
  switch (kind) {
    case 'PIPES_DATA':
    case 'FIFO_DATA':
      return counted('pipe_data_entry', 'bytes');
    case 'SK_QUEUES':
      return counted('sk_packet_entry', 'length');
    case 'BPFMAP_DATA':
      return counted('bpfmap_data_entry', 'keys_bytes', 'values_bytes');
    case 'TCP_STREAM':
      return counted('tcp_stream_entry', 'inq_len', 'outq_len').slice(0, 1);
    case 'IPCNS_SEM':
      return messages.map((message) => {
        const nsems = random.below(9);
        return {
          type: 'ipc_sem_entry',
          message: { ...message, nsems: BigInt(nsems) },
          extra: padded(random, 2 * nsems, 8),
        };
      });
    case 'IPCNS_SHM':
      return messages.map((message) => {
        const size = lengthOf(random);
        const extra = message.in_pagemaps === true ? NOTHING : padded(random, size, 4);
        return { type: 'ipc_shm_entry', message: { ...message, size: BigInt(size) }, extra };
      });
    case 'IPCNS_MSG':
      return messages.flatMap((message): Part[] => {
        const qnum = random.below(4);
        const queue = Array.from({ length: qnum }, (): Part => {
          const msize = lengthOf(random);
          const inner = { mtype: BigInt(random.below(100)), msize: BigInt(msize) };
          return { type: 'ipc_msg', message: inner, extra: padded(random, msize, 8) };
        });
        return [{ type: 'ipc_msg_entry', message: { ...message, qnum: BigInt(qnum) }, extra: NOTHING }, ...queue];
      });
    case 'GHOST_FILE': {
      if (first.chunks !== true)
        return [{ type: 'ghost_file_entry', message: first, extra: random.bytes(lengthOf(random)) }];
      const chunks = messages.slice(1).map((message): Part => {
        const length = lengthOf(random);
        return { type: 'ghost_chunk_entry', message: { ...message, len: BigInt(length) }, extra: random.bytes(length) };
      });
      return [{ type: 'ghost_file_entry', message: first, extra: NOTHING }, ...chunks];
    }
    default:
      throw new Error(`nothing follows the records of ${kind}`);
  }
}

export const KINDS_WITH_EXTRAS = [
  ...['PIPES_DATA', 'FIFO_DATA', 'SK_QUEUES', 'BPFMAP_DATA', 'TCP_STREAM', 'IPCNS_SEM', 'IPCNS_SHM', 'IPCNS_MSG'],
  'GHOST_FILE',
];

/** Images of a kind. */
export function randomImages(image: Image, contents: Contents, most = 3): fc.Arbitrary<RandomImage> {
  const others = fc.array(messagesOf(image.message, contents), { maxLength: image.hasOne ? 0 : most - 1 });
  return fc.tuple(messagesOf(image.first, contents), others, seeds).map(([first, more, seed]) => {
    const messages = [first, ...more];
    if (KINDS_WITH_EXTRAS.includes(image.kind)) return { image, parts: withExtras(image, messages, new Random(seed)) };
    const parts = messages.map((message, i) => ({
      type: i === 0 ? image.first : image.message,
      message,
      extra: NOTHING,
    }));
    return { image, parts };
  });
}

/** Images of any kind. */
export function anyImages(contents: Contents): fc.Arbitrary<RandomImage> {
  return fc.oneof(...ALL_IMAGES.map((image) => randomImages(image, contents)));
}
