import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { inspect, openSource, readPlanOf, rewrite } from '../../../src';
import { allOf } from '../../support/all-of';
import { archiveOf, type Chunk, chunksOf, plain, type RawMember } from '../../support/tar-blocks';
import { mutated } from '../mutate/mutate';
import { TAR_MUTATORS } from '../mutate/tar';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { knownCheckpoints } from '../seeds';
import { expect, Finding, type Input, type Target } from '../target';
import { expectEntries, WorkRoom } from '../work-room';

export type RewriteArchive = typeof rewrite;

const MOST_SEED_BYTES = 24_000;
/** Zeros behind a small archive that says of itself that it is large; no input is read further. */
const MOST_CONTENT = 1 << 22;

function seedOf(files: Input, number: number): Input {
  const isBelow = number % 2 === 0;
  const members: RawMember[] = Object.entries(files).map(([name, content]) => ({
    name: `${isBelow ? 'checkpoint/' : ''}${name}`,
    content: content.subarray(0, 2000),
    ...(number % 3 === 0 ? { magic: 'ustar  ' } : {}),
    ...(number % 5 === 0 ? { pax: { mtime: '1700000000.5' } } : {}),
  }));
  const around: RawMember[] = isBelow
    ? [
        { name: 'config.dump', content: '{}' },
        { name: 'checkpoint/', type: '5', mode: 0o700 },
      ]
    : [
        { name: 'link', type: '2', target: 'files.img' },
        { name: 'hard', type: '1', target: 'files.img' },
      ];
  return {
    archive: archiveOf(
      ...members.slice(0, 2),
      ...(isBelow ? around : []),
      ...members.slice(2),
      ...(isBelow ? [] : around),
    ),
  };
}

/** Archives: what is taken is what another reader finds in it, and a rewrite leaves all other members as they were. */
export function archivesTarget(run: RewriteArchive = rewrite): Target {
  const room = new WorkRoom();
  return {
    name: 'archives',
    share: 40,
    seeds: () =>
      knownCheckpoints()
        .map(({ files }, number) => seedOf(files, number))
        .filter(({ archive }) => (archive as Buffer).length < MOST_SEED_BYTES),
    make: (random, pick) =>
      random.chance(10)
        ? pick()
        : {
            archive: mutated(pick().archive as Buffer, TAR_MUTATORS, random, () => pick().archive as Buffer),
          },
    check: async ({ archive = Buffer.alloc(0) }) => {
      const place = room.enter();
      try {
        return await checkIn(place, archive, run);
      } finally {
        room.leave(place);
      }
    },
    close: () => room.close(),
  };
}

async function checkIn(place: string, archive: Buffer, run: RewriteArchive): Promise<string> {
  const file = path.join(place, 'source');
  const isPacked = archive.length % 7 === 0;
  const bytes = isPacked ? zlib.gzipSync(archive, { level: 1 }) : archive;
  fs.writeFileSync(file, bytes);
  const opened = await outcomeOf('opening an archive', () => openSource(file));
  if (opened.value === undefined) return kindOf(opened, () => '');
  const source = opened.value;
  if (source.form === 'dir') throw new Finding('an archive that is a directory');
  try {
    const contents = await outcomeOf('reading an archive', () => contentsOf(source));
    const others = strictly(() => chunksOf(archive));
    if (contents.value !== undefined && others !== undefined) compare(contents.value, others, source.archive?.inside);
    const lines = await outcomeOf('ls of an archive', () => allOf(inspect(source)));
    const out = path.join(place, 'out');
    const rewritten = await outcomeOf('rewriting an archive', () =>
      run(source, { specs: ['fd[5]:/**', 'fd[6]:pipe:[100]'], out, allowUnmatched: true, dropInFlight: true }),
    );
    expectEntries(place, rewritten.error === undefined ? ['source', 'out'] : ['source']);
    expect(fs.readFileSync(file).equals(bytes), 'the source was changed');
    if (rewritten.value !== undefined) {
      const plan = await outcomeOf('the plan in an archive', () => readPlanOf(out));
      expect(plan.error === undefined, () => `OUT cannot be read\n${plan.error?.message}`);
      const made = fs.readFileSync(out);
      const changed = new Set([...rewritten.value.plan.images.map(({ name }) => name), 'inherit-plan.img']);
      checkRest(others, chunksOf(isPacked ? zlib.gunzipSync(made) : made), changed);
    }
    const read = kindOf(contents, (all) => `${roughly(all.size)}`);
    return `${source.form} ${read} ${others === undefined} ${lines.error?.code} ${kindOf(rewritten, ({ plan }) => `${roughly(plan.placeholders.length)}`)}`;
  } finally {
    await source.close();
  }
}

async function contentsOf(source: Awaited<ReturnType<typeof openSource>>): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for await (const member of source.members()) {
    if (member.kind !== 'file') continue;
    const reader = await member.open();
    const chunks: Buffer[] = [];
    try {
      for (let total = 0; total < MOST_CONTENT; ) {
        const chunk = Buffer.alloc(1 << 14);
        const got = await reader.read(chunk, 0, chunk.length);
        if (got === 0) break;
        chunks.push(chunk.subarray(0, got));
        total += got;
      }
    } finally {
      await reader.close();
    }
    contents.set(member.name.toString('latin1'), Buffer.concat(chunks));
  }
  return contents;
}

/** Undefined where the other reader, which knows POSIX alone, refuses it. */
function strictly<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

function compare(
  contents: ReadonlyMap<string, Buffer>,
  chunks: readonly Chunk[],
  inside: Buffer = Buffer.alloc(0),
): void {
  const prefix = inside.length === 0 ? '' : `${inside.toString('latin1')}/`;
  for (const chunk of chunks) {
    const name = plain(chunk.name);
    if (!['0', '\0'].includes(chunk.type) || !name.startsWith(prefix) || 'GNU.sparse.major' in chunk.pax) continue;
    const found = contents.get(name.slice(prefix.length));
    if (found === undefined || found.length >= MOST_CONTENT) continue;
    expect(found.equals(chunk.content), () => `${JSON.stringify(name)} has another content`);
  }
}

const OF_SPARSE = /^GNU\.sparse\./;

function isImage(name: string): boolean {
  return /\.img$/.test(name) && !/(^|\/)pages-[^/]*$/.test(name);
}

/** Members that no rewrite changes are there with the same headers and contents, in their order. */
function checkRest(before: readonly Chunk[] | undefined, after: readonly Chunk[], changed: ReadonlySet<string>): void {
  if (before === undefined) return;
  // A hard link to an image that changes becomes a file with what it was.
  const links = new Set(before.flatMap(({ name, type }) => (type === '1' ? [name] : [])));
  // An image that could have changed and had holes is a plain file then.
  const remade = before.filter(({ name, pax }) => isImage(name) && Object.keys(pax).some((key) => OF_SPARSE.test(key)));
  const anew = new Set(remade.map(({ name }) => name));
  const isKept = ({ name }: Chunk) =>
    !links.has(name) && !anew.has(name) && !changed.has(plain(name).split('/').at(-1) as string);
  const rest = (chunks: readonly Chunk[]) =>
    chunks.filter(isKept).map(({ headers, content }) => Buffer.concat([headers, content]));
  const [old, made] = [rest(before), rest(after)];
  expect(old.length === made.length, () => `${old.length} members become ${made.length}`);
  for (const [i, bytes] of old.entries()) expect(bytes.equals(made[i] as Buffer), () => `member ${i} was changed`);
}
