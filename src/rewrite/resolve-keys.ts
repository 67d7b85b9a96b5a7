import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { type ResolvedDescriptors, resolveDescriptors } from './resolve-descriptors';
import { type ResolvedMemfds, resolveMemfds } from './resolve-memfds';
import { type ResolvedTerminals, resolveTerminals } from './resolve-terminals';

/** The meaning of keys for which files.img alone is not enough. */
export interface ResolvedKeys extends ResolvedDescriptors, ResolvedTerminals, ResolvedMemfds {}

/** Finds out which entries these keys mean. Throws FdgraftError. */
export async function resolveKeys(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ResolvedKeys> {
  return {
    ...(await resolveDescriptors(source, specs, signal)),
    ...(await resolveTerminals(source, specs, signal)),
    ...(await resolveMemfds(source, specs, signal)),
  };
}
