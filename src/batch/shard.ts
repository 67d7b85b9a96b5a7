import { messages } from '../errors/messages';
import { pathDigest } from './path-digest';

/** A part of a batch: those inputs whose path says so. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 0, count: 1 };

/** Variables of a process, as `process.env` has them. */
export type Environment = { readonly [name: string]: string | undefined };

const NUMBER = /^\d{1,9}$/;

/**
 * What --shard means: `I/N`; `auto`, the task of a Slurm array; `auto/N`, one of N by the completion index of Kubernetes
 * or by Slurm's task id as it is. Throws FdgraftError (USAGE).
 */
export function parseShard(text: string, environment: Environment): Shard {
  const [, what = '', countText] = /^(auto|\d{1,9})(?:\/(\d{1,9}))?$/.exec(text) ?? [];
  const count = countText === undefined ? undefined : Number(countText);
  if (what === '' || count === 0 || (what !== 'auto' && count === undefined)) throw messages.shardSyntax(text);
  if (what !== 'auto') return checked(Number(what), count as number, `--shard ${text}`);
  return count === undefined ? shardOfArray(environment) : shardByIndex(environment, count);
}

/** True in a task of an array that has more than one. */
export function isArrayTask(environment: Environment): boolean {
  return environment.SLURM_ARRAY_TASK_ID !== undefined && Number(environment.SLURM_ARRAY_TASK_COUNT) > 1;
}

/** True where the input with this path, relative to the base, belongs to it: the same on every machine. */
export function isInShard(path: string, { index, count }: Shard): boolean {
  return count === 1 || pathDigest(path).readUIntBE(0, 6) % count === index;
}

/** Slurm counts from where and in what steps --array says. */
function shardOfArray(environment: Environment): Shard {
  const id = number(environment, 'SLURM_ARRAY_TASK_ID');
  if (id === undefined) {
    const isKubernetes = environment.JOB_COMPLETION_INDEX !== undefined;
    throw messages.shardUnknown(
      'auto needs SLURM_ARRAY_TASK_ID, which is not there',
      isKubernetes
        ? 'Kubernetes does not say how many there are: write --shard auto/N with N as in completions'
        : 'it is there in the tasks of sbatch --array; elsewhere write --shard I/N',
    );
  }
  const count = number(environment, 'SLURM_ARRAY_TASK_COUNT') ?? 0;
  const least = number(environment, 'SLURM_ARRAY_TASK_MIN') ?? 0;
  const step = number(environment, 'SLURM_ARRAY_TASK_STEP') ?? 1;
  const most = number(environment, 'SLURM_ARRAY_TASK_MAX') ?? least + (count - 1) * step;
  const index = (id - least) / step;
  if (!Number.isInteger(index) || index < 0 || index >= count || (most - least) / step + 1 !== count) {
    throw messages.shardUnknown(
      `task ${id} of an array of ${count}, from ${least} to ${most} by ${step}, cannot be told by its number`,
      'write --shard auto/N with N for all tasks of an array that begins at 0: then those to be done again can be picked',
    );
  }
  return { index, count };
}

function shardByIndex(environment: Environment, count: number): Shard {
  for (const name of ['SLURM_ARRAY_TASK_ID', 'JOB_COMPLETION_INDEX']) {
    const index = number(environment, name);
    if (index !== undefined) return checked(index, count, name);
  }
  throw messages.shardUnknown(
    `auto/${count} needs JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID, and neither is there`,
    'Kubernetes sets the first in Jobs with completionMode Indexed, Slurm the second in arrays',
  );
}

function checked(index: number, count: number, from: string): Shard {
  if (index >= count) throw messages.shardOutOfRange(index, count, from);
  return { index, count };
}

function number(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined) return undefined;
  if (!NUMBER.test(text)) throw messages.shardUnknown(`${name} is '${text}', which is no number`, 'write --shard I/N');
  return Number(text);
}
