/**
 * Real dumps as another CRIU would have made them: without what it did not know yet, or with what nobody knows yet.
 * Edited on the wire, so that all other bytes are those of the dump.
 */
import fs from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { allSchemas, encodeImage, messageOfRecord, messageType, uint32 } from './images';

/** What CRIU 3.17 does not write into images of x86_64 and 4.1.1 does; `nr_pages` of pagemaps is the same in both. */
const AFTER_3_17 = new Set([
  'cg_controller_entry.is_threaded',
  'creds_entry.cap_amb',
  'creds_entry.no_new_privs',
  'inet_sk_entry.tcp_opts',
  'inventory_entry.dump_criu_run_id',
  'inventory_entry.plugins_entry',
  'ip_opts_entry.pktinfo',
  'ip_opts_entry.tos',
  'ip_opts_entry.ttl',
  'memfd_inode_entry.mode',
  'netns_entry.ipv4_sysctl',
  'task_core_entry.membarrier_registration_mask',
  'task_core_entry.stop_signo',
  'thread_core_entry.cg_set',
  'user_x86_xsave_entry.cet',
]);

/** Three fields that no schema has: a number, bytes, and eight bytes. */
const NEW_FIELDS = protobuf.Writer.create()
  .uint32((15_000 << 3) | 0)
  .uint32(7)
  .uint32((15_001 << 3) | 2)
  .string('of a later CRIU')
  .uint32((15_002 << 3) | 1)
  .fixed64(1)
  .finish();

/** A file entry and its descriptor, of a type without a name and with a member without a schema. */
export const NEW_TYPE = { type: 200, id: 900, fd: 90 };
// protobufjs passes over a value without a name, and then misses a required field.
allSchemas().lookupEnum('fd_types').add('NEW_TYPE', NEW_TYPE.type);

/** Images of no known kind, one with the number of a task. */
export const NEW_IMAGES = ['novelty.img', 'novelty-14716.img'];

/** What it makes of the bytes of a message, in which all inner messages have been edited already. */
type Edit = (message: Buffer) => Buffer;

interface Version {
  readonly drops: ReadonlySet<string>;
  readonly edit: Edit;
}

const EARLIER: Version = { drops: AFTER_3_17, edit: (message) => message };
const LATER: Version = { drops: new Set(), edit: (message) => Buffer.concat([message, NEW_FIELDS]) };

function editMessage(type: protobuf.Type, bytes: Uint8Array, version: Version): Buffer {
  const reader = protobuf.Reader.create(bytes);
  const chunks: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3]?.resolve();
    if (field?.resolvedType instanceof protobuf.Type) {
      const inner = editMessage(field.resolvedType, reader.bytes(), version);
      if (!version.drops.has(`${type.name}.${field.name}`))
        chunks.push(protobuf.Writer.create().uint32(tag).bytes(inner).finish());
    } else {
      reader.skipType(tag & 7);
      if (!version.drops.has(`${type.name}.${field?.name}`)) chunks.push(bytes.subarray(start, reader.pos));
    }
  }
  return version.edit(Buffer.concat(chunks));
}

/** How many bytes follow a record; `left`: how many there are. */
function extraAfter(message: string, record: Buffer, left: number): number {
  const fields = messageType(message).toObject(messageType(message).decode(record), { longs: Number });
  if (message === 'pipe_data_entry') return fields.bytes as number;
  if (message === 'sk_packet_entry') return fields.length as number;
  if (message === 'ghost_chunk_entry') return fields.len as number;
  return message === 'ghost_file_entry' && fields.chunks !== true ? left : 0;
}

function editImage(name: string, image: Buffer, version: Version): Buffer {
  const start = name === 'inventory.img' ? 4 : 8;
  const chunks: Buffer[] = [image.subarray(0, start)];
  for (let at = start, number = 0; at < image.length; number += 1) {
    const end = at + 4 + image.readUInt32LE(at);
    const record = image.subarray(at + 4, end);
    const message = messageOfRecord(name, number);
    const edited = editMessage(messageType(message), record, version);
    const extra = extraAfter(message, record, image.length - end);
    chunks.push(uint32(edited.length), edited, image.subarray(end, end + extra));
    at = end + extra;
  }
  return Buffer.concat(chunks);
}

function editDirectory(from: string, to: string, version: Version): void {
  fs.mkdirSync(to);
  for (const name of fs.readdirSync(from)) {
    const bytes = fs.readFileSync(path.join(from, name));
    const isImage = name.endsWith('.img') && !name.startsWith('pages-');
    fs.writeFileSync(path.join(to, name), isImage ? editImage(name, bytes, version) : bytes);
  }
}

/** A dump of CRIU 4.1.1 as 3.17 would have written it. */
export function asEarlier(from: string, to: string): void {
  editDirectory(from, to, EARLIER);
}

/**
 * A dump as some CRIU to come may write it: with new fields in every message of every image, a new type of open file,
 * and new images. Descriptor table: that in which the new open file is.
 */
export function asLater(from: string, to: string, table: string): void {
  editDirectory(from, to, LATER);
  const { type, id, fd } = NEW_TYPE;
  const entry = protobuf.Writer.create().uint32(8).uint32(type).uint32(16).uint32(id);
  const member = protobuf.Writer.create().uint32(8).uint32(id).finish();
  append(
    path.join(to, 'files.img'),
    entry
      .uint32((100 << 3) | 2)
      .bytes(member)
      .finish(),
  );
  const descriptor = protobuf.Writer.create().uint32(8).uint32(id).uint32(16).uint32(0).uint32(24).uint32(type);
  append(path.join(to, table), descriptor.uint32(32).uint32(fd).finish());
  for (const name of NEW_IMAGES) {
    const magics = encodeImage('fs-1.img', []).subarray(0, 4);
    fs.writeFileSync(path.join(to, name), Buffer.concat([magics, uint32(0x4e455721), uint32(2), Buffer.from([8, 1])]));
  }
}

function append(file: string, record: Uint8Array): void {
  fs.appendFileSync(file, Buffer.concat([uint32(record.length), record]));
}

/** Gives a checkpoint another img_version, and changes nothing else. */
export function setImageVersion(directory: string, version: number): void {
  const file = path.join(directory, 'inventory.img');
  const image = fs.readFileSync(file);
  // The last of two values of a field counts.
  const record = Buffer.concat([image.subarray(8), Buffer.from([8, version])]);
  fs.writeFileSync(file, Buffer.concat([image.subarray(0, 4), uint32(record.length), record]));
}
