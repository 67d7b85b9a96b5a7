/**
 * Compares a rewritten folder with its source and with its plan. Shares no code with src/: images are
 * read by protobufjs and the schemas.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type DecodedRecord, messageType, readImage } from './images';

const PLAN = 'inherit-plan.img';

interface PlanDescriptor {
  table: number;
  pids: number[];
  fd: number;
  close_on_exec: boolean;
}
interface PlanPlaceholder {
  file_id: number;
  caller_fd: number;
  spec: number;
  was: { type: string };
  references: { descriptor?: PlanDescriptor; scm_right?: object }[];
}
interface Plan {
  head: {
    placeholders: number;
    images: { name: string; before: Buffer; after: Buffer }[];
    specs: { caller_fd: number }[];
  };
  placeholders: PlanPlaceholder[];
}

/** The plan of a folder, as protobufjs reads it. */
export function readPlan(folder: string): Plan {
  const bytes = fs.readFileSync(path.join(folder, PLAN));
  if (bytes.readUInt32LE(0) !== 0x54564319 || bytes.subarray(4, 8).toString() !== 'FDGP') throw new Error('no plan');
  const records: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
    records.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)));
  }
  const decode = (type: string, record: Buffer) => {
    const message = messageType(type);
    return message.toObject(message.decode(record), { enums: String, longs: Number, arrays: true });
  };
  const [head, ...placeholders] = records;
  return {
    head: decode('fdgraft.plan_head', head as Buffer) as Plan['head'],
    placeholders: placeholders.map((record) => decode('fdgraft.plan_placeholder', record) as PlanPlaceholder),
  };
}

const list = (folder: string) => fs.readdirSync(folder).sort();
const bytesOf = (folder: string, name: string) => fs.readFileSync(path.join(folder, name));
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const tablesOf = (folder: string) => list(folder).filter((name) => /^fdinfo-\d+\.img$/.test(name));
const tableNumber = (name: string) => Number(/\d+/.exec(name)?.[0]);

/** What is wrong with OUT as a rewrite of the source, a line each; nothing where all is right. */
export function checkRewritten(source: string, out: string): string[] {
  const problems: string[] = [];
  const expect = (right: boolean, what: string) => {
    if (!right) problems.push(what);
  };
  const plan = readPlan(out);
  const replaced = new Map(plan.placeholders.map((placeholder) => [placeholder.file_id, placeholder]));

  expect(
    String(list(out)) === String([...list(source), PLAN].sort()),
    'OUT has other files than the source and a plan',
  );
  expect(plan.head.placeholders === plan.placeholders.length, 'the plan miscounts its placeholders');
  const changed = new Set(plan.head.images.map(({ name }) => name));
  for (const name of list(source)) {
    if (!fs.lstatSync(path.join(source, name)).isFile()) continue;
    const same = bytesOf(source, name).equals(bytesOf(out, name));
    expect(same !== changed.has(name), `${name} ${same ? 'did not change' : 'changed'}, the plan says otherwise`);
    expect(same || /^(files|fdinfo-\d+)\.img$/.test(name), `${name} changed`);
  }
  for (const { name, before, after } of plan.head.images) {
    expect(before.toString('hex') === digest(bytesOf(source, name)), `${name}: the digest before is wrong`);
    expect(after.toString('hex') === digest(bytesOf(out, name)), `${name}: the digest after is wrong`);
  }

  const types = checkEntries(source, out, replaced, expect);
  const held = checkDescriptors(source, out, replaced, types, expect);
  for (const placeholder of plan.placeholders) {
    const { file_id, references } = placeholder;
    const planned = references.flatMap(({ descriptor }) => (descriptor === undefined ? [] : [describe(descriptor)]));
    expect(
      String(planned.sort()) === String((held.get(file_id) ?? []).sort()),
      `file id ${file_id}: other descriptors`,
    );
    expect(references.length > 0, `file id ${file_id}: an orphan`);
    expect(plan.head.specs[placeholder.spec]?.caller_fd === placeholder.caller_fd, `file id ${file_id}: wrong spec`);
  }
  checkPaths(out, types, expect);
  return problems;
}

type Expect = (right: boolean, what: string) => void;

/** Compares files.img entry by entry; returns the types in OUT by file id. */
function checkEntries(source: string, out: string, replaced: Map<number, PlanPlaceholder>, expect: Expect) {
  const before = readImage(source, 'files.img').records;
  const after = readImage(out, 'files.img').records;
  expect(before.length === after.length, 'files.img has another number of entries');
  const types = new Map<number, string>();
  before.forEach((was, i) => {
    const is = after[i] as DecodedRecord;
    const id = Number(was.fields.id);
    types.set(id, String(is.fields.type));
    const placeholder = replaced.get(id);
    if (placeholder === undefined) {
      expect(was.bytes.equals(is.bytes), `files.img entry ${i} changed`);
      return;
    }
    expect(is.fields.type === 'EXT' && Number(is.fields.id) === id, `files.img entry ${i} is no placeholder`);
    expect(was.fields.type === placeholder.was.type, `file id ${id} was no ${placeholder.was.type}`);
    expect((is.fields.ext as { id: number } | undefined)?.id === id, `file id ${id} lacks its ext member`);
    expect(is.fields.reg === undefined && is.fields.pipe === undefined, `file id ${id} still has its old member`);
  });
  for (const [id, type] of types)
    expect(type !== 'EXT' || replaced.has(id), `file id ${id}: an EXT entry without a plan`);
  return types;
}

/** Compares the tables record by record; returns the descriptors of each placeholder. */
function checkDescriptors(
  source: string,
  out: string,
  replaced: Map<number, PlanPlaceholder>,
  types: Map<number, string>,
  expect: Expect,
) {
  const pids = pidsByTable(source);
  const held = new Map<number, string[]>();
  for (const name of tablesOf(source)) {
    const before = readImage(source, name).records;
    const after = readImage(out, name).records;
    expect(before.length === after.length, `${name} has another number of descriptors`);
    before.forEach((was, i) => {
      const is = after[i] as DecodedRecord;
      const id = Number(was.fields.id);
      expect(
        types.get(id) === is.fields.type,
        `${name} entry ${i}: type ${is.fields.type} for a ${types.get(id)} entry`,
      );
      if (!replaced.has(id)) expect(was.bytes.equals(is.bytes), `${name} entry ${i} changed`);
      else {
        const rest = (record: DecodedRecord) => JSON.stringify({ ...record.fields, type: '' });
        expect(rest(was) === rest(is), `${name} entry ${i}: more than its type changed`);
        const table = tableNumber(name);
        const descriptor = {
          table,
          pids: pids.get(table) ?? [],
          fd: Number(is.fields.fd),
          close_on_exec: Number(is.fields.flags) === 1,
        };
        held.set(id, [...(held.get(id) ?? []), describe(descriptor)]);
      }
    });
  }
  return held;
}

const describe = ({ table, pids, fd, close_on_exec }: PlanDescriptor) => `${table}/${fd} of ${pids} ${close_on_exec}`;

function pidsByTable(folder: string): Map<number, number[]> {
  const tables = new Map<number, number[]>();
  for (const { fields } of readImage(folder, 'pstree.img').records) {
    const name = `ids-${fields.pid}.img`;
    if (!fs.existsSync(path.join(folder, name))) continue;
    const table = Number(readImage(folder, name).records[0]?.fields.files_id);
    tables.set(
      table,
      [...(tables.get(table) ?? []), Number(fields.pid)].sort((a, b) => a - b),
    );
  }
  return tables;
}

/** Working folders, roots and executables are still regular files. */
function checkPaths(out: string, types: Map<number, string>, expect: Expect) {
  for (const name of list(out)) {
    const ids = /^fs-\d+\.img$/.test(name) ? ['cwd_id', 'root_id'] : /^mm-\d+\.img$/.test(name) ? ['exe_file_id'] : [];
    if (ids.length === 0) continue;
    for (const { fields } of readImage(out, name).records) {
      for (const id of ids) expect(types.get(Number(fields[id])) === 'REG', `${name}: ${id} is no regular file`);
    }
  }
}
