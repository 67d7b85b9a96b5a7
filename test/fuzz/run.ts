import { createHash } from 'node:crypto';
import { Random } from '../support/random-messages';
import { Coverage } from './coverage';
import { kindOfProblem, problemOf } from './minimise';
import type { Input, Target } from './target';

/**
 * Some inputs of one target, by number. Numbers come in rounds of `target.share`. What is learned is kept to the end of a
 * round, so that a round gives the same whoever runs it and whatever ran before.
 */
export interface Stretch {
  readonly seed: number;
  readonly from: number;
  readonly runs: number;
}

export interface FoundProblem {
  readonly target: string;
  /** Undefined for one of the kept inputs. */
  readonly number: number | undefined;
  readonly problem: string;
  readonly input: Input;
}

export interface StretchResult {
  readonly runs: number;
  readonly findings: readonly FoundProblem[];
  /** Different outcomes, and branches of src/ that were taken. */
  readonly kinds: number;
  readonly branches: number;
}

/** What has led to something new in this round; when they are many, they are exchanged. */
const MOST_LEARNED = 500;
/** A fault that most inputs meet is told once or twice. */
const MOST_FINDINGS = 20;

/** The seed of one input. */
export function seedOf(seed: number, target: string, number: number): number {
  return createHash('sha256').update(`${seed} ${target} ${number}`).digest().readInt32LE();
}

const known = new WeakMap<Target, Promise<readonly Input[]>>();

/** The seeds of a target, which are made once. */
function seedsOf(target: Target): Promise<readonly Input[]> {
  const made = known.get(target) ?? Promise.resolve(target.seeds());
  known.set(target, made);
  return made;
}

/** So many seeds are checked before a round, so that what they reach is nothing new. */
const WARM_UP = 12;

class Pool {
  private readonly learned: Input[] = [];
  private readonly kinds = new Set<string>();
  private readonly coverage = new Coverage();

  constructor(private readonly seeds: readonly Input[]) {}

  pick(random: Random): Input {
    const from = this.learned.length > 0 && random.chance(60) ? this.learned : this.seeds;
    return from[random.below(from.length)] as Input;
  }

  /** What is made when it is used first is not to count for the input that comes first. */
  async warmUp(target: Target): Promise<void> {
    for (let i = 0; i < WARM_UP && 8 * i < target.share; i += 1) {
      this.begin();
      const seed = this.seeds[Math.floor((i * this.seeds.length) / WARM_UP)];
      if (seed !== undefined && (await problemOf(target, seed)) === undefined) this.coverage.hasNew();
    }
  }

  begin(): void {
    this.coverage.begin();
  }

  learn(input: Input, kind: string, random: Random): void {
    const isNew = this.coverage.hasNew();
    if (this.kinds.has(kind) && !isNew) return;
    this.kinds.add(kind);
    if (this.learned.length < MOST_LEARNED) this.learned.push(input);
    else this.learned[random.below(MOST_LEARNED)] = input;
  }

  get found(): { readonly kinds: number; readonly branches: number } {
    return { kinds: this.kinds.size, branches: this.coverage.branches };
  }
}

/** Runs a stretch within one round. `onInput` hears the number of each before it is checked. */
export async function runStretch(
  target: Target,
  { seed, from, runs }: Stretch,
  onInput: (number: number) => void = () => {},
): Promise<StretchResult> {
  const findings: FoundProblem[] = [];
  const told = new Set<string>();
  const seeds = await seedsOf(target);
  const pool = new Pool(seeds);
  await pool.warmUp(target);
  const begin = from - (from % target.share);
  for (let number = begin; number < from + runs; number += 1) {
    const random = new Random(seedOf(seed, target.name, number));
    const input = target.make(random, () => pool.pick(random));
    onInput(number);
    pool.begin();
    let problem: string | undefined;
    try {
      pool.learn(input, await target.check(input), random);
    } catch (error) {
      problem = await problemOf(target, input);
      problem ??= `not again: ${error instanceof Error ? error.stack : error}`;
    }
    if (problem === undefined || number < from || told.has(kindOfProblem(problem))) continue;
    told.add(kindOfProblem(problem));
    findings.push({ target: target.name, number, problem, input });
    if (findings.length === MOST_FINDINGS) break;
  }
  return { runs, findings, ...pool.found };
}

/** Checks the kept inputs of a target. */
export async function runKept(target: Target, kept: readonly Input[]): Promise<readonly FoundProblem[]> {
  const findings: FoundProblem[] = [];
  for (const input of kept) {
    const problem = await problemOf(target, input);
    if (problem !== undefined) findings.push({ target: target.name, number: undefined, problem, input });
  }
  return findings;
}

/** A stretch of a target, by the target's place in a list. */
export interface Job extends Stretch {
  readonly target: number;
}

/** Shares so many runs out over the targets, round by round, as their shares say. */
export function jobsOf(targets: readonly Target[], seed: number, runs: number): readonly Job[] {
  const round = targets.reduce((sum, { share }) => sum + share, 0);
  const jobs: Job[] = [];
  for (let done = 0; done < runs; done += round) {
    const rest = Math.min(round, runs - done);
    let upTo = 0;
    targets.forEach(({ share }, target) => {
      const begin = Math.floor((upTo * rest) / round);
      upTo += share;
      const count = Math.floor((upTo * rest) / round) - begin;
      if (count > 0) jobs.push({ target, seed, from: (done / round) * share, runs: count });
    });
  }
  return jobs;
}

/** The same for one target alone, from one of its numbers on. */
export function jobsOfOne({ share }: Target, target: number, { seed, from, runs }: Stretch): readonly Job[] {
  const jobs: Job[] = [];
  for (let at = from; at < from + runs; ) {
    const end = Math.min(from + runs, at - (at % share) + share);
    jobs.push({ target, seed, from: at, runs: end - at });
    at = end;
  }
  return jobs;
}
