import { escapeControls } from '../../bytes/escape';
import { accessOf } from '../../checkpoint/open-flags';
import { isFifo, type PipeName } from '../../checkpoint/pipe-name';
import type { InheritSpec } from '../../specs/spec';
import { accessOfEnd } from '../decide-bytes';
import type { Placeholder } from '../decision';
import { pipeOf } from '../match';
import type { Warning } from '../warning';
import type { Decided } from './decided';

interface Ends {
  readonly read: boolean;
  readonly write: boolean;
}
const NO_END: Ends = { read: false, write: false };
const isBoth = ({ read, write }: Ends) => read && write;
const either = (a: Ends, b: Ends): Ends => ({ read: a.read || b.read, write: a.write || b.write });

/** One caller fd for both ends of a pipe. An entry that reads and writes has no end that could go alone. */
export function bothEnds({ placeholders, specs }: Decided): Warning[] {
  const taken = new Map<string, { pipe: PipeName; ends: Ends; key: string; spec: number }>();
  for (const { match, spec } of placeholders) {
    const { flags, key } = match.facts;
    const pipe = pipeOf(match);
    const ends = accessOf(flags);
    if (pipe === undefined || isBoth(ends)) continue;
    const name = `${pipe} ${specs[spec]?.callerFd}`;
    const known = taken.get(name) ?? { pipe, ends: NO_END, key, spec };
    taken.set(name, { ...known, ends: either(known.ends, ends) });
  }
  return [...taken.values()].flatMap(({ pipe, ends, key, spec }) => {
    if (!isBoth(ends)) return [];
    const { text } = specs[spec] as InheritSpec;
    const needs = "the caller's descriptor must be open for reading and writing";
    const single = isFifo(pipe)
      ? 'the key /proc/PID/fd/N names one end alone'
      : `the keys ${key}:read and ${key}:write name one end each`;
    const message = `${key} has both its ends in the checkpoint, and ${text} takes both: ${needs}; ${single}`;
    return [{ code: 'BOTH_ENDS' as const, message }];
  });
}

/** One end goes and the other stays: what was one pipe are two. */
export function otherEnds({ placeholders, staying, specs }: Decided): Warning[] {
  const stay = new Map<PipeName, Ends>();
  for (const { pipe, flags } of staying) {
    stay.set(pipe, either(stay.get(pipe) ?? NO_END, accessOfEnd(flags)));
  }
  return placeholders.flatMap(({ match, fileId, spec }) => {
    const { flags, key } = match.facts;
    const pipe = pipeOf(match) ?? '';
    const left = stay.get(pipe) ?? NO_END;
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
    const about = `${specs[spec]?.text} takes ${isBoth(gone) ? 'an open file' : 'one end'} of ${key} (file id ${match.id})`;
    const message = `${about}, and ${otherEnd(pipe, key, gone)} stays in the tree: ${cut.join('; ')}`;
    return [{ code: 'OTHER_END_STAYS', message, fileId }];
  });
}

/** The words for the rest of a pipe that an end leaves. */
function otherEnd(pipe: PipeName, key: string, gone: Ends): string {
  if (isBoth(gone)) return 'another one';
  return isFifo(pipe) ? 'the other one' : `the other one, ${key}:${gone.read ? 'write' : 'read'},`;
}

/** Readers of one pipe that get several: unread bytes come out of one of these. */
export function readersWithoutBytes({ placeholders, specs }: Decided): Warning[] {
  const carriers = new Map<PipeName, { callerFd: number; bytes: number }>();
  for (const { match, spec, unread } of placeholders) {
    const pipe = pipeOf(match);
    const bytes = unread.reduce((sum, one) => sum + (one.fate === 'REPLAY' ? one.bytes : 0), 0);
    if (pipe !== undefined && bytes > 0) carriers.set(pipe, { callerFd: (specs[spec] as InheritSpec).callerFd, bytes });
  }
  return placeholders.flatMap(({ match, fileId, spec }) => {
    const carrier = carriers.get(pipeOf(match) ?? '');
    const { text, callerFd } = specs[spec] as InheritSpec;
    const { flags, key } = match.facts;
    if (carrier === undefined || carrier.callerFd === callerFd || !accessOf(flags).read) return [];
    const message = `${text} takes a reader of ${key} (file id ${match.id}): ${unreadBytes(carrier.bytes)} of it ${carrier.bytes === 1 ? 'goes' : 'go'} to caller fd ${carrier.callerFd} alone`;
    return [{ code: 'BYTES_TO_ONE_READER', message: escapeControls(message), fileId }];
  });
}

function unreadBytes(bytes: number): string {
  return `${bytes} unread ${bytes === 1 ? 'byte' : 'bytes'}`;
}

/** Unread bytes that nobody gets, since the user said so. */
export function droppedBytes({ match, fileId, unread }: Placeholder, { fedByCriu }: Decided): Warning[] {
  const rest = fedByCriu.has(pipeOf(match) ?? '') ? '; CRIU gives them to the end that stays in the tree' : '';
  return unread.flatMap(({ bytes, fate }): Warning[] => {
    if (fate !== 'DROP') return [];
    const what = `${unreadBytes(bytes)} ${bytes === 1 ? 'is' : 'are'} dropped here, as you asked`;
    const message = `${match.facts.key} (file id ${fileId}): ${what}${rest}`;
    return [{ code: 'BYTES_DROPPED', message: escapeControls(message), fileId }];
  });
}
