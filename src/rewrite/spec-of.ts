import type { InheritSpec } from '../specs/spec';

/** The spec of a claim or placeholder. */
export function specOf(specs: readonly InheritSpec[], { spec }: { readonly spec: number }): InheritSpec {
  return specs[spec] as InheritSpec;
}
