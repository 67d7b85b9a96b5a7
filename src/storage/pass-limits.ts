import { ReadingLimit } from './reading-limit';

/** Ends a pass over a source. All files of the pass share it. */
export interface PassLimits {
  readonly signal: AbortSignal | undefined;
  readonly amount: ReadingLimit;
}

export function passLimits(signal: AbortSignal | undefined): PassLimits {
  return { signal, amount: new ReadingLimit() };
}
