import type { FdgraftError } from '../errors/fdgraft-error';

/** A checkpoint, or what was named like one. */
export interface BatchInput {
  /** Path relative to the base, its parts parted by `/`: the output lies there below ROOT. */
  readonly name: string;
  /** Its path: absolute, unless the current directory has a name that is not UTF-8. */
  readonly path: string;
  /** Why it cannot be done, where that is known already. */
  readonly problem?: FdgraftError;
}
