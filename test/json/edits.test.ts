import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { toImage, toJson } from '../support/conversions';
import { hasKey, type Json, parseExactly, stringifyExactly, without } from '../support/exact-json';
import { ALL_IMAGES, encodeMessage, imageOf, messageType, uint32 } from '../support/images';
import { holds } from '../support/properties';
import { bytesOf, headOf, KINDS_WITH_EXTRAS, randomImages } from '../support/random-images';
import {
  encode,
  encodeOddly,
  fieldsByNumber,
  isName,
  type Message,
  Random,
  read,
  seeds,
  type Value,
  varint,
  wireFields,
} from '../support/random-messages';

type Members = { [key: string]: Json };

/** A message in an image: what it means and what the JSON has, both to be edited. */
interface Place {
  readonly type: string;
  readonly message: Message;
  readonly json: Members;
  /** How to get there: fields, with an index in those that are repeated. */
  readonly path: readonly (readonly [number: number, index: number | undefined])[];
}

/** The record and all messages in it. */
function placesIn(type: string, message: Message, json: Members, path: Place['path'] = []): Place[] {
  const inner = fieldsByNumber(messageType(type)).flatMap((field): Place[] => {
    const value = message[field.name];
    if (value === undefined || !(field.resolvedType instanceof protobuf.Type)) return [];
    const { name } = field.resolvedType;
    if (!field.repeated) {
      return placesIn(name, value as Message, json[field.name] as Members, [...path, [field.id, undefined]]);
    }
    const row = json[field.name] as Members[];
    return (value as Message[]).flatMap((each, i) => placesIn(name, each, row[i] as Members, [...path, [field.id, i]]));
  });
  return [{ type, message, json, path }, ...inner];
}

const keyOf = ({ type, message }: Place, field: protobuf.Field) =>
  type === 'pagemap_entry' && field.name === 'compat_nr_pages' && message.nr_pages === undefined
    ? 'nr_pages'
    : field.name;

/** Another value for a field, as it is and as JSON. */
function otherValue(field: protobuf.Field, old: Value, random: Random): [Value, Json] {
  if (typeof old === 'boolean') return [!old, !old];
  if (Buffer.isBuffer(old)) {
    const text = `/edited ${random.below(1000)} é`;
    const bytes = Buffer.from(text, 'utf8');
    return [
      bytes,
      field.type === 'string' || isName(field)
        ? text.replace('é', isName(field) ? '=C3=A9' : 'é')
        : bytes.toString('base64'),
    ];
  }
  const candidates = field.resolvedType instanceof protobuf.Enum ? [0n, 1n, 2n] : [0n, 1n, 127n, 128n, 2n ** 31n - 1n];
  const others = candidates.filter((value) => value !== old);
  const value = others[random.below(others.length)] as bigint;
  return [value, value];
}

/** The last field on the path may change in any way. All around it has to be what it was, byte for byte. */
function sameAround(before: Buffer, after: Buffer, path: Place['path'], edited: number): void {
  const [step, ...rest] = path;
  const number = step?.[0] ?? edited;
  const others = (bytes: Buffer) =>
    wireFields(bytes)
      .filter((field) => field.number !== number)
      .map((field) => field.bytes.toString('hex'));
  assert.deepEqual(others(after), others(before));
  if (step === undefined) return;
  const [old, now] = [before, after].map((bytes) => wireFields(bytes).filter((field) => field.number === number));
  if (old === undefined || now === undefined) return;
  const index = step[1];
  // A message in several chunks becomes one where it is edited.
  if (index === undefined && old.length > 1) return;
  assert.equal(now.length, old.length);
  const at = index ?? 0;
  old.forEach((field, i) => {
    if (i !== at) assert.deepEqual(now[i]?.bytes, field.bytes);
  });
  sameAround(old[at]?.value as Buffer, now[at]?.value as Buffer, rest, edited);
}

/** Edits a list of the JSON and the list of what it means in the same way. */
function editList(values: Value[], row: Json[], random: Random): void {
  const at = random.below(values.length);
  switch (random.below(4)) {
    case 0:
      values.splice(at, 1);
      row.splice(at, 1);
      return;
    case 1:
      values.reverse();
      row.reverse();
      return;
    case 2: {
      const to = random.below(values.length + 1);
      values.splice(to, 0, values[at] as Value);
      row.splice(to, 0, row[at] as Json);
      return;
    }
    default:
      values.push(values[at] as Value);
      row.push(row[at] as Json);
  }
}

/** Makes one edit; gives the number of the field, undefined where there is nothing to edit. */
function editOne(place: Place, random: Random): number | undefined {
  const { type, message, json } = place;
  const fields = fieldsByNumber(messageType(type));
  const there = fields.filter(({ name }) => message[name] !== undefined);
  const field = there[random.below(there.length)];
  if (field === undefined) return undefined;
  const key = keyOf(place, field);
  if (random.chance(30) && !field.required && !field.repeated && key === field.name && key !== 'nr_pages') {
    delete message[field.name];
    delete json[key];
    return field.id;
  }
  if (field.repeated) {
    const values = message[field.name] as Value[];
    const row = json[key] as Json[];
    if (random.chance(50) && !(field.resolvedType instanceof protobuf.Type)) {
      const at = random.below(values.length);
      [values[at], row[at]] = otherValue(field, values[at] as Value, random);
    } else editList(values, row, random);
    if (values.length === 0) delete message[field.name];
    return field.id;
  }
  if (field.resolvedType instanceof protobuf.Type) return undefined;
  [message[field.name], json[key]] = otherValue(field, message[field.name] as Value, random);
  return field.id;
}

const recordsIn = (image: Buffer, headBytes: number) => {
  const records: Buffer[] = [];
  for (let at = headBytes; at < image.length; ) {
    const end = at + 4 + image.readUInt32LE(at);
    records.push(image.subarray(at + 4, end));
    at = end;
  }
  return records;
};

for (const image of ALL_IMAGES.filter(({ kind }) => !KINDS_WITH_EXTRAS.includes(kind))) {
  test(`${image.kind}: an edit changes its field and nothing else`, async (t) => {
    const inputs = fc.tuple(
      fc.oneof(...[false, true].map((anyBytes) => randomImages(image, { anyBytes }))),
      seeds,
      fc.boolean(),
    );
    await holds(
      t,
      fc.asyncProperty(inputs, async ([made, seed, isOdd]) => {
        const random = new Random(seed);
        const odd = (type: string, message: Message) => encodeOddly(type, message, random);
        const before = bytesOf(made, isOdd ? odd : encode);
        const json = parseExactly(await toJson(before)) as { entries: Members[] };
        const index = random.below(made.parts.length);
        const { type, message } = made.parts[index] as (typeof made.parts)[number];
        const meant = structuredClone(message);
        restoreBuffers(meant);
        const places = placesIn(type, meant, json.entries[index] as Members);
        const place = places[random.below(places.length)] as Place;
        const edited = editOne(place, random);
        if (edited === undefined) return;
        const after = await toImage(stringifyExactly(json));
        const head = headOf(image).length;
        const [old, now] = [recordsIn(before, head), recordsIn(after, head)];
        assert.equal(now.length, old.length);
        old.forEach((record, i) => {
          if (i !== index) assert.deepEqual(now[i], record);
        });
        const record = now[index] as Buffer;
        assert.deepEqual(encode(type, read(type, record)), encode(type, meant));
        if (!isOdd && !hasKey('_wire', json)) assert.deepEqual(record, encode(type, meant));
        sameAround(old[index] as Buffer, record, place.path, edited);
      }),
      15,
    );
  });
}

/** structuredClone makes of a Buffer a plain array. */
function restoreBuffers(value: Message | Value[]): void {
  for (const [key, each] of Object.entries(value)) {
    if (ArrayBuffer.isView(each)) (value as Message)[key] = Buffer.from(each as Uint8Array);
    else if (typeof each === 'object') restoreBuffers(each as Message);
  }
}

const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
const regular = (name: string, more: object = {}) =>
  encodeMessage('file_entry', { type: 'REG', id: 3, reg: { id: 3, flags: 1, pos: 5, fown: FOWN, name, ...more } });

const filesOf = (...records: Buffer[]) =>
  Buffer.concat([headOf(imageOf('FILES')), ...records.flatMap((record) => [uint32(record.length), record])]);

/** The first entry of a files.img after an edit of its JSON. */
async function edited(record: Buffer, edit: (reg: Members, entry: Members) => void): Promise<Message> {
  const json = parseExactly(await toJson(filesOf(record))) as { entries: Members[] };
  const entry = json.entries[0] as Members;
  edit(entry.reg as Members, entry);
  const [now] = recordsIn(await toImage(stringifyExactly(json)), headOf(imageOf('FILES')).length);
  return read('file_entry', now as Buffer);
}

/** A record whose path, /dirty, becomes bytes that are no text. */
const withBadName = (name: string) => {
  const record = regular('/dirty');
  Buffer.from(name, 'latin1').copy(record, record.indexOf('/dirty'));
  return record;
};

const framed = (record: Buffer) => Buffer.concat([uint32(record.length), record]);

const nameIn = (entry: Message) => ((entry.reg as Message).name as Buffer).toString('latin1');

test('a path that is no text is edited with \\xHH, and only such a one', async (t) => {
  const bad = withBadName('/di\xffty');
  const json = parseExactly(await toJson(filesOf(bad))) as { entries: { reg: Members }[] };
  t.is(json.entries[0]?.reg.name, '/di\\xffty');
  const bytes = await edited(bad, (reg) => {
    reg.name = '/new\\xfe\\x41 é';
  });
  t.is(nameIn(bytes), '/new\xfeA \xc3\xa9');
  const still = await edited(bad, (reg) => {
    reg.pos = 7n;
  });
  t.is(nameIn(still), '/di\xffty');
  t.is((still.reg as Message).pos, 7n);
  const text = await edited(regular('/\\x41'), (reg) => {
    reg.name = '/\\x42';
  });
  t.is(nameIn(text), '/\\x42');
  const plain = await edited(bad, (_reg, entry) => {
    entry.reg = without('_wire', entry.reg as Json);
  });
  t.is(nameIn(plain), '/di\\xffty');
});

test('in a list with a string that is no text, the others stay what they are', async (t) => {
  const names = ['\\x', '\\x41', '\xff', 'b'].map((name) => Buffer.from(name, 'latin1'));
  const inventory = (plugins: Buffer[]) => encode('inventory_entry', { img_version: 1n, plugins_entry: { plugins } });
  const image = (plugins: Buffer[]) => Buffer.concat([headOf(imageOf('INVENTORY')), framed(inventory(plugins))]);
  const json = parseExactly(await toJson(image(names))) as { entries: { plugins_entry: Members }[] };
  const list = json.entries[0]?.plugins_entry.plugins as Json[];
  t.deepEqual(list, ['\\x', '\\x41', '\\xff', 'b']);
  list.reverse();
  list.push('\\xfe');
  const expected = [...names].reverse().concat(Buffer.from([0xfe]));
  t.deepEqual(await toImage(stringifyExactly(json)), image(expected));
});

test('unknown fields and longer numbers around an edit stay', async (t) => {
  const reg = Buffer.concat([
    Buffer.from([0x88, 0x00, 3, 0x10]),
    varint(0o2001n, 3),
    Buffer.from([0x18, 5]),
    Buffer.from([0x2a, 10, 8, 0, 16, 0, 24, 0, 32, 0, 40, 0]),
    Buffer.from([0x32, 2, 0x2f, 0x61, 0xfa, 0x3e, 1, 9, 0x40, 6]),
  ]);
  const record = Buffer.concat([Buffer.from([8, 1, 0x10, 3, 0x1a, reg.length]), reg]);
  const image = filesOf(record);
  const json = parseExactly(await toJson(image)) as { entries: { reg: Members }[] };
  t.truthy(json.entries[0]?.reg._wire);
  (json.entries[0]?.reg as Members).pos = 0n;
  const after = await toImage(stringifyExactly(json));
  const expected = Buffer.from(image);
  expected[image.indexOf(Buffer.from([0x18, 5])) + 1] = 0;
  t.deepEqual(after, expected);
});

test('a key that goes leaves the field out, a new one comes in the order of an encoder', async (t) => {
  const record = regular('/a', { mnt_id: 4, size: 9, mode: 0o100644 });
  const json = parseExactly(await toJson(filesOf(record))) as { entries: { reg: Members }[] };
  const reg = json.entries[0]?.reg as Members;
  delete reg.size;
  reg.ext = true;
  t.deepEqual(await toImage(stringifyExactly(json)), filesOf(regular('/a', { mnt_id: 4, ext: true, mode: 0o100644 })));
});

test('entries are taken out, put in and moved', async (t) => {
  const records = ['/a', '/b', '/c'].map((name) => regular(name));
  const json = parseExactly(await toJson(filesOf(...records))) as { entries: Json[] };
  const [a, b, c] = json.entries as [Json, Json, Json];
  const again = async (...entries: Json[]) => toImage(stringifyExactly({ ...json, entries }));
  const [recordA, recordB, recordC] = records as [Buffer, Buffer, Buffer];
  t.deepEqual(await again(c, a), filesOf(recordC, recordA));
  t.deepEqual(await again(b, b, a, c), filesOf(recordB, recordB, recordA, recordC));
  t.deepEqual(await again(), filesOf());
});

test('what an extra has is edited with the number that counts it', async (t) => {
  const pipe = (bytes: Buffer) => {
    const record = encodeMessage('pipe_data_entry', { pipe_id: 1, bytes: bytes.length, size: 65536 });
    return Buffer.concat([headOf(imageOf('PIPES_DATA')), uint32(record.length), record, bytes]);
  };
  const json = parseExactly(await toJson(pipe(Buffer.from('abc')))) as { entries: Members[] };
  const entry = json.entries[0] as Members;
  entry.extra = Buffer.from('longer').toString('base64');
  entry.bytes = 6n;
  t.deepEqual(await toImage(stringifyExactly(json)), pipe(Buffer.from('longer')));
  entry.bytes = 0n;
  delete entry.extra;
  t.deepEqual(await toImage(stringifyExactly(json)), pipe(Buffer.alloc(0)));
});

test('what --pretty shows is edited as it is shown', async (t) => {
  const vma = { start: 0x1000n, end: 0x2000n, pgoff: 0, shmid: 0, prot: 1, flags: 2, status: 1, fd: -1 };
  const record = encodeMessage('vma_entry', { ...vma, start: 4096, end: 8192 });
  const image = Buffer.concat([headOf(imageOf('VMAS')), uint32(record.length), record]);
  const json = parseExactly(await toJson(image, { pretty: true })) as { entries: Members[] };
  const entry = json.entries[0] as Members;
  t.like(entry, { start: '0x1000', prot: 'PROT_READ', flags: 'MAP_PRIVATE', status: 'VMA_AREA_REGULAR' });
  Object.assign(entry, {
    start: '0xffffffffffffffff',
    prot: 'PROT_WRITE|PROT_EXEC',
    flags: 'MAP_ANON | 0x40000000 | 1',
    status: '',
    pgoff: '17',
    end: 3n,
  });
  const [now] = recordsIn(await toImage(stringifyExactly(json)), headOf(imageOf('VMAS')).length);
  const meant = { start: 2n ** 64n - 1n, end: 3n, pgoff: 17n, prot: 6n, flags: 0x40000021n, status: 0n, fd: -1n };
  t.like(read('vma_entry', now as Buffer), meant);
});

test('the numbers and names of page maps of any age are edited', async (t) => {
  const map = (fields: object) => {
    const records = [encodeMessage('pagemap_head', { pages_id: 1 }), encodeMessage('pagemap_entry', fields)];
    return Buffer.concat([headOf(imageOf('PAGEMAP')), ...records.flatMap((each) => [uint32(each.length), each])]);
  };
  const older = parseExactly(await toJson(map({ vaddr: 4096, compat_nr_pages: 7 }))) as { entries: Members[] };
  t.deepEqual(older.entries[1], { vaddr: 4096n, nr_pages: 7n });
  (older.entries[1] as Members).nr_pages = 2n ** 32n - 1n;
  t.deepEqual(await toImage(stringifyExactly(older)), map({ vaddr: 4096, compat_nr_pages: 2 ** 32 - 1 }));
  for (const most of [2n ** 32n, 2n ** 35n - 1n, 2n ** 35n]) {
    (older.entries[1] as Members).nr_pages = most;
    await t.throwsAsync(toImage(stringifyExactly(older)), { code: 'JSON_MALFORMED' }, `${most}`);
  }
  const newer = { vaddr: 4096, compat_nr_pages: 0, nr_pages: 9 };
  const json = parseExactly(await toJson(map(newer))) as { entries: Members[] };
  t.deepEqual(json.entries[1], { vaddr: 4096n, compat_nr_pages: 0n, nr_pages: 9n });
  t.deepEqual(await toImage(stringifyExactly(json)), map(newer));
});
