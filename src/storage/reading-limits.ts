import { ReadingLimit } from './reading-limit';

/** What ends the reading of a source. All files of a pass share it. */
export interface ReadingLimits {
  readonly signal: AbortSignal | undefined;
  readonly amount: ReadingLimit;
}

export function readingLimits(signal: AbortSignal | undefined): ReadingLimits {
  return { signal, amount: new ReadingLimit() };
}
