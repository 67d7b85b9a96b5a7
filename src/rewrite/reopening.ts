import { type EntryFacts, hasOwner } from '../checkpoint/entry-facts';
import { isPathOnly } from '../checkpoint/open-flags';
import { isOpenable } from '../checkpoint/open-kind';
import type { Tasks } from '../checkpoint/tasks';
import type { InheritSpec } from '../specs/spec';

/** True where a spec asks for an open file of its own in place of a dup. */
export function isReopened({ apply, position }: InheritSpec): boolean {
  return apply === 'reopen' || position !== 'caller';
}

/**
 * CRIU sets the owner on what it restores, and on a dup that would change the caller's own file; a number that is
 * not of the tree fails the restore (tried).
 */
export function keepsOwner({ owner, flags }: EntryFacts, spec: InheritSpec, tasks: Tasks): boolean {
  return isReopened(spec) && !isPathOnly(flags) && hasOwner(owner) && isOfTree(owner, tasks);
}

/** Why the owner is not restored, with the way out where there is one. */
export function whyOwnerGoes({ owner, kind }: EntryFacts, tasks: Tasks): string {
  if (!isOfTree(owner, tasks)) return 'since that is none of the tree';
  const advice = canReopen(kind) ? '; apply reopen keeps it' : '';
  return `since it would change the caller's own file${advice}`;
}

/** True where apply reopen is an option for the caller's file. */
export function canReopen(kind: EntryFacts['kind']): boolean {
  return kind === undefined || isOpenable(kind);
}

function isOfTree({ pid }: EntryFacts['owner'], tasks: Tasks): boolean {
  return pid === 0 || tasks.hasNumber(pid);
}
