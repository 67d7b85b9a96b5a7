/** Valid things of every kind, with which changes begin. The same in each run. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { RewriteOptions } from '../../src';
import { type Images, smallCheckpoint } from '../support/directories';
import { ALL_IMAGES, encodeImage, type Record } from '../support/images';
import { imagesOf, specsOf, worlds } from '../support/random-checkpoints';
import { anyImages, bytesOf, type RandomImage } from '../support/random-images';
import { encodeOddly, Random } from '../support/random-messages';
import { imagesOfTerminals, specsOfTerminals, terminalWorlds } from '../support/random-terminals';
import type { Input } from './target';

const FIXTURES = path.join(__dirname, '../../fixtures/images');
/** Of larger files, such as pages, so much is enough. */
const MOST_OF_FILE = 8192;
/** Larger images take longer and show no more. */
const MOST_OF_IMAGE = 3000;
const SEED = 7;

const images = anyImages({ anyBytes: true });

/** One image of any kind, with any content. */
export interface NamedImage {
  readonly name: string;
  readonly bytes: Buffer;
}

function named(made: RandomImage, random: Random): NamedImage {
  const isOdd = random.chance(50);
  const bytes = isOdd ? bytesOf(made, (type, message) => encodeOddly(type, message, random)) : bytesOf(made);
  return { name: made.image.file, bytes };
}

/** An image that nobody has had yet. */
export function freshImage(random: Random): NamedImage {
  const [made] = fc.sample(images, { seed: random.below(2 ** 31), numRuns: 1 }) as [RandomImage];
  return named(made, random);
}

let known: NamedImage[] | undefined;

/** Images of all kinds: made ones, and those of the fixtures. */
export function knownImages(): readonly NamedImage[] {
  if (known !== undefined) return known;
  const random = new Random(SEED);
  const made = fc.sample(images, { seed: SEED, numRuns: 3 * ALL_IMAGES.length }).map((one) => named(one, random));
  const real = fixtures().flatMap((files) =>
    Object.entries(files).flatMap(([name, bytes]) =>
      name.endsWith('.img') && !name.startsWith('pages-') && bytes.length < MOST_OF_FILE ? [{ name, bytes }] : [],
    ),
  );
  const byContent = new Map(real.map((one) => [one.bytes.toString('latin1'), one]));
  known = [...made, ...byContent.values()].filter(({ bytes }) => bytes.length < MOST_OF_IMAGE);
  return known;
}

let read: Input[] | undefined;

/** The fixtures, without most of their pages. */
export function fixtures(): readonly Input[] {
  read ??= fs
    .readdirSync(FIXTURES)
    .sort()
    .map((name) => {
      const directory = path.join(FIXTURES, name);
      const files = fs.readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
      return Object.fromEntries(
        files.map((entry) => [entry.name, fs.readFileSync(path.join(directory, entry.name)).subarray(0, MOST_OF_FILE)]),
      );
    });
  return read;
}

/** The files of a checkpoint that a test has made. */
export function filesOf(images: Images): Input {
  return Object.fromEntries(
    Object.entries(images).map(([name, content]) => [
      name,
      Buffer.isBuffer(content) ? content : encodeImage(name, content as readonly Record[]),
    ]),
  );
}

export type Specs = NonNullable<RewriteOptions['specs']>;

/** A checkpoint, and specs for it. */
export interface Asked {
  readonly files: Input;
  readonly specs: Specs;
}

const asked = fc.oneof(
  worlds.map((world): Asked => ({ files: filesOf(imagesOf(world)), specs: specsOf(world) })),
  terminalWorlds.map((world): Asked => ({ files: filesOf(imagesOfTerminals(world)), specs: specsOfTerminals(world) })),
);

/** A checkpoint in which anything refers to anything, that nobody has had yet. */
export function freshCheckpoint(random: Random): Asked {
  const [made] = fc.sample(asked, { seed: random.below(2 ** 31), numRuns: 1 }) as [Asked];
  return made;
}

let knownAsked: readonly Asked[] | undefined;

/** Checkpoints with specs: made ones, and the fixtures. */
export function knownCheckpoints(): readonly Asked[] {
  knownAsked ??= [
    { files: filesOf(smallCheckpoint()), specs: ['fd[5]:pipe:[4711]', 'fd[7]:/var/log/app.log'] },
    ...fc.sample(asked, { seed: SEED, numRuns: 60 }),
    ...fixtures().map(
      (files): Asked => ({ files, specs: ['fd[5]:/srv/fdgraft/**', 'fd[6]:/proc/*/fd/1', 'fd[7]:/dev/pts/*'] }),
    ),
  ];
  return knownAsked;
}

/** Words of the language of specs. */
export const SPEC_WORDS: readonly string[] = [
  ...[
    'fd[5]:',
    'fd[',
    'debug[6]:',
    ']:',
    'pipe:[100]',
    'pipe:[',
    ':read',
    ':write',
    'file[1f:2b]',
    'socket:[9]',
    '@name',
  ],
  ...['/proc/20/fd/1', '/proc/*/fd/0', '/proc/', '/fd/', 'tcp:127.0.0.1:80', 'udp:[::]:53', 'tcp:[::1]:2-[::1]:3', '-'],
  ...[
    '/memfd:x',
    'tty[8803:1a]',
    '/dev/pts/3',
    '/dev/pts/*',
    '/srv/fdgraft/**',
    '*',
    '**',
    '?',
    '[a-z]',
    '[!',
    '{a,b}',
    '{',
  ],
  ...[
    '}',
    ',',
    '\\x2a',
    '\\xff',
    '\\x',
    '\\',
    './',
    '/',
    '//',
    '0x1f',
    '00',
    '\n',
    '\u0000',
    '\u202e',
    'é',
    '\u{1f600}',
    '\ufffd',
  ],
];
