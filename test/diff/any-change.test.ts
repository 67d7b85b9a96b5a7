/** Whatever is rewritten, one field that anybody changes in OUT is a difference that the plan does not explain. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { diff, FdgraftError, openSource, rewrite } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import { type Images, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { ALL_IMAGES, decodeImage, encodeImage, messageType } from '../support/images';
import { holds } from '../support/properties';
import { imagesOf, specsOf, type World, worlds } from '../support/random-checkpoints';
import { Random, unknownField, varint, wireFields } from '../support/random-messages';
import { imagesOfTerminals, specsOfTerminals, terminalWorlds } from '../support/random-terminals';

const owners = fc.record({ uid: fc.nat(3), euid: fc.nat(3), signum: fc.nat(2), pid_type: fc.nat(2), pid: fc.nat(21) });
/** The owner of each entry of files.img, by its place. */
const ownersOfAll = fc.array(owners, { minLength: 7, maxLength: 7 });

function withOwners(world: World, all: readonly object[]): Images {
  const images = imagesOf(world);
  const files = images['files.img'] as { reg?: object; pipe?: object }[];
  const edited = files.map((entry, i) => {
    const member = entry.reg === undefined ? 'pipe' : 'reg';
    return { ...entry, [member]: { ...entry[member], fown: all[i] } };
  });
  return { ...images, 'files.img': edited };
}

const messageOf = (file: string) =>
  ALL_IMAGES.find(({ file: pattern }) => pattern === file || pattern.replace('17', '') === file.replace(/\d+/, ''))
    ?.message as string;

const lengthDelimited = (number: number, value: Uint8Array) =>
  Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.length)), value]);

/** Ways to change one field of a message: another value, other bytes of the same value, gone, twice, a field more. */
function changed(type: string, bytes: Buffer, random: Random): Buffer {
  const fields = wireFields(bytes);
  if (fields.length === 0 || random.chance(10)) return Buffer.concat([bytes, unknownField(type, random)]);
  const place = random.below(fields.length);
  return Buffer.concat(
    fields.map((field, i) => {
      if (i !== place) return field.bytes;
      const { number, value } = field;
      const known = messageType(type).fieldsById[number]?.resolve();
      if (known?.resolvedType instanceof protobuf.Type && random.chance(80)) {
        return lengthDelimited(number, changed(known.resolvedType.name, value as Buffer, random));
      }
      const way = random.below(5);
      if (way === 0) return Buffer.alloc(0);
      if (way === 1) return Buffer.concat([field.bytes, field.bytes]);
      if (Buffer.isBuffer(value)) {
        return way === 2
          ? Buffer.concat([
              varint(BigInt(number * 8 + field.type), 1),
              field.bytes.subarray(field.bytes.length - value.length - 1),
            ])
          : field.type === 2
            ? lengthDelimited(number, Buffer.concat([value, Buffer.from('x')]))
            : Buffer.concat([varint(BigInt(number * 8 + field.type)), Buffer.alloc(value.length, 0xa5)]);
      }
      const tag = varint(BigInt(number * 8));
      if (way === 2) return Buffer.concat([tag, varint(value, 1)]);
      const other = way === 3 ? value + 1n : BigInt(random.below(300));
      return Buffer.concat([tag, varint(BigInt.asUintN(64, other))]);
    }),
  );
}

/** Changes one record of one image of OUT; undefined where that gives the same bytes. */
function tamper(out: string, random: Random): string | undefined {
  const images = fs.readdirSync(out).filter((name) => name.endsWith('.img') && name !== 'inherit-plan.img');
  const filled = images.flatMap((name) => {
    const { records } = decodeImage(name, fs.readFileSync(path.join(out, name)));
    return records.length === 0 ? [] : [{ name, records: records.map(({ bytes }) => bytes) }];
  });
  // Those that a rewrite changes are those in which something could be taken for its work.
  const likely = filled.filter(({ name }) => /^(files|fdinfo-\d+|remap-fpath|sk-queues|tty-info)\.img$/.test(name));
  const { name, records } = (random.chance(75) ? likely : filled)[
    random.below(likely.length)
  ] as (typeof filled)[number];
  const place = random.below(records.length);
  const record = changed(messageOf(name), records[place] as Buffer, random);
  if (record.equals(records[place] as Buffer)) return undefined;
  records[place] = record;
  fs.writeFileSync(path.join(out, name), encodeImage(name, records));
  return name;
}

const asked = fc.oneof(
  {
    arbitrary: fc
      .tuple(worlds, ownersOfAll)
      .map(([world, all]) => ({ images: withOwners(world, all), specs: specsOf(world) })),
    weight: 2,
  },
  {
    arbitrary: terminalWorlds.map((world) => ({ images: imagesOfTerminals(world), specs: specsOfTerminals(world) })),
    weight: 1,
  },
);

/** How many changes of one rewrite are tried. */
const CHANGES = 12;

test('one changed field of any record in OUT is not explained', async (t) => {
  const top = temporaryDirectory(t);
  const counts = { told: 0, refused: 0, inChanged: 0 };
  await holds(
    t,
    fc.asyncProperty(asked, fc.integer(), async ({ images, specs }, seed) => {
      const random = new Random(seed);
      const source = writeCheckpoint(top, images);
      const out = `${source}-out`;
      try {
        await rewrite(await openSource(source), { out, allowUnmatched: true, specs, link: 'copy' });
      } catch (error) {
        fs.rmSync(source, { recursive: true });
        if (error instanceof FdgraftError) return;
        throw error;
      }
      try {
        if (!fs.existsSync(path.join(out, 'inherit-plan.img'))) return;
        const plan = await readPlanOf(out);
        const prove = async (directory: string) => {
          const result = await diff(await openSource(source), await openSource(directory), { plan });
          result.close();
          return result;
        };
        const { unexplained, misfits } = await prove(out);
        t.deepEqual({ unexplained, misfits }, { unexplained: 0, misfits: [] });
        for (let i = 0; i < CHANGES; i += 1) {
          const other = `${out}-${i}`;
          fs.cpSync(out, other, { recursive: true });
          const image = tamper(other, random);
          try {
            if (image === undefined) continue;
            const result = await prove(other);
            if (plan.images.some(({ name }) => name === image)) counts.inChanged += 1;
            // A change back to what the source has is none, and the plan says what is missing.
            t.true(result.unexplained > 0 || result.misfits.length > 0, `${image} of ${other}`);
            counts.told += 1;
          } catch (error) {
            if (!(error instanceof FdgraftError)) throw error;
            counts.refused += 1;
          } finally {
            fs.rmSync(other, { recursive: true });
          }
        }
      } finally {
        fs.rmSync(source, { recursive: true });
        fs.rmSync(out, { recursive: true, force: true });
      }
    }),
    40,
  );
  t.true(counts.told > 2 * counts.refused && counts.inChanged > 20, JSON.stringify(counts));
});
