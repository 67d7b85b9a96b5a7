import type { ExecutionContext } from 'ava';
import { decoded, encoded, info } from './converted';
import { askCrit, type CritImage, type Said } from './crit';
import { type Difference, type Form, knownDifferences, UNCOUNTED, type Where } from './crit-differences';
import { dumpJson, type JsonObject, parseJson } from './crit-json';

export interface NamedImage {
  readonly name: string;
  readonly bytes: Buffer;
}

const OPTIONS = {
  plain: {},
  pretty: { pretty: true },
  nopl: { pretty: true, payload: false },
} as const;
const FORMS: readonly Form[] = ['plain', 'pretty', 'nopl'];

/**
 * Compares what crit and fdgraft make of each image, there and back, but for the known differences. These have to
 * occur where the table says so.
 */
export async function compareWithCrit(t: ExecutionContext, images: readonly NamedImage[], where: Where): Promise<void> {
  const said = await askCrit(images.map(({ bytes }) => bytes));
  const seen = new Set<string>();
  let counted = 0;
  let uncounted = 0;
  for (const [i, { name, bytes }] of images.entries()) {
    const crit = said[i] as CritImage;
    for (const form of FORMS) {
      const ours = await decoded(bytes, OPTIONS[form]);
      const differences = compareText(t, `${name}, ${form}`, ours, crit[form], form);
      for (const [difference] of differences) seen.add(difference);
      if (form === 'nopl') continue;
      t.deepEqual(await encoded(ours), bytes, `${name}, ${form}: there and back`);
      const theirs = form === 'plain' ? crit.encoded : crit.encodedPretty;
      await compareEncoded(t, `${name}, ${form}`, bytes, crit[form], theirs, differences);
    }
    const ours = await info(bytes);
    if (ours === crit.info.text) counted += 1;
    else {
      uncounted += 1;
      const { magic, count } = JSON.parse(ours) as { magic: string; count: number };
      const { entries } = JSON.parse(await decoded(bytes)) as { entries: unknown[] };
      const isKnown = UNCOUNTED.has(magic) || crit.info.error?.includes('No handler') || crit.plain.error !== undefined;
      t.true(isKnown, `${name}: info says\n${ours}\nand crit ${crit.info.text ?? crit.info.error}`);
      t.is(count, magic === 'PAGEMAP' ? Math.max(0, entries.length - 1) : entries.length, name);
    }
  }
  t.true(counted > uncounted && uncounted > 0, 'crit info counts the records of most images, and not of all');
  const listed = knownDifferences().filter(([, difference]) => difference.where.includes(where));
  t.deepEqual(
    [...seen].sort(),
    listed.map(([name]) => name).sort(),
    'the differences that occur are those that are listed',
  );
}

type Found = [name: string, difference: Difference][];

function compareText(t: ExecutionContext, what: string, ours: string, crit: Said, form: Form): Found {
  if (ours === crit.text) return [];
  const found: Found = [];
  const image: JsonObject = parseJson(ours);
  for (const [name, difference] of knownDifferences()) {
    const effect = difference.alter(image, form);
    if (effect === false) continue;
    found.push([name, difference]);
    if (effect === 'garbage') return found;
    if (effect !== true) {
      t.regex(crit.error ?? '', effect, what);
      return found;
    }
  }
  t.is(crit.text ?? crit.error, dumpJson(image, form !== 'plain'), what);
  return found;
}

async function compareEncoded(
  t: ExecutionContext,
  what: string,
  image: Buffer,
  json: Said,
  theirs: Said,
  differences: Found,
): Promise<void> {
  if (json.text === undefined || differences.some(([, { encodes }]) => encodes === 'otherwise')) return;
  const ours = await encoded(json.text);
  if (differences.every(([, { encodes }]) => encodes === 'image')) {
    t.true(ours.equals(image), `${what}: the image of crit's JSON`);
  } else {
    t.is(ours.toString('base64'), theirs.text ?? theirs.error, `${what}: as crit encodes it`);
    t.false(ours.equals(image), `${what}: crit loses nothing`);
  }
}
