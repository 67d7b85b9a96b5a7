/**
 * Images made and read through protobufjs and schemas/, sharing no code with src/: what the tests build
 * with it, and what they check with it, is a second opinion.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';

const schemas = path.join(__dirname, '..', '..', 'schemas');
const IMG_COMMON = 0x54564319;

/** Magic and message of the images that the tests need. */
const IMAGES: [RegExp, number, string][] = [
  [/^inventory\.img$/, 0x58313116, 'inventory_entry'],
  [/^pstree\.img$/, 0x50273030, 'pstree_entry'],
  [/^ids-\d+\.img$/, 0x54432030, 'task_kobj_ids_entry'],
  [/^core-\d+\.img$/, 0x55053847, 'core_entry'],
  [/^pagemap-\d+\.img$/, 0x56084025, 'pagemap_entry'],
  [/^files\.img$/, 0x56303138, 'file_entry'],
  [/^fdinfo-\d+\.img$/, 0x56213732, 'fdinfo_entry'],
  [/^fs-\d+\.img$/, 0x51403912, 'fs_entry'],
  [/^mm-\d+\.img$/, 0x57492820, 'mm_entry'],
  [/^vmas-\d+\.img$/, 0x54123737, 'vma_entry'],
  [/^remap-fpath\.img$/, 0x59133954, 'remap_file_path_entry'],
  [/^sk-queues\.img$/, 0x56264026, 'sk_packet_entry'],
  [/^pipes-data\.img$/, 0x56453709, 'pipe_data_entry'],
  [/^fifo-data\.img$/, 0x59333054, 'pipe_data_entry'],
  [/^filelocks\.img$/, 0x54323616, 'file_lock_entry'],
  [/^autofs-\d+\.img$/, 0x49353943, 'autofs_entry'],
  [/^eventpoll-tfd\.img$/, 0x44433746, 'eventpoll_tfd_entry'],
  [/^reg-files\.img$/, 0x50363636, 'reg_file_entry'],
  [/^pipes\.img$/, 0x56513555, 'pipe_entry'],
];

const root = loadSchemas();

function loadSchemas(): protobuf.Root {
  const images = path.join(schemas, 'images');
  const loaded = new protobuf.Root();
  loaded.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : path.resolve(images, target);
  const files = readdirSync(images).filter((name) => name.endsWith('.proto'));
  loaded.loadSync([...files, path.join(schemas, 'plan.proto')], { keepCase: true });
  return loaded;
}

export function messageType(name: string): protobuf.Type {
  return root.lookupType(name);
}

/** All schemas, for tests that look at the schemas themselves. */
export function allSchemas(): protobuf.Root {
  return root;
}

/** A record as a message of fields, or as bytes that no encoder would make. */
export type Record = object | Uint8Array;

export function encodeMessage(type: string, fields: object): Buffer {
  const message = messageType(type);
  return Buffer.from(message.encode(message.fromObject(fields)).finish());
}

export interface ImageOptions {
  /** False for the format without IMG_COMMON. */
  firstMagic?: boolean;
  /** What follows each record. */
  extras?: readonly Uint8Array[];
}

/** The bytes of an image with these records. */
export function encodeImage(name: string, records: readonly Record[], options: ImageOptions = {}): Buffer {
  const [, magic, type] = lookUp(name);
  const pieces: Uint8Array[] = [];
  if (options.firstMagic !== false && name !== 'inventory.img') pieces.push(uint32(IMG_COMMON));
  pieces.push(uint32(magic));
  records.forEach((record, i) => {
    const bytes = record instanceof Uint8Array ? record : encodeMessage(type, record);
    pieces.push(uint32(bytes.length), bytes, options.extras?.[i] ?? Buffer.alloc(0));
  });
  return Buffer.concat(pieces);
}

export interface DecodedRecord {
  bytes: Buffer;
  fields: { [name: string]: unknown };
}

/** The records of an image without extras. Strings that are not UTF-8 come out damaged; `bytes` does not. */
export function decodeImage(name: string, image: Buffer): { header: Buffer; records: DecodedRecord[] } {
  const [, , type] = lookUp(name);
  const headerBytes = name !== 'inventory.img' && image.readUInt32LE(0) === IMG_COMMON ? 8 : 4;
  const records: DecodedRecord[] = [];
  for (let at = headerBytes; at < image.length; ) {
    const size = image.readUInt32LE(at);
    const bytes = image.subarray(at + 4, at + 4 + size);
    const message = messageType(type).decode(bytes);
    records.push({ bytes, fields: messageType(type).toObject(message, { longs: String, enums: String }) });
    at += 4 + size;
  }
  return { header: image.subarray(0, headerBytes), records };
}

export function readImage(folder: string, name: string): ReturnType<typeof decodeImage> {
  return decodeImage(name, readFileSync(path.join(folder, name)));
}

function lookUp(name: string): [RegExp, number, string] {
  const found = IMAGES.find(([pattern]) => pattern.test(name));
  if (found === undefined) throw new Error(`the tests do not know the image ${name}`);
  return found;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
