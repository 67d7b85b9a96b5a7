import type { Difference } from './difference';
import type { DiffGraph } from './graph';
import type { Statement } from './statement';

/** A difference, and whether the plan accounts for it; undefined where no plan was given. */
export type ToldDifference = Difference & { readonly explained?: boolean };

/**
 * `OTHER_RUN`: the two are of different runs of criu dump, so ids differ that mean the same; never with a plan or
 * `ignoreIds`. `RESTORED`: with a plan, the second one has the statistics that criu restore writes.
 */
export type DiffHint = 'OTHER_RUN' | 'RESTORED';

/** The differences of two checkpoints or images. It is to be closed. */
export interface DiffResult {
  /** Nothing differs. */
  readonly isSame: boolean;
  /** Why there may be differences that nobody looks for. */
  readonly hints: readonly DiffHint[];
  /** What it all means, a line each. */
  readonly meaning: readonly Statement[];
  /** Which descriptors and caller fds the entries that differ have; where it was asked for, and something differs. */
  readonly graph?: DiffGraph;
  /** How many differences the plan does not explain; 0 without one. */
  readonly unexplained: number;
  /** Lines that say in which other ways the checkpoints do not fit the plan. */
  readonly misfits: readonly string[];
  /** The differences one by one, once. They wait in a file where they are many; `close` lets go of it. */
  differences(): AsyncIterable<ToldDifference>;
  close(): void;
}
