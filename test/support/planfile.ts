import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

/** inherit-plan.img made by hand, from schemas/plan.proto itself: what the executor reads, wrong plans included. */

export const PLAN_NAME = 'inherit-plan.img';
export const MAGICS = [0x54564319, 0x50474446] as const;

export type Apply = 'auto' | 'dup' | 'reopen';
export type Position = 'caller' | 'saved' | 'end';

export interface Descriptor {
  fd: number;
  pids: number[];
  /** Left out: the first pid, as of tasks that share no table. */
  table?: number;
  closeOnExec?: boolean;
}

export interface InFlight {
  image?: string;
  offset?: number;
  bytes: number;
  pipeSize?: number;
  fate: 'replay' | 'drop' | number;
}

export interface Placeholder {
  fileId: number;
  callerFd: number;
  spec?: number;
  type?: string;
  key?: string;
  flags?: number;
  offset?: number | bigint;
  pipeId?: number;
  needsRead?: boolean;
  needsWrite?: boolean;
  watched?: boolean;
  apply?: Apply | number;
  position?: Position | number;
  descriptors?: Descriptor[];
  /** How many SCM rights refer to it too. */
  scmRights?: number;
  inFlight?: InFlight[];
  truncateTo?: number | bigint;
  pipeSize?: number;
  kind?: Kind;
  ownKey?: string;
  mapping?: { pids?: number[]; bytes: number; writes?: boolean };
  terminal?: { id?: number; session?: number; foreground?: number; hasLeader?: boolean };
  setNonblock?: boolean;
}

/** The kind that the caller's open file must have. */
export interface Kind {
  name: string;
  seals?: number;
  socket?: { domain: number; type: number; protocol?: number; state?: number; name?: Buffer };
}

export interface Spec {
  text: string;
  callerFd: number;
  matches?: number;
}

export interface Image {
  name: string;
  before?: Buffer;
  after: Buffer;
}

export interface Credentials {
  pids: number[];
  uid?: number;
  gid?: number;
  groups?: number[];
  overridesAccess?: boolean;
  overridesReading?: boolean;
  fileSize?: number | bigint;
}

/** A line of uid_map or gid_map. */
export type IdRange = [inside: number, outside: number, count: number];

export interface Plan {
  format?: number;
  /** What the head claims; otherwise the number of placeholders. */
  count?: number;
  images?: Image[];
  /** Left out: one for each caller fd. */
  specs?: Spec[];
  debugs?: { text: string; callerFd: number; output: Buffer }[];
  placeholders?: Placeholder[];
  credentials?: Credentials[];
  userNamespace?: { uids?: IdRange[]; gids?: IdRange[] };
  /** Codes; one of no meaning for the executor unless told. */
  warnings?: string[];
}

const schema = protobuf.loadSync(join(__dirname, '../../schemas/plan.proto'));
const headType = schema.lookupType('fdgraft.plan_head');
const placeholderType = schema.lookupType('fdgraft.plan_placeholder');

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function frame(record: Uint8Array): Buffer {
  return Buffer.concat([u32(record.length), record]);
}

export function specsOf(plan: Plan): Spec[] {
  if (plan.specs) return plan.specs;
  const fds = [...new Set((plan.placeholders ?? []).map((placeholder) => placeholder.callerFd))];
  return fds.map((callerFd) => ({ text: `fd[${callerFd}]:file-${callerFd}`, callerFd, matches: 1 }));
}

const rangesOf = (ranges: IdRange[] = []) => ranges.map(([inside, outside, count]) => ({ inside, outside, count }));

export function headRecord(plan: Plan): Buffer {
  const { userNamespace } = plan;
  const head = {
    format: plan.format ?? 3,
    tool: 'a test',
    placeholders: plan.count ?? plan.placeholders?.length ?? 0,
    images: (plan.images ?? []).map((image) => ({
      name: image.name,
      before: image.before ?? image.after,
      after: image.after,
    })),
    specs: specsOf(plan).map((spec) => ({ text: spec.text, callerFd: spec.callerFd, matches: spec.matches ?? 1 })),
    debugs: plan.debugs ?? [],
    warnings: (plan.warnings ?? ['OWNER_DROPPED']).map((code) => ({ code, message: 'a warning', fileId: 1 })),
    credentials: (plan.credentials ?? []).map((one) => ({
      ...{ uid: 0, gid: 0, groups: [], overridesAccess: false, overridesReading: false },
      ...one,
      ...(one.fileSize === undefined ? {} : { fileSize: uint64(one.fileSize) }),
    })),
    ...(userNamespace === undefined
      ? {}
      : { userNamespace: { uids: rangesOf(userNamespace.uids), gids: rangesOf(userNamespace.gids) } }),
  };
  return Buffer.from(headType.encode(headType.create(head)).finish());
}

/** As protobufjs writes a number that JavaScript may not hold. */
function uint64(value: number | bigint): unknown {
  if (typeof value === 'number') return value;
  return { low: Number(BigInt.asIntN(32, value)), high: Number(value >> 32n), unsigned: true };
}

const APPLIES = { auto: 0, dup: 1, reopen: 2 };
const POSITIONS = { caller: 0, saved: 1, end: 2 };

export function placeholderRecord(plan: Plan, placeholder: Placeholder): Buffer {
  const flags = placeholder.flags ?? 0;
  const spec = placeholder.spec ?? specsOf(plan).findIndex(({ callerFd }) => callerFd === placeholder.callerFd);
  const { apply = 'auto', position = 'caller', kind } = placeholder;
  const socket = kind?.socket && { protocol: 0, state: 0, ...kind.socket };
  const type = placeholder.type ?? 'REG';
  const offset = 'offset' in placeholder || type !== 'REG' ? placeholder.offset : 0;
  const was = {
    type,
    key: placeholder.key ?? `file-${placeholder.callerFd}`,
    flags,
    owner: { uid: 0, euid: 0, signum: 0, pidType: 0, pid: 0 },
    ...(offset === undefined ? {} : { offset: uint64(offset) }),
    ...(placeholder.pipeId === undefined ? {} : { pipeId: placeholder.pipeId }),
  };
  const message = {
    fileId: placeholder.fileId,
    callerFd: placeholder.callerFd,
    spec,
    was,
    needsRead: placeholder.needsRead ?? (flags & 3) !== 1,
    needsWrite: placeholder.needsWrite ?? (flags & 3) !== 0,
    ...(placeholder.watched === undefined ? {} : { watched: placeholder.watched }),
    apply: typeof apply === 'number' ? apply : APPLIES[apply],
    position: typeof position === 'number' ? position : POSITIONS[position],
    references: [
      ...(placeholder.descriptors ?? []).map(({ fd, pids, table = pids[0] ?? 2, closeOnExec = false }) => ({
        descriptor: { table, pids, fd, closeOnExec },
      })),
      ...Array.from({ length: placeholder.scmRights ?? 0 }, (_, packet) => ({ scmRight: { packet, socketId: 9 } })),
    ],
    inFlight: (placeholder.inFlight ?? []).map(({ image = 'pipes-data.img', offset = 8, fate, ...rest }) => ({
      image,
      offset,
      fate: fate === 'replay' ? 0 : fate === 'drop' ? 1 : fate,
      ...rest,
    })),
    ...(placeholder.truncateTo === undefined ? {} : { truncateTo: uint64(placeholder.truncateTo) }),
    ...(placeholder.pipeSize === undefined ? {} : { pipeSize: placeholder.pipeSize }),
    ...(placeholder.ownKey === undefined ? {} : { key: placeholder.ownKey }),
    ...(placeholder.terminal === undefined
      ? {}
      : { terminal: { id: 1, session: 0, foreground: 0, hasLeader: false, ...placeholder.terminal } }),
    ...(placeholder.mapping === undefined ? {} : { mapping: { pids: [], writes: false, ...placeholder.mapping } }),
    ...(placeholder.setNonblock === undefined ? {} : { setNonblock: placeholder.setNonblock }),
    ...(kind === undefined ? {} : { kind: { ...kind, ...(socket === undefined ? {} : { socket }) } }),
  };
  return Buffer.from(placeholderType.encode(placeholderType.create(message)).finish());
}

export function planBytes(plan: Plan): Buffer {
  return Buffer.concat([
    ...MAGICS.map(u32),
    frame(headRecord(plan)),
    ...(plan.placeholders ?? []).map((placeholder) => frame(placeholderRecord(plan, placeholder))),
  ]);
}

/** Writes the plan into a directory and returns the plan's path. */
export function writePlan(directory: string, plan: Plan): string {
  const path = join(directory, PLAN_NAME);
  writeFileSync(path, planBytes(plan));
  return path;
}

/** An image of the directory as a plan names it. */
export function imageOf(directory: string, name: string): Image {
  return { name, after: sha256(readFileSync(join(directory, name))) };
}
