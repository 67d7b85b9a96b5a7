import { HoleLimit } from './hole-limit';

/** What ends the reading of a source. All files of the source share it. */
export interface ReadingLimits {
  readonly signal: AbortSignal | undefined;
  readonly holes: HoleLimit;
}

export function readingLimits(signal: AbortSignal | undefined): ReadingLimits {
  return { signal, holes: new HoleLimit() };
}
