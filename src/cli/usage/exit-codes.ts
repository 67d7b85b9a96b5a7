import type { ExitCodes } from './usage';

const WRONG = ['2', 'wrong usage or unusable input'] as const;

/** Of commands that answer no question. */
export const DONE_OR_NOT: ExitCodes = [['0', 'completed'], WRONG];
export const MATCHED_OR_NOT: ExitCodes = [['0', 'completed'], ['1', 'a spec matched nothing'], WRONG];
/** Of a rewrite, which makes no checkpoint that lacks a caller fd. */
export const WRITTEN_OR_NOT: ExitCodes = [
  ['0', 'completed'],
  ['1', 'a spec matched nothing, and nothing was written'],
  WRONG,
];
export const SAME_OR_NOT: ExitCodes = [
  ['0', 'nothing differs, or with --plan: the plan explains every difference'],
  ['1', 'a difference was found, or with --plan: one that the plan does not explain'],
  WRONG,
];
/** Of the help without a command. */
export const EXIT_CODES: ExitCodes = [
  ['0', 'completed'],
  ['1', 'a spec matched nothing (rewrite and restore stop), or a difference was found'],
  WRONG,
];

/** Of a batch: `no` is why the code of a single command would be 1. */
export function exitCodesOfBatch(no?: string): ExitCodes {
  return [
    ['0', 'every job is done, by this run or an earlier one'],
    ...(no === undefined ? [] : [['1', `every job is done; for at least one, ${no}`] as const]),
    ['2', 'wrong usage, or at least one job failed'],
  ];
}
