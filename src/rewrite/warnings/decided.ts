import type { PipeName } from '../../checkpoint/pipe-name';
import type { InheritSpec } from '../../specs/spec';
import type { Assignment } from '../assign';
import type { Placeholder, Policy } from '../decision';
import type { PipeEnd } from '../match';
import type { Survey } from '../survey';

export type Specs = readonly InheritSpec[];

export interface Decided {
  readonly placeholders: readonly Placeholder[];
  readonly assignment: Assignment;
  /** Ends of the matched pipes that stay in the tree. */
  readonly staying: readonly PipeEnd[];
  /** Pipes whose unread bytes CRIU delivers itself. */
  readonly fedByCriu: ReadonlySet<PipeName>;
  readonly found: Survey;
  readonly specs: Specs;
  readonly policy: Policy;
}
