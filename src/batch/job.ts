import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import type { SinkNotice } from '../storage/sink';
import type { JobWarning } from './task';

/** Why something that was there was made again. */
export type MadeAgain = 'INPUT_CHANGED' | 'OPTIONS_CHANGED' | 'OUTPUT_CHANGED';

/** One input of a batch, and what came of it. Data alone. */
export interface BatchJob {
  /** The path of the input relative to the base. */
  readonly name: string;
  /** Its absolute path. */
  readonly path: string;
  /** The output; undefined where none is to be written. */
  readonly out: string | undefined;
  /** `no`: done, and the answer is no: something differs, or a spec matches nothing. `failed`: it could not be done. */
  readonly status: 'done' | 'no' | 'failed';
  /** An earlier run had done it. */
  readonly isEarlier: boolean;
  readonly again?: MadeAgain;
  readonly error?: JobError;
  readonly warnings: readonly JobWarning[];
  readonly notices: readonly SinkNotice[];
  /** Of a rewrite that writes nothing: the plan as `planToJson` gives it, and as text. */
  readonly plan?: Record<string, unknown>;
  readonly text?: string;
}

/** What an FdgraftError says. */
export type JobError = Pick<
  FdgraftError,
  'code' | 'exitCode' | 'message' | 'file' | 'entry' | 'offset' | 'field' | 'hint'
>;

export function toJobError(cause: unknown): JobError {
  const error = cause instanceof FdgraftError ? cause : messages.unforeseen(cause);
  const { code, exitCode, message, file, entry, offset, field, hint } = error;
  return { code, exitCode, message, file, entry, offset, field, hint };
}
