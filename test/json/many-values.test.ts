import test from 'ava';
import { jsonToImage } from '../../src/json/json-to-image';
import { FieldCursor } from '../../src/wire/field-cursor';

/** Strings of a controller, with the bytes that the record had before these were edited. */
const imageWith = (names: readonly string[], wire: Buffer) =>
  JSON.stringify({
    magic: 'CGROUP',
    entries: [{ sets: [], controllers: [{ cnames: names, dirs: [], _wire: wire.toString('base64') }] }],
  });

async function encode(json: string): Promise<Buffer> {
  const [chunks, text]: [Buffer[], Buffer] = [[], Buffer.from(json)];
  let at = 0;
  const read = async (into: Uint8Array, start: number, length: number) => {
    const got = text.copy(into, start, at, at + length);
    at += got;
    return got;
  };
  await jsonToImage({ read }, 'cgroup.json', { write: async (bytes) => void chunks.push(Buffer.from(bytes)) });
  return Buffer.concat(chunks);
}

const field = (payload: Buffer) => Buffer.concat([Buffer.from([0x0a, payload.length]), payload]);

test('a field that was edited can have any number of values', async (t) => {
  const names = Array.from({ length: 1_000_000 }, (_none, i) => `c${i}`);
  const image = await encode(imageWith(names, field(Buffer.from('a'))));
  t.true(image.includes(Buffer.concat(names.map((name) => field(Buffer.from(name))))));
});

test.serial('values that were edited are compared with all that were there at once', async (t) => {
  const { next } = FieldCursor.prototype;
  let steps = 0;
  FieldCursor.prototype.next = function count() {
    steps += 1;
    return next.call(this);
  };
  t.teardown(() => {
    FieldCursor.prototype.next = next;
  });
  const length = 2000;
  const wire = Buffer.concat([
    ...Array.from({ length }, (_none, i) => field(Buffer.from(`c${i}`))),
    field(Buffer.from([0xff])),
  ]);
  const names = Array.from({ length }, (_none, i) => (i === 0 ? 'c1' : `\\x0${i % 8}${i}`));
  const image = await encode(imageWith(names, wire));
  // One that was there as text stays so; others may have escapes, since one of the old ones was no text.
  t.true(image.includes(field(Buffer.from('c1'))));
  t.true(image.includes(field(Buffer.from('\x011'))));
  t.true(steps < 50 * length, `${steps} steps`);
});
