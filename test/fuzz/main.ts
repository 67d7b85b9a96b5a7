/**
 * The command behind `npm run fuzz`. Workers run the inputs; the main thread hands them out, and tells when one of them
 * takes longer than any input can.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CORPUS, keepInput, keptInputs, readInput } from './corpus';
import { countBuffers } from './meter';
import { minimised, problemOf } from './minimise';
import { type FoundProblem, type Job, jobsOf, jobsOfOne, runKept, runStretch, type StretchResult } from './run';
import type { Target } from './target';
import { TARGETS } from './targets/all';

const USAGE = `usage: npm run fuzz -- [OPTION]...

  --runs N      Run N inputs. Default: 100000
  --seed S      Start from the seed S. Default: a random one
  --only NAME   Run inputs of one target alone
  --from K      With --only, start with its input number K
  --workers N   Use N threads. Default: 1
  --input FILE  With --only, run the one kept input FILE

targets: ${TARGETS.map((make) => withTarget(make, ({ name }) => name)).join(', ')}
exit status: 0 if nothing was found, 1 if something was, 2 for wrong usage
`;

/** No input takes a thousandth of it: a loop without an end, or work that grows faster than its input. */
const LONGEST_INPUT_MS = 180_000;
const WATCH_MS = 5_000;
const TELL_MS = 30_000;

type Result = StretchResult & { readonly job: Job | undefined; readonly ms: number };

function withTarget<T>(make: () => Target, use: (target: Target) => T): T {
  const target = make();
  const value = use(target);
  target.close?.();
  return value;
}

async function work(): Promise<void> {
  const { place } = workerData as { place: Int32Array };
  countBuffers();
  const targets = TARGETS.map((make) => make());
  const kept = targets.map(({ name }) => keptInputs(CORPUS, name).map(({ input }) => input));
  parentPort?.on('message', async (job: Job | 'kept' | 'end') => {
    if (job === 'end') {
      for (const target of targets) target.close?.();
      process.exit();
    }
    if (job === 'kept') {
      const findings: FoundProblem[] = [];
      for (const [i, target] of targets.entries()) findings.push(...(await runKept(target, kept[i] ?? [])));
      parentPort?.postMessage({
        runs: kept.flat().length,
        findings,
        kinds: 0,
        branches: 0,
        job: undefined,
        ms: 0,
      } satisfies Result);
      return;
    }
    const target = targets[job.target] as Target;
    const started = performance.now();
    const result = await runStretch(target, job, (number) => {
      place[0] = job.target;
      place[1] = number;
      place[2] = (place[2] as number) + 1;
    });
    const ms = performance.now() - started;
    const findings: FoundProblem[] = [];
    for (const one of result.findings) {
      findings.push({ ...one, input: await minimised(target, one.input, one.problem) });
    }
    parentPort?.postMessage({ ...result, findings, job, ms } satisfies Result);
  });
  parentPort?.postMessage('ready');
}

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly only: string | undefined;
  readonly from: number;
  readonly workers: number;
  readonly input: string | undefined;
}

function readOptions(): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { runs: text, seed: text, only: text, from: text, workers: text, input: text },
  });
  const number = (name: 'runs' | 'seed' | 'from' | 'workers', otherwise: number) => {
    const given = values[name];
    if (given !== undefined && !/^\d+$/.test(given)) throw new Error(`--${name} ${given}: not a number`);
    return given === undefined ? otherwise : Number(given);
  };
  const { only, input } = values;
  if ((values.from ?? input) !== undefined && only === undefined) throw new Error('--from and --input go with --only');
  const seed = number('seed', randomInt(2 ** 31));
  return { seed, only, input, runs: number('runs', 100_000), from: number('from', 0), workers: number('workers', 1) };
}

/** The jobs that the options ask for. */
function jobsFor({ only, seed, from, runs }: Options, targets: readonly Target[]): readonly Job[] {
  if (only === undefined) return jobsOf(targets, seed, runs);
  const place = targets.findIndex(({ name }) => name === only);
  if (place === -1) throw new Error(`--only ${only}: no such target`);
  return jobsOfOne(targets[place] as Target, place, { seed, from, runs });
}

class Fuzzing {
  private readonly started = Date.now();
  private readonly totals = new Map<string, { runs: number; kinds: number; branches: number; ms: number }>();
  private done = 0;
  private found = 0;
  private told = Date.now();
  private next = 0;

  constructor(
    private readonly jobs: readonly Job[],
    private readonly targets: readonly Target[],
    private readonly options: Options,
  ) {}

  async run(): Promise<boolean> {
    const workers = Array.from({ length: this.options.workers }, (_none, i) => this.runWorker(i === 0));
    await Promise.all(workers);
    this.conclude();
    return this.found === 0;
  }

  private runWorker(isFirst: boolean): Promise<void> {
    const place = new Int32Array(new SharedArrayBuffer(12));
    const worker = new Worker(__filename, { workerData: { place } });
    const hand = (isAfterKept: boolean) => {
      if (isFirst && !isAfterKept) return worker.postMessage('kept');
      const job = this.jobs[this.next];
      this.next += 1;
      worker.postMessage(job ?? 'end');
    };
    return new Promise((resolve) => {
      let [count, since] = [-1, Date.now()];
      const watch = setInterval(() => {
        if (place[2] !== count) [count, since] = [place[2] as number, Date.now()];
        else if (Date.now() - since > LONGEST_INPUT_MS)
          this.lost(place, `it takes over ${LONGEST_INPUT_MS / 1000} s`, worker);
      }, WATCH_MS);
      worker.on('message', (message: 'ready' | Result) => {
        if (message !== 'ready') this.take(message);
        hand(message !== 'ready');
      });
      worker.on('error', (error) => this.lost(place, String(error.stack ?? error), worker));
      worker.on('exit', () => {
        clearInterval(watch);
        resolve();
      });
    });
  }

  /** A worker that ends or hangs within an input. */
  private lost(place: Int32Array, problem: string, worker: Worker): void {
    const { name } = this.targets[place[0] as number] as Target;
    this.found += 1;
    console.error(`${name} ${place[1]}: ${problem}\n  repeat: ${this.repeating(name, place[1] as number)}`);
    void worker.terminate();
  }

  private take({ job, runs, kinds, branches, ms, findings }: Result): void {
    for (const { target, number, problem, input } of findings) {
      this.found += 1;
      console.error(`${target} ${number ?? 'kept'}: ${problem}`);
      if (number === undefined) continue;
      const file = keepInput(CORPUS, target, input, problem);
      console.error(`  kept as ${file}\n  repeat: ${this.repeating(target, number)}`);
    }
    this.done += runs;
    if (job !== undefined) {
      const { name } = this.targets[job.target] as Target;
      const total = this.totals.get(name) ?? { runs: 0, kinds: 0, branches: 0, ms: 0 };
      this.totals.set(name, {
        runs: total.runs + runs,
        kinds: Math.max(total.kinds, kinds),
        branches: Math.max(total.branches, branches),
        ms: total.ms + ms,
      });
    }
    if (Date.now() - this.told < TELL_MS) return;
    this.told = Date.now();
    console.error(this.progress());
  }

  private repeating(target: string, number: number): string {
    return `npm run fuzz -- --seed ${this.options.seed} --only ${target} --from ${number} --runs 1`;
  }

  private progress(): string {
    const seconds = (Date.now() - this.started) / 1000;
    const memory = Math.round(process.memoryUsage.rss() / 2 ** 20);
    return `${this.done} inputs in ${seconds.toFixed(0)} s, ${Math.round(this.done / seconds)} a second, ${this.found} findings, ${memory} MiB`;
  }

  private conclude(): void {
    for (const [name, { runs, kinds, branches, ms }] of this.totals) {
      console.log(
        `  ${name.padEnd(18)} ${String(runs).padStart(9)} inputs of ${(ms / runs).toFixed(2)} ms, up to ${kinds} outcomes and ${branches} branches a round`,
      );
    }
    console.log(`seed ${this.options.seed}: ${this.progress()}`);
  }
}

/** Runs one kept input and tells what is wrong with it. */
async function runInput(target: Target, file: string): Promise<boolean> {
  countBuffers();
  const problem = await problemOf(target, readInput(file));
  console.log(problem ?? 'nothing is wrong');
  return problem === undefined;
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const targets = TARGETS.map((make) => make());
  try {
    const options = readOptions();
    const jobs = jobsFor(options, targets);
    console.log(`seed ${options.seed}`);
    const isFine =
      options.input === undefined
        ? await new Fuzzing(jobs, targets, options).run()
        : await runInput(targets[jobs[0]?.target ?? 0] as Target, options.input);
    if (!isFine) process.exitCode = 1;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 2;
  } finally {
    for (const target of targets) target.close?.();
  }
}

void (isMainThread ? main() : work());
