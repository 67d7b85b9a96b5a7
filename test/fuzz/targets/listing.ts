import { type FdgraftError, inspect, type ListedEntry, type RewriteOptions, rewrite, type Source } from '../../../src';
import { explore } from '../../../src/operations/explore';
import { allOf } from '../../support/all-of';
import { filesIn, mutatedFiles, partsOf } from '../checkpoints';
import { memorySource, sizeOf } from '../memory-source';
import { Meter } from '../meter';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { freshCheckpoint, knownCheckpoints } from '../seeds';
import { expect, type Target } from '../target';

export interface ListingSubject {
  inspect(source: Source): AsyncIterable<ListedEntry>;
  rewrite: (source: Source, options: RewriteOptions) => Promise<Awaited<ReturnType<typeof rewrite>>>;
}

/** Any order of images costs a pass, and what is looked up by name some more. */
const LIMITS = { passes: 12, allocatedTo: { base: 16 << 20, perByte: 1000 } };
/** Keys of one input that are tried. */
const MOST_KEYS = 3;

/** Lists: each key that is printed takes the lines in which it stands, and no others. */
export function listingTarget(subject: ListingSubject = { inspect, rewrite }): Target {
  return {
    name: 'listing',
    share: 100,
    seeds: () => knownCheckpoints().map(({ files }) => partsOf('files', files)),
    make: (random, pick) => {
      const files = random.chance(5) ? freshCheckpoint(random).files : filesIn('files', pick());
      return partsOf('files', random.chance(95) ? mutatedFiles(files, random, () => filesIn('files', pick())) : files);
    },
    check: async (input) => {
      const files = filesIn('files', input);
      const metered = async <T>(what: string, call: (source: Source) => Promise<T>) => {
        const meter = new Meter();
        const outcome = await outcomeOf(what, () => call(memorySource(files, meter)));
        meter.check(what, sizeOf(files), LIMITS);
        return outcome;
      };
      const lines = await metered('ls', (source) => allOf(subject.inspect(source)));
      const explored = await metered('x', (source) => exploreAll(source));
      expect((explored.value ?? 0) <= sizeOf(files), () => `x tells ${explored.value} rows`);
      if (lines.value === undefined) return kindOf(lines, () => '');
      const all = lines.value;
      checkLines(all);
      // The path of a terminal has no descriptors in a dump of CRIU; its key is that of the terminal.
      const own = all.filter(({ others }) => others.every(({ what }) => what !== 'terminal'));
      const keys = [...new Set(own.flatMap(({ facts }) => (facts === undefined ? [] : [facts.key])))];
      const start = sizeOf(files) % Math.max(1, keys.length);
      const found: string[] = [];
      for (const key of [...keys.slice(start), ...keys.slice(0, start)].slice(0, MOST_KEYS)) {
        const dry = await metered(`the key ${JSON.stringify(key)}`, (source) =>
          subject.rewrite(source, { specs: [`fd[5]:${key}`] }),
        );
        found.push(dry.error === undefined ? judge(key, all, dry.value.plan) : refusal(key, dry.error));
      }
      return `${roughly(all.length)} ${explored.error?.code ?? ''} ${found.sort().join(' ')}`;
    },
  };
}

/** Entries that are there come once each, ascending where they are of one image; those that are missing come behind them. */
function checkLines(lines: readonly ListedEntry[]): void {
  const known = new Set<string>();
  for (const { id, type, descriptors } of lines) {
    const name = `${type} ${id}`;
    // What is missing is listed once for each type that descriptors have it as.
    expect(type === 'missing' || !known.has(name), () => `${name} is listed twice`);
    known.add(name);
    expect(type !== 'missing' || descriptors.length > 0, () => `${name} has no descriptors`);
  }
  const firstMissing = lines.findIndex(({ type }) => type === 'missing');
  const isBehind = firstMissing === -1 || lines.slice(firstMissing).every(({ type }) => type === 'missing');
  expect(isBehind, 'an entry comes behind one that is missing');
}

/** Rows of all that `x` tells. */
async function exploreAll(source: Source): Promise<number> {
  let rows = 0;
  for (const what of ['ps', 'fds', 'mems', 'rss'] as const) for await (const _row of explore(source, what)) rows += 1;
  return rows;
}

function refusal(key: string, { code, message }: FdgraftError): string {
  expect(code !== 'SPEC_SYNTAX' && code !== 'SPEC_UNMATCHED', () => `the key ${JSON.stringify(key)} of ls: ${message}`);
  return code;
}

function judge(
  key: string,
  lines: readonly ListedEntry[],
  { placeholders }: Awaited<ReturnType<typeof rewrite>>['plan'],
): string {
  const named = lines.filter(({ facts }) => facts?.key === key);
  // The device of a terminal names all that is open on it, also what a damaged image gives a path.
  const terminals = new Set(key.startsWith('tty[') ? named.map(({ facts }) => facts?.terminalId) : []);
  const expected = lines.flatMap(({ id, facts }) =>
    facts?.key === key || (facts !== undefined && terminals.has(facts.terminalId ?? -1)) ? [id] : [],
  );
  // A memfd takes its mappings along.
  const taken = placeholders.flatMap(({ mapping, file_id, split_from }) => (mapping ? [] : [split_from ?? file_id]));
  const sorted = (ids: readonly number[]) => String([...ids].sort((a, b) => a - b));
  expect(sorted(taken) === sorted(expected), () => `the key ${JSON.stringify(key)} takes ${taken}, not ${expected}`);
  return 'taken';
}
