import type { Random } from '../support/random-messages';
import { IMAGE_MUTATORS } from './mutate/frames';
import { JSON_MUTATORS } from './mutate/json';
import { mutated, oneOf } from './mutate/mutate';
import { textMutators } from './mutate/text';
import { type Asked, SPEC_WORDS, type Specs } from './seeds';
import type { Input } from './target';

/** Checkpoints as inputs: the parts `PREFIX/NAME` are the files of one, and `specs` is the JSON of a list of specs. */

export function partsOf(prefix: string, files: Input): Input {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${prefix}/${name}`, bytes]));
}

export function filesIn(prefix: string, input: Input): Input {
  return Object.fromEntries(
    Object.entries(input).flatMap(([part, bytes]) =>
      part.startsWith(`${prefix}/`) ? [[part.slice(prefix.length + 1), bytes]] : [],
    ),
  );
}

export function inputOf({ files, specs }: Asked): Input {
  return { ...partsOf('files', files), specs: Buffer.from(JSON.stringify(specs)) };
}

export function askedIn(input: Input): Asked {
  return { files: filesIn('files', input), specs: specsIn(input.specs ?? Buffer.from('[]')) };
}

/** What is no list becomes the text of one spec. */
function specsIn(bytes: Buffer): Specs {
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every(isSpec)) return value as Specs;
  } catch {
    // Changed into what is no JSON.
  }
  return [text];
}

function isSpec(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && 'inherit' in value);
}

/** Images that others refer to, or that refer to them: a change of one of these goes further than itself. */
const LIKELY =
  /^(files|inventory|pstree|fdinfo-\d+|ids-\d+|sk-queues|remap-fpath|tty-info|memfd|eventpoll-tfd|filelocks)\.img$/;
const ODD_NAMES = [
  'fdinfo-0.img',
  'fdinfo-4294967296.img',
  'core-x.img',
  'notes.txt',
  'a\n.img',
  '\xff.img',
  'parent',
  'inherit-plan.img',
];

/** Changes the files of a checkpoint: contents, mostly of those that refer to each other, and which there are. */
export function mutatedFiles(files: Input, random: Random, other: () => Input): Input {
  const result: { [name: string]: Buffer } = { ...files };
  do {
    const names = Object.keys(result);
    if (names.length === 0) return result;
    const likely = names.filter((name) => LIKELY.test(name));
    const name = oneOf(likely.length > 0 && random.chance(80) ? likely : names, random);
    const take = () => other()[name] ?? (files[name] as Buffer | undefined) ?? Buffer.alloc(0);
    const way = random.below(100);
    if (way < 82) result[name] = mutated(result[name] as Buffer, IMAGE_MUTATORS, random, take);
    else if (way < 86) delete result[name];
    else if (way < 90)
      result[name.replace(/\d+/, (digits) => `${Number(digits) + random.below(3)}`)] = result[name] as Buffer;
    else if (way < 94) result[oneOf(ODD_NAMES, random)] = result[name] as Buffer;
    else {
      const others = other();
      const found = Object.keys(others);
      if (found.length > 0) {
        const taken = oneOf(found, random);
        result[taken] = others[taken] as Buffer;
      }
    }
  } while (random.chance(40));
  return result;
}

const SPECS = [...JSON_MUTATORS, ...textMutators(SPEC_WORDS)];
/** Specs that take something in many checkpoints. */
const USUAL = [
  '/**',
  '/proc/*/fd/0',
  '/proc/*/fd/1',
  '/proc/*/fd/5',
  '/dev/pts/*',
  '/srv/fdgraft/*',
  'pipe:[100]',
  '/file.{4,5}',
];

/** Changes of a checkpoint, or of the specs for it. */
export function mutatedAsked(input: Input, random: Random, pick: () => Input): Input {
  const files = filesIn('files', input);
  const other = () => filesIn('files', pick());
  const changed = random.chance(80) ? mutatedFiles(files, random, other) : files;
  const given = input.specs ?? Buffer.from('[]');
  const way = random.below(100);
  let specs = given;
  if (way < 15) specs = mutated(given, SPECS, random, () => pick().specs ?? given);
  else if (way < 45) specs = Buffer.from(JSON.stringify(usualSpecs(random)));
  return { ...partsOf('files', changed), specs };
}

function usualSpecs(random: Random): Specs {
  return Array.from({ length: 1 + random.below(3) }, (_none, i) => ({
    inherit: `fd[${10 + i}]:${oneOf(USUAL, random)}`,
    ...(random.chance(30) ? { apply: oneOf(['dup', 'reopen', 'auto'] as const, random) } : {}),
    ...(random.chance(50) ? { inFlight: oneOf(['drop', 'replay'] as const, random) } : {}),
  }));
}
