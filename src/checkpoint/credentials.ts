import { WireFault } from '../errors/wire-fault';
import {
  CORE_ENTRY_FIELDS,
  CREDS_ENTRY_FIELDS,
  RLIMIT_ENTRY_FIELDS,
  TASK_CORE_ENTRY_FIELDS,
  TASK_RLIMITS_ENTRY_FIELDS,
  THREAD_CORE_ENTRY_FIELDS,
} from '../schema/generated/images';
import { TASK_GROUPS_MAX } from '../schema/plan-limits';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import type { ImagesByName } from './explore/images-by-name';

/** Credentials for access to files, and the limit of their size; all ids as the task's own user namespace has them. */
export interface Credentials {
  /** fsuid and fsgid. */
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, ascending, each once. */
  readonly groups: readonly number[];
  /** CAP_DAC_OVERRIDE is effective. */
  readonly overridesAccess: boolean;
  /** CAP_DAC_READ_SEARCH is effective. */
  readonly overridesReading: boolean;
  /** RLIMIT_FSIZE of the task; undefined where it has none. */
  readonly fileSize: bigint | undefined;
}

/** -1 is no id. */
export const MAX_OWNER_ID = 2 ** 32 - 2;

/** Numbers of capabilities (capabilities(7)): bits of the first word of a set. */
const CAP_DAC_OVERRIDE = 1;
const CAP_DAC_READ_SEARCH = 2;
/** Of getrlimit(2): the place in the list of limits. */
const RLIMIT_FSIZE = 1;
/** No file is longer, so a limit from here on is none. */
const MAX_FILE_SIZE = 2n ** 63n - 1n;

/**
 * Reads the credentials of the first thread of a task from its core image; CRIU records those of the others too, but
 * threads that differ are rare. Undefined where the image is missing or has none. Throws FdgraftError.
 */
export async function readCredentials(images: ImagesByName, pid: number): Promise<Credentials | undefined> {
  for await (const batch of images.batches(`core-${pid}.img`)) {
    return batch.at(0, inCore);
  }
  return undefined;
}

function inCore(bytes: Uint8Array, start: number, end: number): Credentials | undefined {
  let credentials: Omit<Credentials, 'fileSize'> | undefined;
  let fileSize: bigint | undefined;
  const core = new FieldCursor().over(bytes, start, end);
  while (core.next()) {
    if (core.number === CORE_ENTRY_FIELDS.thread_core) {
      for (const thread of messagesIn(core, THREAD_CORE_ENTRY_FIELDS.creds))
        credentials = decodeCredentials(bytes, thread.valueStart, thread.end);
    } else if (core.number === CORE_ENTRY_FIELDS.tc) {
      for (const task of messagesIn(core, TASK_CORE_ENTRY_FIELDS.rlimits)) fileSize = decodeFileSize(task);
    }
  }
  return credentials === undefined ? undefined : { ...credentials, fileSize };
}

/** The fields of that number, each a message, of the message that a field holds. */
function* messagesIn(field: FieldCursor, number: number): Generator<FieldCursor, void, undefined> {
  field.expect(WIRE_TYPE.BYTES);
  const inner = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (inner.next()) {
    if (inner.number !== number) continue;
    inner.expect(WIRE_TYPE.BYTES);
    yield inner;
  }
}

function decodeFileSize(field: FieldCursor): bigint | undefined {
  let place = 0;
  for (const limit of messagesIn(field, TASK_RLIMITS_ENTRY_FIELDS.rlimits)) {
    if (place++ !== RLIMIT_FSIZE) continue;
    let size: bigint | undefined;
    const one = new FieldCursor().over(limit.bytes, limit.valueStart, limit.end);
    while (one.next()) if (one.number === RLIMIT_ENTRY_FIELDS.cur) size = one.uint64();
    return size === undefined || size > MAX_FILE_SIZE ? undefined : size;
  }
  return undefined;
}

/** By hand: a list of groups is refused before it fills the memory. */
function decodeCredentials(bytes: Uint8Array, start: number, end: number): Omit<Credentials, 'fileSize'> {
  let uid: number | undefined;
  let gid: number | undefined;
  const groups = new Set<number>();
  const effective: number[] = [];
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) {
    if (field.number === CREDS_ENTRY_FIELDS.fsuid) uid = field.uint32();
    else if (field.number === CREDS_ENTRY_FIELDS.fsgid) gid = field.uint32();
    else if (field.number === CREDS_ENTRY_FIELDS.cap_eff) {
      for (const word of numbersOf(field)) if (effective.length === 0) effective.push(word);
    } else if (field.number === CREDS_ENTRY_FIELDS.groups) {
      for (const group of numbersOf(field)) {
        groups.add(checkId(group, field.start, 'creds_entry.groups'));
        if (groups.size > TASK_GROUPS_MAX) {
          const problem = `the task has more than ${TASK_GROUPS_MAX} groups, the limit of Linux`;
          throw new WireFault(problem, field.start, undefined, 'creds_entry.groups');
        }
      }
    }
  }
  const has = (capability: number) => ((effective[0] ?? 0) & (1 << capability)) !== 0;
  return {
    uid: required(uid, start, 'creds_entry.fsuid'),
    gid: required(gid, start, 'creds_entry.fsgid'),
    groups: [...groups].sort((a, b) => a - b),
    overridesAccess: has(CAP_DAC_OVERRIDE),
    overridesReading: has(CAP_DAC_READ_SEARCH),
  };
}

function required(id: number | undefined, at: number, field: string): number {
  if (id === undefined) throw new WireFault('the required field is missing', at, undefined, field);
  return checkId(id, at, field);
}

function checkId(id: number, at: number, field: string): number {
  if (id > MAX_OWNER_ID) throw new WireFault(`${id} is no id of a user or group`, at, undefined, field);
  return id;
}

/** Values of a repeated number, packed or not. */
function* numbersOf(field: FieldCursor): Generator<number, void, undefined> {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    yield field.uint32();
    return;
  }
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) yield packed.uint32();
}
