import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { IMAGE_KINDS } from '../../src/frames/image-kinds';
import { toImage, toJson } from '../support/conversions';
import { atDepth } from '../support/depth';
import { hasKey, type Json, parseExactly, stringifyExactly, without } from '../support/exact-json';
import { ALL_IMAGES, messageOfNumbers, messageType } from '../support/images';
import { holds } from '../support/properties';
import { bytesOf, type Part, randomImages } from '../support/random-images';
import { encode, encodeOddly, fieldsByNumber, isName, Random, seeds } from '../support/random-messages';

const RUNS = atDepth(4, 12);

test('the tests know every image', (t) => {
  t.deepEqual(
    ALL_IMAGES.map(({ kind, magic, message }) => `${kind} ${magic} ${message}`).sort(),
    IMAGE_KINDS.map(({ name, magic, message }) => `${name} ${magic} ${message}`).sort(),
  );
});

/** The bytes of a name, as Python's quopri decodes it. */
function nameOf(text: string): Buffer {
  const flat = text.replace(/=\r?\n/g, '');
  return Buffer.from(
    flat.replace(/=([\dA-F]{2})/g, (_all, digits) => String.fromCharCode(Number.parseInt(digits, 16))),
    'latin1',
  );
}

const lines = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,76}/g, '$&\n');

/** What crit's JSON has for a message that protobufjs decoded. `json`: what there is, of which names keep their form. */
function expectedOf(type: protobuf.Type, decoded: protobuf.Message, json: Json): Json {
  const values = decoded as unknown as { [field: string]: unknown };
  const found = (json ?? {}) as { [key: string]: Json };
  const isThere = (name: string) => Object.hasOwn(values, name);
  const renames = type.name === 'pagemap_entry' && !isThere('nr_pages');
  const entries = fieldsByNumber(type).flatMap((field): [string, Json][] => {
    if (!isThere(field.name) || (field.repeated && (values[field.name] as unknown[]).length === 0)) return [];
    const key = renames && field.name === 'compat_nr_pages' ? 'nr_pages' : field.name;
    const value = values[field.name];
    if (!field.repeated) return [[key, expectedValue(field, value, found[key] as Json)]];
    const row = (found[key] ?? []) as Json[];
    return [[key, (value as unknown[]).map((each, i) => expectedValue(field, each, row[i] as Json))]];
  });
  return Object.fromEntries(entries);
}

function expectedValue(field: protobuf.Field, value: unknown, json: Json): Json {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return expectedOf(resolvedType, value as protobuf.Message, json);
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[value as number] ?? BigInt(value as number);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (!(value instanceof Uint8Array)) return BigInt(String(value));
  if (!isName(field)) return lines(value);
  return nameOf(json as string).equals(value) ? json : `not ${Buffer.from(value).toString('hex')}`;
}

/** The records among the entries of a JSON and in their extras, in the order in which they lie in the image. */
function recordsIn(json: Json): Json[] {
  const { entries } = json as { entries: { [key: string]: Json }[] };
  return entries.flatMap(({ extra, ...entry }) => {
    const isQueue = Array.isArray(extra) && typeof extra[0] === 'object';
    return [entry as Json, ...(isQueue ? extra.filter((_each, i) => i % 2 === 0) : [])];
  });
}

function sameAsProtobufjs(parts: readonly Part[], types: readonly string[], json: Json): void {
  const records = recordsIn(json);
  assert.equal(records.length, parts.length);
  parts.forEach(({ message }, i) => {
    const type = messageType(types[i] as string);
    const decoded = messageOfNumbers(type.name).decode(encode(type.name, message));
    assert.deepEqual(records[i], expectedOf(type, decoded, records[i] as Json));
  });
}

for (const image of ALL_IMAGES) {
  test(`${image.kind}: what an encoder writes comes back, and says what protobufjs says`, async (t) => {
    await holds(
      t,
      fc.asyncProperty(randomImages(image, { anyBytes: false }), seeds, async (made, seed) => {
        const random = new Random(seed);
        const bytes = bytesOf(made);
        const plain = await toJson(bytes, { random });
        const json = parseExactly(plain);
        JSON.parse(plain);
        for (const key of ['_wire', '_head', '_tail']) assert.equal(hasKey(key, json), false, key);
        sameAsProtobufjs(
          made.parts,
          made.parts.map(({ type }) => type),
          json,
        );
        assert.deepEqual(await toImage(plain, random), bytes);
        const pretty = await toJson(bytes, { random, pretty: true });
        assert.equal(hasKey('_wire', parseExactly(pretty)), false);
        assert.deepEqual(await toImage(pretty, random), bytes);
      }),
      RUNS,
    );
  });

  test(`${image.kind}: what no encoder writes comes back, and is what an encoder writes without _wire`, async (t) => {
    await holds(
      t,
      fc.asyncProperty(randomImages(image, { anyBytes: false }), seeds, async (made, seed) => {
        const random = new Random(seed);
        const bytes = bytesOf(made, (type, message) => encodeOddly(type, message, random));
        for (const pretty of [false, true]) {
          const text = await toJson(bytes, { random, pretty });
          const json = parseExactly(text);
          assert.deepEqual(await toImage(text, random), bytes);
          assert.deepEqual(await toImage(stringifyExactly(without('_wire', json)), random), bytesOf(made));
        }
      }),
      RUNS,
    );
  });

  test(`${image.kind}: strings that are no text and any names come back`, async (t) => {
    await holds(
      t,
      fc.asyncProperty(randomImages(image, { anyBytes: true }), seeds, fc.boolean(), async (made, seed, isOdd) => {
        const random = new Random(seed);
        const bytes = isOdd ? bytesOf(made, (type, message) => encodeOddly(type, message, random)) : bytesOf(made);
        for (const pretty of [false, true]) {
          const text = await toJson(bytes, { random, pretty });
          assert.deepEqual(await toImage(text, random), bytes);
          const sorted = stringifyExactly(parseExactly(text), true);
          assert.deepEqual(await toImage(sorted, random), bytes);
        }
      }),
      RUNS,
    );
  });
}
