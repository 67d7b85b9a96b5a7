/**
 * Compares a rewritten directory with its source and with its plan. Shares no code with src/: images are
 * read by protobufjs, the schemas, and what CRIU says of the wire.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import protobuf from 'protobufjs';
import { messageType, readImage } from './images';

const PLAN = 'inherit-plan.img';

type Fields = { [name: string]: unknown };
interface Owner {
  signum: number;
  pid: number;
}
interface PlanDescriptor {
  table: number;
  pids: number[];
  fd: number;
  close_on_exec: boolean;
}
interface PlanPlaceholder {
  file_id: number;
  split_from?: number;
  watched?: boolean;
  apply: string;
  position: string;
  caller_fd: number;
  spec: number;
  was: { type: string; flags: number; offset?: string; pipe_id?: number; owner: Owner };
  needs_read: boolean;
  needs_write: boolean;
  references: { descriptor?: PlanDescriptor; scm_right?: { packet: number; socket_id: number } }[];
  truncate_to?: string;
  pipe_size?: number;
  in_flight: { image: string; offset: string; bytes: string; pipe_size?: number; fate: string }[];
  unnamed: number[];
  stand_in?: number;
  set_nonblock?: boolean;
  hung_up: number[];
  key?: string;
  mapping?: { pids: number[]; bytes: string; writes: boolean };
  lost_terminal?: number;
  terminal?: { id: number; session: number; foreground: number; has_leader: boolean };
}
interface PlanCredentials {
  pids: number[];
  uid: number;
  gid: number;
  groups: number[];
  overrides_access: boolean;
  overrides_reading: boolean;
  file_size?: unknown;
}
interface IdRange {
  inside: number;
  outside: number;
  count: number;
}
interface Plan {
  head: {
    format: number;
    placeholders: number;
    images: { name: string; before: Buffer; after: Buffer }[];
    specs: { caller_fd: number; matches: number }[];
    warnings: { code: string; file_id?: number }[];
    credentials: PlanCredentials[];
    user_namespace?: { uids: IdRange[]; gids: IdRange[] };
  };
  placeholders: PlanPlaceholder[];
}
type Expect = (right: boolean, what: string) => void;
/** Placeholders by their file id. */
type Replaced = ReadonlyMap<number, PlanPlaceholder>;
/** Types in OUT by file id. */
type Types = ReadonlyMap<number, string>;

const originOf = ({ file_id, split_from }: PlanPlaceholder) => split_from ?? file_id;

/** The plan of a directory, as protobufjs reads it. Throws where its frames or its messages are broken. */
export function readPlan(directory: string): Plan {
  const bytes = bytesOf(directory, PLAN);
  if (bytes.readUInt32LE(0) !== 0x54564319 || bytes.subarray(4, 8).toString() !== 'FDGP') throw new Error('no magics');
  const records: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) throw new Error('cut off');
    records.push(bytes.subarray(at + 4, end));
  }
  const decode = (type: string, record: Buffer) => {
    const message = messageType(type);
    return message.toObject(message.decode(record), { enums: String, longs: String, arrays: true });
  };
  const [head, ...placeholders] = records;
  return {
    head: decode('fdgraft.plan_head', head as Buffer) as Plan['head'],
    placeholders: placeholders.map((record) => decode('fdgraft.plan_placeholder', record) as PlanPlaceholder),
  };
}

/** What is wrong with OUT as a rewrite of the source, a line each; nothing where all is right. */
export function checkRewritten(source: string, out: string): string[] {
  const problems: string[] = [];
  const expect: Expect = (right, what) => {
    if (!right) problems.push(what);
  };
  // What cannot be read at all is a problem too.
  const step = <T>(what: string, check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      problems.push(`${what} cannot be checked: ${(error as Error).message}`);
      return undefined;
    }
  };
  const whole = step('the plan', () => readPlan(out));
  if (whole === undefined) return problems;
  // What CRIU finds by a key of its own stays as it is.
  const plan = { ...whole, placeholders: whole.placeholders.filter(({ key }) => key === undefined) };
  const replaced: Replaced = new Map(plan.placeholders.map((placeholder) => [placeholder.file_id, placeholder]));
  step('the plan', () => checkPlan(source, whole, expect));
  step('terminals', () => checkTerminals(source, out, whole, expect));
  step('memfds', () => checkMemfds(source, out, whole, expect));
  step('credentials', () => checkCredentials(source, whole, expect));
  step('the list of files', () => checkFiles(source, out, plan, expect));
  const types = step('files.img', () => checkEntries(source, out, plan, replaced, expect));
  if (types === undefined) return problems;
  const held = step('the tables', () => checkDescriptors(source, out, replaced, types, expect));
  if (held !== undefined) step('references', () => checkReferences(source, out, plan, held, replaced, types, expect));
  step('bytes in flight', () => checkInFlight(source, out, plan, expect));
  step('queues', () => checkQueues(source, plan, expect));
  step('sizes', () => checkSizes(source, plan, expect));
  step('remaps', () => checkRemaps(source, out, types, expect));
  step('new ids', () => checkNewIds(source, plan, expect));
  step('what names descriptors', () => checkNames(out, replaced, expect));
  step('other references', () => checkOthers(source, out, types, expect));
  return problems;
}

const list = (directory: string) => fs.readdirSync(directory).sort();
/** CRIU opens them by a number of 32 bits, and never with a leading zero. */
const numbered = (directory: string, kind: string) =>
  list(directory).filter((name) => {
    const number = name.startsWith(`${kind}-`)
      ? /^(0|[1-9]\d*)\.img$/.exec(name.slice(kind.length + 1))?.[1]
      : undefined;
    return number !== undefined && BigInt(number) < 2n ** 32n;
  });
const bytesOf = (directory: string, name: string) => fs.readFileSync(path.join(directory, name));
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const hasOwner = ({ pid, signum }: Owner) => pid !== 0 || signum !== 0;
/** CRIU sets it on what is opened again, where the tree has that number. */
const keepsOwner = ({ apply, position, was }: PlanPlaceholder, numbers: ReadonlySet<number>) =>
  (apply === 'APPLY_REOPEN' || position !== 'POSITION_CALLER') && (was.owner.pid === 0 || numbers.has(was.owner.pid));
/** Of tasks, threads, process groups and sessions. */
const numbersOf = (source: string) =>
  new Set(
    readImage(source, 'pstree.img').records.flatMap(({ fields: { pid, pgid, sid, threads } }) =>
      [pid, pgid, sid, ...((threads ?? []) as number[])].map(Number),
    ),
  );
const numberIn = (name: string) => Number(/\d+/.exec(name)?.[0]);

const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const reads = (flags: number) => (flags & O_PATH) === 0 && (flags & 3) !== 1;
const writes = (flags: number) => (flags & O_PATH) === 0 && (flags & 3) !== 0;

/** The plan by itself. */
function checkPlan(source: string, { head, placeholders }: Plan, expect: Expect): void {
  const numbers = numbersOf(source);
  expect(head.format === 3, `the plan has format ${head.format}`);
  expect(head.placeholders === placeholders.length, 'the plan miscounts its placeholders');
  placeholders.forEach((placeholder, i) => {
    const { file_id, spec, caller_fd, was, references } = placeholder;
    const about = `file id ${file_id}:`;
    expect(i === 0 || (placeholders[i - 1] as PlanPlaceholder).file_id < file_id, `${about} out of order in the plan`);
    expect(head.specs[spec]?.caller_fd === caller_fd, `${about} wrong spec`);
    const { mapping, key } = placeholder;
    const fds = references.map(({ descriptor }) => descriptor?.fd ?? -1);
    // A standard descriptor of a terminal that goes in parts is used in its direction alone.
    const isPart = was.type === 'TTY' && key === undefined;
    const needs = mapping
      ? { read: true, write: mapping.writes }
      : {
          read: reads(was.flags) && !(isPart && fds.every((fd) => fd === 1 || fd === 2)),
          write: writes(was.flags) && !(isPart && fds.every((fd) => fd === 0)),
        };
    expect(references.length > 0 !== (mapping !== undefined), `${about} an orphan, or a mapping with descriptors`);
    expect(placeholder.needs_read === needs.read, `${about} wrong need to read`);
    expect(placeholder.needs_write === needs.write, `${about} wrong need to write`);
    expect(placeholder.set_nonblock !== true || (was.flags & O_NONBLOCK) !== 0, `${about} set to O_NONBLOCK`);
    const dropped = head.warnings.some((warning) => warning.code === 'OWNER_DROPPED' && warning.file_id === file_id);
    const lost = mapping === undefined && hasOwner(was.owner) && !keepsOwner(placeholder, numbers);
    expect(dropped === lost, `${about} an owner and no warning, or the reverse`);
  });
  head.specs.forEach(({ matches }, number) => {
    const taken = placeholders.filter(({ spec, mapping }) => spec === number && mapping === undefined).length;
    expect(taken <= matches, `spec ${number} takes ${taken} entries, the plan counts ${matches}`);
  });
}

/** Whoever has a descriptor of a placeholder has credentials in the plan, where the core image says them, and nobody else. */
function checkCredentials(source: string, { head, placeholders }: Plan, expect: Expect): void {
  const planned = new Map(head.credentials.flatMap(({ pids, ...own }) => pids.map((pid) => [pid, own] as const)));
  const count = head.credentials.reduce((sum, { pids }) => sum + pids.length, 0);
  expect(count === planned.size, 'a task has credentials twice in the plan');
  const pids = new Set(
    placeholders.flatMap(({ references }) => references.flatMap(({ descriptor }) => descriptor?.pids ?? [])),
  );
  for (const pid of planned.keys()) expect(pids.has(pid), `task ${pid} has credentials in the plan and no descriptor`);
  for (const pid of pids) {
    const [core] = fs.existsSync(path.join(source, `core-${pid}.img`))
      ? readImage(source, `core-${pid}.img`).records
      : [];
    const creds = (core?.fields.thread_core as Fields | undefined)?.creds as
      | { fsuid: number; fsgid: number; groups?: number[]; cap_eff?: number[] }
      | undefined;
    const [capabilities = 0] = creds?.cap_eff ?? [];
    const expected = creds && {
      uid: creds.fsuid,
      gid: creds.fsgid,
      groups: [...new Set(creds.groups ?? [])].sort((a, b) => a - b),
      overrides_access: (capabilities & 2) !== 0,
      overrides_reading: (capabilities & 4) !== 0,
      ...fileSizeOf(core?.fields),
    };
    const same = isDeepStrictEqual(planned.get(pid), expected);
    expect(same, `task ${pid} has other credentials in the plan`);
  }
}

function fileSizeOf(core: Fields | undefined): { file_size?: unknown } {
  const task = core?.tc as { rlimits?: { rlimits?: { cur: unknown }[] } } | undefined;
  const size = task?.rlimits?.rlimits?.[1]?.cur;
  return size === undefined || BigInt(String(size)) >= 2n ** 63n ? {} : { file_size: size };
}

/** Same files, and only those changed that the plan names, with the digests that it names. */
function checkFiles(source: string, out: string, plan: Plan, expect: Expect): void {
  const files = list(out);
  for (const name of [...list(source), PLAN]) expect(files.includes(name), `${name} is missing in OUT`);
  for (const name of files) expect(name === PLAN || fs.existsSync(path.join(source, name)), `${name} is new in OUT`);
  const changed = new Set(plan.head.images.map(({ name }) => name));
  expect(changed.size === plan.head.images.length, 'the plan names an image twice');
  for (const name of list(source).filter((name) => files.includes(name))) {
    // `parent` is a link to a directory, which need not be there.
    if (fs.statSync(path.join(source, name), { throwIfNoEntry: false })?.isFile() !== true) continue;
    const same = bytesOf(source, name).equals(bytesOf(out, name));
    expect(same !== changed.has(name), `${name} ${same ? 'did not change' : 'changed'}, the plan says otherwise`);
    expect(same || /^(files|fdinfo-\d+|sk-queues|remap-fpath|memfd|tty-info)\.img$/.test(name), `${name} changed`);
  }
  for (const { name, before, after } of plan.head.images) {
    expect(before.toString('hex') === digest(bytesOf(source, name)), `${name}: the digest before is wrong`);
    expect(after.toString('hex') === digest(bytesOf(out, name)), `${name}: the digest after is wrong`);
  }
}

/** The fields of a message as they lie on the wire: number, all bytes, and the bytes of a nested message. */
function wireFields(record: Uint8Array): { number: number; bytes: string; nested: Uint8Array }[] {
  const reader = protobuf.Reader.create(record);
  const fields = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    let nested: Uint8Array = Buffer.alloc(0);
    if ((tag & 7) === 2) nested = reader.bytes();
    else reader.skipType(tag & 7);
    fields.push({ number: tag >>> 3, bytes: hex(record.subarray(start, reader.pos)), nested });
  }
  return fields;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** The fields but those with these numbers. */
const without = (record: Uint8Array, numbers: readonly number[]) =>
  wireFields(record).flatMap(({ number, bytes }) => (numbers.includes(number) ? [] : [bytes]));
const nestedOf = (record: Uint8Array, number: number) =>
  Buffer.concat(wireFields(record).flatMap((field) => (field.number === number ? [field.nested] : [])));

/** Fields of file_entry: the type, the members that it selects, and of these the number of fown. */
const TYPE = 1;
const MEMBERS: { [type: string]: { name: string; number: number; fown: number } } = {
  REG: { name: 'reg', number: 3, fown: 5 },
  PIPE: { name: 'pipe', number: 18, fown: 4 },
  FIFO: { name: 'fifo', number: 17, fown: 0 },
  INETSK: { name: 'isk', number: 4, fown: 13 },
  UNIXSK: { name: 'usk', number: 16, fown: 9 },
  EVENTFD: { name: 'efd', number: 8, fown: 3 },
  INOTIFY: { name: 'ify', number: 13, fown: 4 },
  SIGNALFD: { name: 'sgfd', number: 10, fown: 3 },
  PACKETSK: { name: 'psk', number: 6, fown: 6 },
  NETLINKSK: { name: 'nlsk', number: 7, fown: 11 },
  TIMERFD: { name: 'tfd', number: 12, fown: 3 },
  MEMFD: { name: 'memfd', number: 20, fown: 4 },
  PIDFD: { name: 'pidfd', number: 22, fown: 5 },
  TTY: { name: 'tty', number: 19, fown: 4 },
};
const EXT = { name: 'ext', number: 15, fown: 5 };

/** Compares files.img entry by entry, new ones at its end; returns the types in OUT by file id. */
function checkEntries(source: string, out: string, plan: Plan, replaced: Replaced, expect: Expect): Types {
  const before = readImage(source, 'files.img').records;
  const standIns = new Map(plan.placeholders.map((one) => [one.stand_in, one]));
  const all = readImage(out, 'files.img').records;
  const after = all.filter(({ fields }) => !standIns.has(Number(fields.id)));
  const left = new Set(plan.placeholders.flatMap(({ unnamed, hung_up }) => [...unnamed, ...hung_up]));
  const numbers = numbersOf(source);
  const split = plan.placeholders.filter(({ split_from }) => split_from !== undefined).length;
  expect(before.length + split === after.length, 'files.img has another number of entries');
  const types = new Map<number, string>();
  for (const { fields } of all) if (standIns.has(Number(fields.id))) types.set(Number(fields.id), String(fields.type));
  checkSockets(before, all, plan, expect);
  const ids = before.map(({ fields }) => Number(fields.id));
  const seen = new Set<number>();
  const twiceBefore = new Set(ids.filter((id) => seen.size === seen.add(id).size));
  after.forEach((is, i) => {
    const id = Number(is.fields.id);
    expect(!types.has(id) || twiceBefore.has(id), `file id ${id} is there twice`);
    types.set(id, String(is.fields.type));
    const placeholder = replaced.get(id);
    if (i >= before.length) {
      const origin = before.find(({ fields }) => fields.id === placeholder?.split_from);
      expect(placeholder?.split_from !== undefined, `files.img entry ${i} is new, and not split off`);
      if (origin === undefined || placeholder === undefined) expect(false, `files.img entry ${i} is split off nothing`);
      else checkPlaceholder(origin, is, placeholder, numbers, before, expect);
      return;
    }
    const was = before[i] as Entry;
    if (placeholder === undefined) {
      expect(left.has(id) || was.bytes.equals(is.bytes), `files.img entry ${i} changed`);
    } else {
      expect(placeholder.split_from === undefined, `file id ${id}: split off, and not at the end`);
      checkPlaceholder(was, is, placeholder, numbers, before, expect);
    }
  });
  for (const [id, type] of types) expect(type !== 'EXT' || replaced.has(id), `file id ${id}: an EXT without a plan`);
  for (const { file_id, split_from } of plan.placeholders) {
    expect(types.get(file_id) === 'EXT', `file id ${file_id}: no EXT entry`);
    expect(split_from === undefined || types.has(split_from), `file id ${file_id}: split off an entry that is gone`);
  }
  return types;
}

/** Accepted sockets lose name and file_perms alone, ends of pairs their peer, and they are shut down; a stand-in has id, uflags, state and peer of its own, and comes first. */
function checkSockets(before: readonly Entry[], after: readonly Entry[], plan: Plan, expect: Expect): void {
  const find = (entries: readonly Entry[], id: number) => entries.find(({ fields }) => fields.id === id) as Entry;
  const socketOf = ({ fields }: Entry) => fields.usk as Fields;
  const unnamed = new Set(plan.placeholders.flatMap((one) => one.unnamed));
  const hungUp = new Set(plan.placeholders.flatMap((one) => one.hung_up));
  for (const id of new Set([...unnamed, ...hungUp])) {
    const [was, is] = [find(before, id), find(after, id)];
    const old = socketOf(was);
    const { file_perms, deleted: _, ...own } = old;
    const expected: Fields = {
      ...(unnamed.has(id) ? { ...own, name: Buffer.alloc(0) } : { ...own, ...(file_perms ? { file_perms } : {}) }),
      ...(hungUp.has(id) ? { peer: 0, shutdown: 'BOTH' } : {}),
    };
    expect(isDeepStrictEqual(expected, socketOf(is)), `file id ${id}: another socket than the plan says`);
    expect(String(without(was.bytes, [16])) === String(without(is.bytes, [16])), `file id ${id} changed`);
  }
  for (const { file_id, stand_in, hung_up } of plan.placeholders) {
    const own = before.find(({ fields }) => fields.id === file_id);
    for (const id of hung_up) {
      const [one, other] = [socketOf(own as Entry), socketOf(find(before, id))];
      expect(one.peer === other.ino && other.peer === one.ino, `file id ${id} was no peer of file id ${file_id}`);
      expect(one.type === 1 && other.type === 1, `file id ${id} is no stream socket`);
    }
    if (stand_in === undefined) continue;
    const socket = socketOf(find(after, stand_in));
    const { deleted: _, ...named } = socketOf(find(before, file_id));
    const expected = { ...named, id: stand_in, uflags: 1, state: 7, peer: 0 };
    expect(isDeepStrictEqual(socket, expected), `file id ${stand_in} is no stand-in`);
    const place = after.findIndex(({ fields }) => fields.id === stand_in);
    const client = after.findIndex(({ fields }) => (fields.usk as Fields | undefined)?.peer === socket.ino);
    expect(client > place, `file id ${stand_in} does not come before the first client`);
  }
}

/** Terminals that go: their records in tty-info.img, and that all descriptors of each are the plan's. */
function checkTerminals(source: string, out: string, { placeholders }: Plan, expect: Expect): void {
  const planned = placeholders.filter(({ terminal }) => terminal !== undefined);
  const lost = new Set(placeholders.flatMap(({ lost_terminal }) => lost_terminal ?? []));
  if (planned.length + lost.size === 0) return;
  const byId = new Map(planned.map((one) => [one.terminal?.id, one]));
  const tasks = readImage(source, 'pstree.img').records.map(({ fields }) => fields);
  const after = readImage(out, 'tty-info.img').records;
  const kept = readImage(source, 'tty-info.img').records.filter(({ fields }) => !lost.has(Number(fields.id)));
  expect(kept.length === after.length, 'tty-info.img has other records');
  for (const { fields } of readImage(out, 'files.img').records) {
    const { tty_info_id } = (fields.tty ?? {}) as Fields;
    expect(!lost.has(Number(tty_info_id ?? -1)), `file id ${fields.id} is of a terminal that is gone`);
  }
  kept.forEach((was, i) => {
    const is = after[i] as Entry;
    const placeholder = byId.get(Number(was.fields.id));
    if (placeholder === undefined) {
      expect(was.bytes.equals(is.bytes), `tty-info.img entry ${i} changed`);
      return;
    }
    const { rdev, dev, sid, pgrp, type, pty, uid, gid } = is.fields as { [name: string]: number };
    const key = `tty[${Number(rdev).toString(16)}:${Number(dev).toString(16)}]`;
    expect(key === placeholder.key && String(type) === 'EXT_TTY', `tty-info.img entry ${i}: ${type} ${key}`);
    expect(
      [pty, uid, gid].every((one) => one === undefined),
      `tty-info.img entry ${i} has an owner or a pty`,
    );
    const leads = tasks.some(({ pid }) => pid === was.fields.sid);
    const { id, sid: session, pgrp: foreground } = was.fields;
    expect(isDeepStrictEqual(placeholder.terminal, { id, session, foreground, has_leader: leads }), key);
    const sessionAfter = leads ? [session, foreground] : [0, 0];
    expect(isDeepStrictEqual([sid, pgrp], sessionAfter), `tty-info.img entry ${i}: another session`);
    const others = [2, 6, 7, 8, 12, 13, 14, 15];
    expect(String(without(was.bytes, others)) === String(without(is.bytes, others)), `tty-info.img entry ${i} changed`);
  });
  const entries = readImage(source, 'files.img').records.flatMap(({ fields }) => {
    const terminal = byId.get((fields.tty as Fields | undefined)?.tty_info_id as number);
    return terminal === undefined ? [] : [[Number(fields.id), terminal] as const];
  });
  const held = new Map<number, string[]>(entries.map(([id]) => [id, []]));
  const pids = pidsByTable(source);
  for (const name of numbered(source, 'fdinfo')) {
    for (const { fields } of readImage(source, name).records) {
      const table = numberIn(name);
      const { id, fd, flags } = fields as { id: number; fd: number; flags: number };
      const descriptor = { table, pids: pids.get(table) ?? [], fd, close_on_exec: (flags & 1) !== 0 };
      held.get(id)?.push(describe(descriptor));
    }
  }
  for (const [id, { key, caller_fd }] of entries) {
    const placeholder = planned.find(({ file_id }) => file_id === id);
    const parts = placeholders.filter(({ file_id, split_from }) => file_id === id || split_from === id);
    const told = parts.flatMap(({ references }) =>
      references.flatMap(({ descriptor }) => (descriptor ? [describe(descriptor)] : [])),
    );
    expect(isDeepStrictEqual([...told].sort(), [...(held.get(id) ?? [])].sort()), `file id ${id}: other descriptors`);
    const same = placeholder === undefined || (placeholder.key === key && placeholder.caller_fd === caller_fd);
    expect(same, `file id ${id}: another terminal`);
  }
}

/** Named memfds that tasks have mapped: their records in memfd.img, and the plan's words about the mappings. */
function checkMemfds(source: string, out: string, { placeholders }: Plan, expect: Expect): void {
  const planned = placeholders.filter(({ mapping }) => mapping !== undefined);
  if (planned.length === 0) return;
  const inodeOf = memfdInodes(source);
  const keys = new Map(planned.map(({ file_id, key }) => [String(inodeOf.get(file_id)), key as string]));
  const names: string[] = [];
  const after = readImage(out, 'memfd.img').records;
  readImage(source, 'memfd.img').records.forEach((was, i) => {
    const is = after[i] as Entry;
    const key = keys.get(String(was.fields.inode_id));
    names.push(String(is.fields.name));
    if (key === undefined) {
      expect(was.bytes.equals(is.bytes), `memfd.img entry ${i} changed`);
      return;
    }
    expect(key === `/memfd:${is.fields.name}` && key.length <= 31, `memfd.img entry ${i}: key ${key}`);
    expect(is.fields.hugetlb_flag === 2 ** 25, `memfd.img entry ${i}: CRIU could make it itself`);
    expect(String(without(was.bytes, [1, 8])) === String(without(is.bytes, [1, 8])), `memfd.img entry ${i} changed`);
  });
  expect(new Set(names).size >= keys.size, 'two memfds have one new name');
  for (const { file_id, mapping, key, caller_fd } of planned) {
    expect(keys.get(String(inodeOf.get(file_id))) === key, `file id ${file_id}: another key`);
    const mapped = mappingsOf(source, file_id);
    const [record] = readImage(source, 'memfd.img').records.filter(
      ({ fields }) => String(fields.inode_id) === String(inodeOf.get(file_id)),
    );
    const size = BigInt(String(record?.fields.size));
    const end = mapped.reduce((most, { to }) => (to > most ? to : most), 0n);
    const seen = {
      pids: [...new Set(mapped.map(({ pid }) => pid))].sort((a, b) => a - b),
      bytes: String(end < size ? end : size),
      writes: mapped.some(({ writes: does }) => does),
    };
    expect(isDeepStrictEqual(mapping, seen), `file id ${file_id}: mapped is ${JSON.stringify(seen)}`);
    const others = placeholders.filter((one) => inodeOf.get(originOf(one)) === inodeOf.get(file_id));
    expect(
      others.every((one) => one.caller_fd === caller_fd),
      `file id ${file_id}: parts go to other files`,
    );
  }
  const taken = new Set(planned.map(({ file_id }) => inodeOf.get(file_id)));
  const left = memfdInodes(out);
  for (const name of numbered(out, 'fdinfo')) {
    for (const { fields } of readImage(out, name).records) {
      expect(!taken.has(left.get(Number(fields.id)) ?? 'none'), `${name}: fd ${fields.fd} keeps the old memory`);
    }
  }
}

/** The inode of each entry of a memfd, by its file id. */
function memfdInodes(directory: string): Map<number, unknown> {
  return new Map(
    readImage(directory, 'files.img').records.flatMap(({ fields }) => {
      const memfd = fields.memfd as Fields | undefined;
      return memfd === undefined ? [] : [[Number(fields.id), memfd.inode_id] as const];
    }),
  );
}

/** The mappings of an entry, from the images of address spaces. */
function mappingsOf(source: string, id: number): { pid: number; to: bigint; writes: boolean }[] {
  return numbered(source, 'mm').flatMap((name) => {
    const fields = readImage(source, name).records[0]?.fields;
    return ((fields?.vmas ?? []) as Fields[]).flatMap(({ start, end, pgoff, shmid, status, prot, fdflags }) => {
      if (Number(shmid) !== id || (Number(status) & (1 << 14)) === 0) return [];
      const to = BigInt(String(pgoff)) + BigInt(String(end)) - BigInt(String(start));
      const isShared = (Number(status) & (1 << 7)) !== 0;
      const isWritten = (Number(prot) & 2) !== 0 || (fdflags !== undefined && (Number(fdflags) & 3) !== 0);
      return [{ pid: numberIn(name), to, writes: isShared && isWritten }];
    });
  });
}

interface Entry {
  bytes: Buffer;
  fields: Fields;
}

function checkPlaceholder(
  was: Entry,
  is: Entry,
  placeholder: PlanPlaceholder,
  numbers: ReadonlySet<number>,
  all: readonly Entry[],
  expect: Expect,
): void {
  const { file_id, split_from, was: planned } = placeholder;
  const about = `file id ${file_id}:`;
  const member = MEMBERS[String(was.fields.type)];
  expect(
    was.fields.id === originOf(placeholder) && was.fields.type === planned.type,
    `${about} was no ${planned.type}`,
  );
  expect(member !== undefined, `${about} a ${was.fields.type} cannot be inherited`);
  if (member === undefined) return;

  expect(is.fields.type === 'EXT', `${about} is of type ${is.fields.type}`);
  expect(is.fields[member.name] === undefined, `${about} still has its old member`);
  const rest = (entry: Entry) => String(without(entry.bytes, [TYPE, member.number, EXT.number]));
  if (split_from === undefined) expect(rest(was) === rest(is), `${about} more than type and member changed`);
  else expect(without(is.bytes, [TYPE, 2, EXT.number]).length === 0, `${about} a new entry with more than it needs`);
  expect((is.fields.ext as Fields | undefined)?.id === file_id, `${about} lacks its ext member`);

  const inside = was.fields[member.name] as Fields;
  // A FIFO's flags, path and owner are in a regular entry.
  const path = all.find(({ fields }) => fields.id === (inside.regf_id ?? file_id));
  const old = (was.fields.type === 'FIFO' ? path?.fields.reg : inside) as Fields & { fown: Owner };
  const fown = hex(nestedOf(nestedOf(is.bytes, EXT.number), EXT.fown));
  const fownOf = (entry: Entry, { number, fown: field }: { number: number; fown: number }) =>
    hex(nestedOf(nestedOf(entry.bytes, number), field));
  const kept =
    was.fields.type === 'FIFO' && path !== undefined ? fownOf(path, MEMBERS.REG as typeof member) : fownOf(was, member);
  const noOwner = '08001000180020002800';
  const stays = !hasOwner(old.fown) || keepsOwner(placeholder, numbers);
  expect(fown === (stays ? kept : noOwner), `${about} another owner`);
  expect(JSON.stringify(planned.owner) === JSON.stringify(old.fown), `${about} another owner in the plan`);
  expect(planned.flags === old.flags, `${about} other flags in the plan`);
  expect(planned.pipe_id === inside.pipe_id, `${about} another pipe in the plan`);
  if (was.fields.type === 'FIFO') return;
  // A device has an offset only if the position is the saved one.
  const isDevice = (Number(old.mode ?? 0) & 0o170000) === 0o020000 && placeholder.position !== 'SAVED';
  const none = old.pos === '18446744073709551615' || isDevice;
  expect(planned.offset === (none ? undefined : old.pos), `${about} another offset in the plan`);
}

/** Compares the tables record by record; returns the descriptors of each placeholder. */
function checkDescriptors(source: string, out: string, replaced: Replaced, types: Types, expect: Expect) {
  const pids = pidsByTable(source);
  const held = new Map<number, string[]>();
  for (const name of numbered(source, 'fdinfo')) {
    const before = readImage(source, name).records;
    const after = readImage(out, name).records;
    expect(before.length === after.length, `${name} has another number of descriptors`);
    after.forEach((is, i) => {
      const id = Number(is.fields.id);
      const type = types.get(id);
      expect(type === is.fields.type, `${name} entry ${i}: type ${is.fields.type} for a ${type} entry`);
      const was = before[i];
      if (was === undefined) return;
      const placeholder = replaced.get(id);
      if (placeholder === undefined) {
        expect(was.bytes.equals(is.bytes), `${name} entry ${i} changed`);
        return;
      }
      const may = placeholder.split_from === undefined ? [3] : [1, 3];
      const rest = (entry: Entry) => String(without(entry.bytes, may));
      expect(rest(was) === rest(is), `${name} entry ${i}: more than its type changed`);
      expect(was.fields.id === originOf(placeholder), `${name} entry ${i}: was of another entry`);
      const table = numberIn(name);
      const { fd, flags } = is.fields as { fd: number; flags: number };
      const descriptor = { table, pids: pids.get(table) ?? [], fd, close_on_exec: (flags & 1) !== 0 };
      held.set(id, [...(held.get(id) ?? []), describe(descriptor)]);
    });
  }
  return held;
}

const describe = ({ table, pids, fd, close_on_exec }: PlanDescriptor) =>
  `${table}/${fd} of ${pids}${close_on_exec ? ' closed on exec' : ''}`;

function pidsByTable(directory: string): Map<number, number[]> {
  const tables = new Map<number, number[]>();
  for (const { fields } of readImage(directory, 'pstree.img').records) {
    const name = `ids-${fields.pid}.img`;
    if (!fs.existsSync(path.join(directory, name))) continue;
    const table = Number(readImage(directory, name).records[0]?.fields.files_id);
    // A damaged tree can have a task twice.
    const pids = new Set([...(tables.get(table) ?? []), Number(fields.pid)]);
    tables.set(
      table,
      [...pids].sort((a, b) => a - b),
    );
  }
  return tables;
}

/** The records of an image in which bytes follow each record, as many as its field `length` says. */
function* recordsWithBytes(directory: string, name: string, type: string, length: string) {
  if (!fs.existsSync(path.join(directory, name))) return;
  const image = bytesOf(directory, name);
  let at = image.readUInt32LE(0) === 0x54564319 ? 8 : 4;
  for (let number = 0; at < image.length; number += 1) {
    const end = at + 4 + image.readUInt32LE(at);
    const message = messageType(type);
    const decoded = message.decode(image.subarray(at + 4, end));
    const fields = message.toObject(decoded, { longs: String, arrays: true }) as Fields;
    const next = end + Number(fields[length]);
    yield { number, fields, offset: end, bytes: image.subarray(at + 4, end), extra: image.subarray(end, next) };
    at = next;
  }
}

/** References of the plan and those of OUT: each has the other; and what is neither did not change. */
function checkReferences(
  source: string,
  out: string,
  plan: Plan,
  held: ReadonlyMap<number, string[]>,
  replaced: Replaced,
  types: Types,
  expect: Expect,
): void {
  const rights = new Map<number, string[]>();
  // The packets of a socket that went are gone.
  const gone = (id: unknown) => types.get(Number(id)) === 'EXT';
  const packets = [...recordsWithBytes(source, 'sk-queues.img', 'sk_packet_entry', 'length')].filter(
    ({ fields }) => !gone(fields.id_for),
  );
  const rightsOf = ({ fields }: { fields: Fields }) =>
    (fields.scm as { rights: number[] }[]).flatMap(({ rights }) => rights);
  let number = 0;
  for (const packet of recordsWithBytes(out, 'sk-queues.img', 'sk_packet_entry', 'length')) {
    const before = packets[number];
    expect(before !== undefined, `packet ${number} is new`);
    number += 1;
    if (before === undefined) continue;
    const origins = rightsOf(packet).map((id) => replaced.get(id)?.split_from ?? id);
    expect(String(origins) === String(rightsOf(before)), `packet ${packet.number} holds other rights`);
    expect(packet.extra.equals(before.extra), `packet ${packet.number} has other bytes`);
    expect(
      String(without(packet.bytes, [4])) === String(without(before.bytes, [4])),
      `packet ${packet.number} changed`,
    );
    for (const id of rightsOf(packet)) {
      // A damaged source may hold an id of nothing; it is the same as before then.
      expect(types.has(id) || !replaced.has(id), `packet ${packet.number} holds file id ${id}, which is not there`);
      rights.set(id, [...(rights.get(id) ?? []), `packet ${before.number} for ${packet.fields.id_for}`]);
    }
  }
  expect(number === packets.length, 'packets are missing');
  const same = (a: string[], b: string[] = []) => String([...a].sort()) === String([...b].sort());
  for (const { file_id, references } of plan.placeholders) {
    const descriptors = references.flatMap(({ descriptor }) => (descriptor ? [describe(descriptor)] : []));
    expect(same(descriptors, held.get(file_id)), `file id ${file_id}: other descriptors`);
    const scm = references.flatMap(({ scm_right }) =>
      scm_right ? [`packet ${scm_right.packet} for ${scm_right.socket_id}`] : [],
    );
    expect(same(scm, rights.get(file_id)), `file id ${file_id}: other SCM rights`);
  }
  const [before, after] = [source, out].map((directory) => {
    const held = [...recordsWithBytes(directory, 'sk-queues.img', 'sk_packet_entry', 'length')].flatMap(rightsOf);
    const inTables = numbered(directory, 'fdinfo').flatMap((name) => readImage(directory, name).records);
    return new Set([...held, ...inTables.map(({ fields }) => Number(fields.id))]);
  }) as [Set<number>, Set<number>];
  for (const [id, type] of types) {
    // CRIU looks for the descriptors of each pipe.
    const isLost = (type === 'PIPE' || type === 'FIFO') && before.has(id) && !after.has(id);
    expect(!isLost, `file id ${id}: a pipe that nothing has open any more`);
  }
}

const QUEUES = /^(sk-queues|tcp-stream-[0-9a-f]+)\.img$/;
const pipesOf = (in_flight: PlanPlaceholder['in_flight']) => in_flight.filter(({ image }) => !QUEUES.test(image));

/** All that the queues of a socket held is in the plan, and dropped. */
function checkQueues(source: string, { placeholders }: Plan, expect: Expect): void {
  const packets = [...recordsWithBytes(source, 'sk-queues.img', 'sk_packet_entry', 'length')];
  for (const { file_id, split_from, in_flight } of placeholders) {
    const queues = in_flight.filter(({ image }) => QUEUES.test(image));
    expect(
      queues.every(({ fate }) => fate === 'FATE_DROP'),
      `file id ${file_id}: bytes of a queue are delivered`,
    );
    const planned = queues.flatMap(({ image, offset }) => (image === 'sk-queues.img' ? [Number(offset)] : []));
    const own = packets.flatMap(({ fields, offset }) =>
      fields.id_for === file_id && split_from === undefined ? [offset] : [],
    );
    expect(String(planned) === String(own), `file id ${file_id}: other packets than those of its queue`);
  }
}

/** Bytes in flight of the plan lie where it says, once each; those of a replaced read end are in the plan. */
function checkInFlight(source: string, out: string, plan: Plan, expect: Expect): void {
  const chunks = new Map<string, number>();
  const planned = plan.placeholders.flatMap(({ was, in_flight }) =>
    pipesOf(in_flight).map(
      ({ image, offset, bytes, pipe_size }) => `${image} ${offset} ${bytes} ${pipe_size} ${was.pipe_id}`,
    ),
  );
  const typeOf = (image: string) => (image === 'pipes-data.img' ? 'PIPE' : 'FIFO');
  for (const { was, in_flight } of plan.placeholders) {
    for (const { image } of pipesOf(in_flight))
      expect(was.type === typeOf(image), `bytes of ${image} for a ${was.type}`);
  }
  for (const image of ['pipes-data.img', 'fifo-data.img']) {
    for (const { fields, offset } of recordsWithBytes(source, image, 'pipe_data_entry', 'bytes')) {
      if (fields.bytes !== 0)
        chunks.set(`${image} ${offset} ${fields.bytes} ${fields.size} ${fields.pipe_id}`, Number(fields.pipe_id));
    }
  }
  expect(new Set(planned).size === planned.length, 'bytes in flight are twice in the plan');
  for (const chunk of planned) expect(chunks.has(chunk), `no such bytes in flight: ${chunk}`);
  for (const [chunk, pipe] of chunks) {
    const [image = ''] = chunk.split(' ');
    const readable = plan.placeholders.some(
      ({ was, needs_read }) => was.pipe_id === pipe && was.type === typeOf(image) && needs_read,
    );
    expect(!readable || planned.includes(chunk), `bytes in flight are not in the plan: ${chunk}`);
  }
  const { records } = readImage(out, 'files.img');
  const readers = records.flatMap(({ fields }) => {
    const pipe = fields.pipe as { pipe_id: number; flags: number } | undefined;
    const fifo = fields.fifo as { pipe_id: number } | undefined;
    return [
      ...(pipe !== undefined && reads(pipe.flags) ? [`PIPE ${pipe.pipe_id}`] : []),
      // CRIU fills a FIFO whatever end is there.
      ...(fifo !== undefined ? [`FIFO ${fifo.pipe_id}`] : []),
    ];
  });
  for (const { file_id, was, needs_read, in_flight } of plan.placeholders) {
    for (const { fate, image } of in_flight) {
      const about = `file id ${file_id}: bytes in flight`;
      expect(needs_read, `${about} for what reads nothing`);
      if (fate !== 'FATE_REPLAY') continue;
      expect(!readers.includes(`${was.type} ${was.pipe_id}`), `${about} delivered, and read in the tree too`);
      expect(!fs.lstatSync(path.join(out, image)).isSymbolicLink(), `${about} behind a link`);
    }
  }
}

/** Pipes are as large as the images say, and files are cut to a size or offset that they say. */
function checkSizes(source: string, { placeholders, head }: Plan, expect: Expect): void {
  const sizes = new Map<string, number>();
  for (const [image, type] of [
    ['pipes-data.img', 'PIPE'],
    ['fifo-data.img', 'FIFO'],
  ] as const) {
    for (const { fields } of recordsWithBytes(source, image, 'pipe_data_entry', 'bytes')) {
      const pipe = `${type} ${fields.pipe_id}`;
      const size = Math.max(Number(fields.size ?? 0), sizes.get(pipe) ?? 0);
      if (size > 0) sizes.set(pipe, size);
    }
  }
  const regular = readImage(source, 'files.img').records.flatMap(({ fields }) =>
    fields.reg === undefined || fields.reg === null ? [] : [fields.reg as Fields],
  );
  for (const placeholder of placeholders) {
    const { file_id, was, pipe_size, truncate_to } = placeholder;
    const about = `file id ${file_id}:`;
    expect(pipe_size === sizes.get(`${was.type} ${was.pipe_id}`), `${about} a pipe of another size`);
    if (truncate_to === undefined) continue;
    const own = regular.find(({ id }) => id === originOf(placeholder));
    const same = regular.filter(({ name, mnt_id }) => name === own?.name && mnt_id === own?.mnt_id);
    const isWarned = head.warnings.some((warning) => warning.code === 'CUT_AT_OFFSET' && warning.file_id === file_id);
    const recorded = own?.size === undefined ? same.map(({ size }) => size) : [own.size];
    expect(was.type === 'REG', `${about} cut, and no regular file`);
    expect(
      isWarned ? same.some(({ pos }) => pos === truncate_to) : recorded.includes(truncate_to),
      `${about} cut to a size that is recorded nowhere`,
    );
    expect(!isWarned || own?.size === undefined, `${about} cut at an offset, and the size is recorded`);
  }
}

/** Remaps are gone where their entry is, and only there. */
function checkRemaps(source: string, out: string, types: Types, expect: Expect): void {
  if (!fs.existsSync(path.join(source, 'remap-fpath.img'))) return;
  const before = readImage(source, 'remap-fpath.img').records;
  const after = readImage(out, 'remap-fpath.img').records;
  const kept = before.filter(({ fields }) => types.get(Number(fields.orig_id)) !== 'EXT');
  const bytes = (records: readonly Entry[]) => records.map((record) => hex(record.bytes)).join(' ');
  expect(bytes(kept) === bytes(after), 'other remaps than those of the entries that stay');
}

/** A new id is none that an image of the source has, whoever has it. */
function checkNewIds(source: string, plan: Plan, expect: Expect): void {
  const known = new Set<number>();
  const add = (id: unknown) => known.add(Number(id));
  const records = (name: string) => readImage(source, name).records.map(({ fields }) => fields);
  for (const { id } of records('files.img')) add(id);
  for (const name of numbered(source, 'fdinfo')) for (const { id } of records(name)) add(id);
  for (const name of numbered(source, 'fs')) {
    for (const { cwd_id, root_id } of records(name)) {
      add(cwd_id);
      add(root_id);
    }
  }
  for (const name of numbered(source, 'mm')) {
    for (const { exe_file_id, vmas } of records(name)) {
      add(exe_file_id);
      for (const { shmid, status } of (vmas ?? []) as { shmid: string; status: number }[]) {
        if ((status & (VMA_FILE | VMA_OTHER_FILE)) !== 0) add(shmid);
      }
    }
  }
  for (const { file_id, split_from } of plan.placeholders) {
    expect(split_from === undefined || !known.has(file_id), `file id ${file_id} is new, and not free`);
  }
}

/** No lock is on a descriptor that moved, and the plan knows what an epoll watches. */
function checkNames(out: string, replaced: Replaced, expect: Expect): void {
  const pids = pidsByTable(out);
  const moved = new Map<string, PlanPlaceholder>();
  const epolls = new Map<number, number[]>();
  for (const name of numbered(out, 'fdinfo')) {
    const table = numberIn(name);
    for (const { fields } of readImage(out, name).records) {
      const { id, fd, type } = fields as { id: number; fd: number; type: string };
      const placeholder = replaced.get(id);
      if (type === 'EVENTPOLL') epolls.set(id, [...(epolls.get(id) ?? []), table]);
      if (placeholder === undefined) continue;
      moved.set(`table ${table}/${fd}`, placeholder);
      for (const pid of pids.get(table) ?? []) moved.set(`${pid}/${fd}`, placeholder);
    }
  }
  if (fs.existsSync(path.join(out, 'filelocks.img'))) {
    for (const { fields } of readImage(out, 'filelocks.img').records) {
      expect(!moved.has(`${fields.pid}/${fields.fd}`), `${fields.pid}/${fields.fd} moved, and has a lock`);
    }
  }
  for (const { fields } of readImage(out, 'files.img').records) {
    const epoll = fields.epfd as { tfd?: { tfd: number; inode?: string }[] } | undefined;
    for (const { tfd, inode } of epoll?.tfd ?? []) {
      for (const table of epolls.get(Number(fields.id)) ?? []) {
        const placeholder = moved.get(`table ${table}/${tfd}`);
        if (
          placeholder?.was.pipe_id === undefined ||
          (inode !== undefined && Number(inode) !== placeholder.was.pipe_id)
        )
          continue;
        expect(placeholder.watched === true, `file id ${placeholder.file_id} is watched, and the plan does not say so`);
      }
    }
  }
}

/** Bits of vma_entry.status whose shmid is a file id. */
const VMA_FILE = (1 << 6) | (1 << 7);
const VMA_OTHER_FILE = (1 << 11) | (1 << 14);

/**
 * What names a file id otherwise than as a descriptor still finds what CRIU looks for. A source can be damaged: what it
 * does not have need not be in OUT.
 */
function checkOthers(source: string, out: string, types: Types, expect: Expect): void {
  const typesBefore = new Map(
    readImage(source, 'files.img').records.map(({ fields }) => [Number(fields.id), String(fields.type)]),
  );
  const before = new Set(strayReferences(source, typesBefore));
  for (const stray of strayReferences(out, types)) expect(before.has(stray), stray);
}

/** References to entries of which CRIU needs another type, or which are not there. */
function strayReferences(directory: string, types: Types): string[] {
  const strays: string[] = [];
  const regular = (id: unknown, what: string) => {
    if (types.get(Number(id)) !== 'REG') strays.push(`${what} is no regular file: ${id}`);
  };
  const mappings = (name: string, vmas: readonly Fields[]) => {
    for (const { status, shmid } of vmas as { status: number; shmid: string }[]) {
      if ((status & VMA_OTHER_FILE) !== 0) {
        if (types.get(Number(shmid)) === 'EXT') strays.push(`${name}: ${shmid} is mapped`);
      } else if ((status & VMA_FILE) !== 0) regular(shmid, `${name}: a mapping`);
    }
  };
  const records = (name: string) => readImage(directory, name).records.map(({ fields }) => fields);
  for (const name of numbered(directory, 'fs')) {
    for (const fields of records(name)) {
      regular(fields.cwd_id, `${name}: cwd`);
      regular(fields.root_id, `${name}: root`);
    }
  }
  for (const name of numbered(directory, 'mm')) {
    for (const fields of records(name)) {
      regular(fields.exe_file_id, `${name}: exe`);
      mappings(name, (fields.vmas ?? []) as Fields[]);
    }
  }
  for (const name of numbered(directory, 'vmas')) mappings(name, records(name));
  for (const { fifo, tty } of records('files.img') as { [member: string]: { regf_id?: number } }[]) {
    for (const { regf_id } of [fifo, tty].flatMap((member) => member ?? []))
      if (regf_id !== undefined) regular(regf_id, 'the path of a FIFO or terminal');
  }
  if (!fs.existsSync(path.join(directory, 'remap-fpath.img'))) return strays;
  for (const { orig_id, remap_id, remap_type } of records('remap-fpath.img')) {
    regular(orig_id, 'what has a remap');
    if (remap_type === 'LINKED') regular(remap_id, 'a link remap');
  }
  return strays;
}
