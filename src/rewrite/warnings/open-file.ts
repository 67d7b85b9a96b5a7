import { hasOwner } from '../../checkpoint/entry-facts';
import { appends, sendsSignals } from '../../checkpoint/open-flags';
import { someOf } from '../../errors/some-of';
import type { FownEntry } from '../../schema/generated/images';
import type { InheritSpec } from '../../specs/spec';
import type { Placeholder } from '../decision';
import { canReopen, isReopened, whyOwnerGoes } from '../reopening';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** F_OWNER_TID, F_OWNER_PID and F_OWNER_PGRP of fcntl(2). */
const OWNER_KINDS = new Map([
  [0, 'thread'],
  [1, 'process'],
  [2, 'process group'],
]);

function describeOwner({ pid, pid_type, signum }: FownEntry): string {
  const signal = `signal ${signum || 'SIGIO'}`;
  if (pid === 0) return `${signal} was set for I/O, for no process yet`;
  return `${OWNER_KINDS.get(pid_type) ?? 'owner'} ${pid} got ${signal} on I/O`;
}

/** The owner of an open file that is not restored, its O_ASYNC, and an offset that appending or a cut decides. */
export function openFileWarnings(placeholder: Placeholder, decided: Decided): Warning[] {
  const { match, fileId, spec, keepsOwner, cut, memory } = placeholder;
  const warnings: Warning[] = [];
  const { key, owner, flags } = match.facts;
  const about = `${key} (file id ${fileId})`;
  const asked = decided.specs[spec] as InheritSpec;
  const { position } = asked;
  if (hasOwner(owner) && !keepsOwner && memory === undefined) {
    const why = whyOwnerGoes(match.facts, decided.found.tasks);
    const message = `${about}: ${describeOwner(owner)}; that is not restored, ${why}`;
    warnings.push({ code: 'OWNER_DROPPED', message, fileId });
  }
  if (sendsSignals(flags) && !hasOwner(owner) && !isReopened(asked) && memory === undefined) {
    const advice = canReopen(match.facts.kind) ? '; apply reopen sets it' : '';
    const message = `${about}: it had O_ASYNC, and a dup has the flags of the caller's descriptor${advice}`;
    warnings.push({ code: 'ASYNC_DROPPED', message, fileId });
  }
  if (position === 'saved' && appends(flags) && cut === undefined) {
    const message = `${about}: position saved does not change where it writes: it is open for appending, so that goes to the end of the caller's file; truncate: true cuts the file to the size that the dump recorded`;
    warnings.push({ code: 'APPENDS_AT_END', message, fileId });
  }
  if (cut?.isOffset) {
    const message = `${about}: the dump recorded no size of a file that is open for appending alone; the caller's file is cut at ${cut.size}, the end of what its entries appended, and what others appended after that goes too`;
    warnings.push({ code: 'CUT_AT_OFFSET', message, fileId });
  }
  return warnings;
}

/** State that the task had set, and that is the caller's own now. */
export function lostState({ match: { facts }, fileId, memory }: Placeholder): Warning[] {
  const { key, lost } = facts;
  if (memory !== undefined) {
    const tasks = someOf(memory.pids.map((pid) => `task ${pid}`));
    const message = `${key} (file id ${fileId}): the memory that ${tasks} mapped is the caller's file from now on, with the content of that`;
    return [{ code: 'STATE_LOST', message, fileId }];
  }
  return lost === undefined ? [] : [{ code: 'STATE_LOST', message: `${key} (file id ${fileId}): ${lost}`, fileId }];
}
