import { escapeControls } from '../bytes/escape';
import { accessOf, hasOwner } from '../checkpoint/entry-types';
import type { FownEntry } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Share } from './assign';
import type { Placeholder, Policy } from './decide';
import { accessOfEnd, pipesFedByCriu, stayingEnds } from './decide-bytes';
import { type PipeName, pipeOf } from './match';
import type { Survey } from './survey';
import type { Warning } from './warning';

export interface Decided {
  readonly placeholders: readonly Placeholder[];
  readonly assignment: Assignment;
  readonly found: Survey;
  readonly specs: readonly InheritSpec[];
  readonly policy: Policy;
}

/** All that a rewrite loses, or that may surprise. */
export function gatherWarnings(decided: Decided): Warning[] {
  return [
    ...shadowedSpecs(decided),
    ...bothEnds(decided),
    ...otherEnds(decided),
    ...lostRemaps(decided),
    ...decided.placeholders.flatMap((placeholder) => entryWarnings(placeholder, decided)),
  ];
}

function shadowedSpecs({ assignment, found, specs, policy }: Decided): Warning[] {
  const takers = new Map<number, Share[]>();
  for (const share of assignment.shares) {
    takers.set(share.match.id, [...(takers.get(share.match.id) ?? []), share]);
  }
  const shadowed = new Map<number, { taken: number; named: number; by: Set<number> }>();
  for (const { id, specs: numbers } of found.matches) {
    const taking = (takers.get(id) ?? []).map(({ spec }) => spec);
    for (const number of numbers) {
      const known = shadowed.get(number) ?? { taken: 0, named: 0, by: new Set<number>() };
      known.named += 1;
      if (!taking.includes(number)) {
        known.taken += 1;
        for (const taker of taking) known.by.add(taker);
      }
      shadowed.set(number, known);
    }
  }
  return [...shadowed]
    .filter(([number, { taken }]) => taken > 0 && !policy.mayRepeat(number))
    .sort(([a], [b]) => a - b)
    .map(([number, { taken, named, by }]) => {
      const what = taken === named ? 'all its entries' : `${taken} of its ${named} entries`;
      const takers = [...by].map((taker) => specs[taker]?.text).join(', ');
      return { code: 'SPEC_SHADOWED', message: `${specs[number]?.text}: ${takers} takes ${what}` };
    });
}

interface Ends {
  readonly read: boolean;
  readonly write: boolean;
}
const NO_END: Ends = { read: false, write: false };
const either = (a: Ends, b: Ends): Ends => ({ read: a.read || b.read, write: a.write || b.write });

/** One caller fd for both ends of a pipe. */
function bothEnds({ placeholders, specs }: Decided): Warning[] {
  const taken = new Map<string, { ends: Ends; key: string; spec: number }>();
  for (const { match, spec } of placeholders) {
    const { flags, key } = match.facts;
    const pipe = pipeOf(match);
    if (pipe === undefined) continue;
    const name = `${pipe} ${specs[spec]?.callerFd}`;
    const known = taken.get(name) ?? { ends: NO_END, key, spec };
    taken.set(name, { ...known, ends: either(known.ends, accessOf(flags)) });
  }
  return [...taken.values()].flatMap(({ ends, key, spec }) => {
    if (!ends.read || !ends.write) return [];
    const message =
      `${key} has both its ends in the checkpoint, and ${specs[spec]?.text} takes both: the caller's ` +
      'descriptor must be open for reading and writing; the key /proc/PID/fd/N names one end alone';
    return [{ code: 'BOTH_ENDS' as const, message }];
  });
}

/** One end goes and the other stays: what was one pipe are two. */
function otherEnds({ placeholders, assignment, found, specs }: Decided): Warning[] {
  const stay = new Map<PipeName, Ends>();
  for (const { pipe, flags } of stayingEnds(assignment.staying, found)) {
    stay.set(pipe, either(stay.get(pipe) ?? NO_END, accessOfEnd(flags)));
  }
  return placeholders.flatMap(({ match, fileId, spec }) => {
    const { flags, key } = match.facts;
    const left = stay.get(pipeOf(match) ?? '') ?? NO_END;
    const gone = accessOf(flags);
    const cut = [
      ...(gone.read && left.write
        ? ['what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays']
        : []),
      ...(gone.write && left.read
        ? ['the end that stays reads nothing of what is written, and the end of the file where no writer stays']
        : []),
    ];
    if (cut.length === 0) return [];
    const message = `${specs[spec]?.text} takes one end of ${key} (file id ${match.id}), and the other one stays in the tree: ${cut.join('; ')}`;
    return [{ code: 'OTHER_END_STAYS' as const, message, fileId }];
  });
}

/** CRIU makes link_remap.N beside the file at the dump, and removes it at the restore (files-reg.c). */
function lostRemaps({ assignment, found }: Decided): Warning[] {
  return assignment.lostRemaps.map(({ origId, linkedId }): Warning => {
    const key = found.matches.find(({ id }) => id === origId)?.facts.key ?? '';
    if (linkedId === undefined) {
      const message = `${key} (file id ${origId}) had no name any more: its content, which the images alone hold, is not restored`;
      return { code: 'REMOVED_FILE_DROPPED', message, fileId: origId };
    }
    const link = key.replace(/[^/]*$/, `link_remap.${linkedId}`);
    const message = `${key} (file id ${origId}) had no name any more: the link that the dump made to its file, ${link}, stays there, and you can remove it`;
    return { code: 'LINK_LEFT_BEHIND', message, fileId: origId };
  });
}

/** F_OWNER_TID, F_OWNER_PID and F_OWNER_PGRP of fcntl(2). */
const OWNER_KINDS = new Map([
  [0, 'thread'],
  [1, 'process'],
  [2, 'process group'],
]);

function describeOwner({ pid, pid_type, signum }: FownEntry): string {
  return `${OWNER_KINDS.get(pid_type) ?? 'owner'} ${pid} got signal ${signum || 'SIGIO'} on I/O`;
}

function entryWarnings({ match, fileId, spec, inFlight, keepsOwner }: Placeholder, decided: Decided): Warning[] {
  const warnings: Warning[] = [];
  const { key, owner } = match.facts;
  const about = `${key} (file id ${fileId})`;
  if (hasOwner(owner) && !keepsOwner) {
    const { apply, position } = decided.specs[spec] as InheritSpec;
    const why =
      apply === 'reopen' || position !== 'caller'
        ? 'since that is none of the tree'
        : "since it would change the caller's own file; apply reopen keeps it";
    warnings.push({
      code: 'OWNER_DROPPED',
      message: `${about}: ${describeOwner(owner)}; that is not restored, ${why}`,
      fileId,
    });
  }
  const isFedByCriu = pipesFedByCriu(decided.assignment.staying, decided.found).has(pipeOf(match) ?? '');
  for (const { bytes, fate } of inFlight) {
    if (fate !== 'DROP') continue;
    const what = `${bytes} unread ${bytes === 1 ? 'byte is' : 'bytes are'} dropped here, as you asked`;
    const rest = isFedByCriu ? '; CRIU gives them to the end that stays in the tree' : '';
    warnings.push({ code: 'BYTES_DROPPED', message: escapeControls(`${about}: ${what}${rest}`), fileId });
  }
  return warnings;
}
