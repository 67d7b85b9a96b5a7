import { escapeControls } from '../bytes/escape';
import { fileKind, hasOwner } from '../checkpoint/entry-facts';
import { descriptorKey } from '../checkpoint/key-text';
import { accessOf, appends, sendsSignals } from '../checkpoint/open-flags';
import { PROTOCOL } from '../checkpoint/open-kind';
import { isFifo, type PipeName } from '../checkpoint/pipe-name';
import { someOf } from '../errors/some-of';
import type { FownEntry } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Claim } from './assign';
import { accessOfEnd } from './decide-bytes';
import type { Placeholder, Policy } from './decision';
import type { FileUse } from './find-same-files';
import type { NamedTerminal } from './find-terminals';
import type { Watcher } from './find-watchers';
import { lostName } from './lost-name';
import { type PipeEnd, pipeOf, type TakenTerminal } from './match';
import { canReopen, isReopened, whyOwnerGoes } from './reopening';
import type { Survey } from './survey';
import type { Warning } from './warning';

/** This many are named of the specs that took what another one names. */
const MAX_TAKERS = 10;

type Specs = readonly InheritSpec[];

export interface Decided {
  readonly placeholders: readonly Placeholder[];
  readonly assignment: Assignment;
  /** Ends of the matched pipes that stay in the tree. */
  readonly staying: readonly PipeEnd[];
  /** Pipes whose unread bytes CRIU delivers itself. */
  readonly fedByCriu: ReadonlySet<PipeName>;
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
    ...readersWithoutBytes(decided),
    ...filesStillUsed(decided),
    ...lostRemaps(decided),
    ...watchesThatStay(decided),
    ...lostLocks(decided),
    ...terminalWarnings(decided),
    ...decided.placeholders.flatMap((placeholder) => entryWarnings(placeholder, decided)),
  ];
}

function shadowedSpecs({ assignment, found, specs, policy }: Decided): Warning[] {
  const takers = new Map<number, Set<number>>();
  for (const { match, spec } of assignment.claims) {
    const known = takers.get(match.id);
    if (known === undefined) takers.set(match.id, new Set([spec]));
    else known.add(spec);
  }
  const shadowed = new Map<number, { taken: number; named: number; last: number | undefined; by: Set<number> }>();
  for (const { id, type, specs: numbers } of found.matches) {
    const taking = takers.get(id) ?? new Set();
    for (const number of numbers) {
      const known = shadowed.get(number) ?? { taken: 0, named: 0, last: undefined, by: new Set<number>() };
      known.named += 1;
      if (!taking.has(number)) {
        known.taken += 1;
        // A terminal comes as a whole.
        if (type.name === 'REG') known.last = id;
        for (const taker of taking) if (known.by.size <= MAX_TAKERS) known.by.add(taker);
      }
      shadowed.set(number, known);
    }
  }
  const keyOfDescriptor = (id: number): string | undefined => {
    const claim = assignment.claims.find(
      ({ match, references }) => match.id === id && references.descriptors.length > 0,
    );
    const { table, fd } = claim?.references.descriptors[0] ?? {};
    const pid = table === undefined ? undefined : found.tasks.pidsOf(table)[0];
    return pid === undefined || fd === undefined ? undefined : descriptorKey(pid, fd);
  };
  return [...shadowed]
    .filter(([number, { taken }]) => taken > 0 && !policy.mayRepeat(number))
    .sort(([a], [b]) => a - b)
    .map(([number, { taken, named, last, by }]) => {
      const what = taken === named ? 'all its entries' : `${taken} of its ${named} entries`;
      const takers = [...by].slice(0, MAX_TAKERS).map((taker) => specs[taker]?.text);
      const more = by.size > MAX_TAKERS ? ' and others' : '';
      const verb = by.size > 1 ? 'take' : 'takes';
      // Of several files with one path, the key of a descriptor names one.
      const isOfSeveral = last !== undefined && named > 1 && taken === named && specs[number]?.key.kind === 'path';
      const key = isOfSeveral ? keyOfDescriptor(last) : undefined;
      const advice = key === undefined ? '' : `; ${key} names one of them`;
      return {
        code: 'SPEC_SHADOWED',
        message: `${specs[number]?.text}: ${takers.join(', ')}${more} ${verb} ${what}${advice}`,
      };
    });
}

interface Ends {
  readonly read: boolean;
  readonly write: boolean;
}
const NO_END: Ends = { read: false, write: false };
const isBoth = ({ read, write }: Ends) => read && write;
const either = (a: Ends, b: Ends): Ends => ({ read: a.read || b.read, write: a.write || b.write });

/** One caller fd for both ends of a pipe. An entry that reads and writes has no end that could go alone. */
function bothEnds({ placeholders, specs }: Decided): Warning[] {
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
function otherEnds({ placeholders, staying, specs }: Decided): Warning[] {
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
function readersWithoutBytes({ placeholders, specs }: Decided): Warning[] {
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

/** A descriptor goes to the caller's file, and what else is open on the old one stays there. One warning a file and spec. */
function filesStillUsed({ placeholders, found, specs }: Decided): Warning[] {
  const takers = new Map<number, Placeholder>();
  for (const placeholder of placeholders)
    takers.set(placeholder.match.id, takers.get(placeholder.match.id) ?? placeholder);
  // The content of a removed file is in the images, or under another name.
  const gone = new Set(found.remaps.map(({ origId }) => origId));
  return [...found.sameFiles.values()].flatMap((uses) => {
    const bySpec = new Map<number, Placeholder>();
    for (const { id } of uses) {
      const taker = takers.get(id);
      if (taker !== undefined && !bySpec.has(taker.spec)) bySpec.set(taker.spec, taker);
    }
    if (bySpec.size === 0) return [];
    const otherReferences = uses.flatMap((use) => use.otherReferences.map((holder) => `${holder} (file id ${use.id})`));
    const opens = uses.flatMap((use) => (takers.has(use.id) ? [] : opensOf(use, found)));
    return [...bySpec.values()].flatMap((taker) => [
      ...warnOfOtherReferences(taker, otherReferences, gone.has(taker.match.id), specs),
      ...warnOfOpens(taker, opens, specs),
    ]);
  });
}

function opensOf({ id, descriptors }: FileUse, { tasks }: Survey): string[] {
  return descriptors.map(({ table, fd }) => `${tasks.pidsOf(table)[0] ?? `table ${table}`}/${fd} (file id ${id})`);
}

function warnOfOtherReferences(
  { match, fileId, spec }: Placeholder,
  otherReferences: readonly string[],
  isGone: boolean,
  specs: Specs,
): Warning[] {
  if (otherReferences.length === 0) return [];
  const { key } = match.facts;
  const needsFile = isGone ? '' : `. The restore fails if ${key} does not exist`;
  const message = `${specs[spec]?.text} matches descriptors of ${key}, which also serves as ${someOf(otherReferences)}. After the restore, these descriptors use the caller's file and everything else uses the old file${needsFile}`;
  return [{ code: 'FILE_STILL_USED', message, fileId }];
}

/** No warning for specs that name single descriptors, nor for devices and directories, which many have open. */
function warnOfOpens({ match, fileId, spec }: Placeholder, opens: readonly string[], specs: Specs): Warning[] {
  const kind = fileKind(match.facts);
  if (opens.length === 0 || specs[spec]?.only || (kind !== 'regular' && kind !== undefined)) return [];
  const message = `${specs[spec]?.text} takes one open of ${match.facts.key} (file id ${match.id}), and others stay on the old file: ${someOf(opens)}`;
  return [{ code: 'OTHER_OPEN_STAYS', message, fileId }];
}

/** CRIU makes link_remap.N beside the file at the dump, and removes it at the restore (files-reg.c). */
function lostRemaps({ assignment, found }: Decided): Warning[] {
  const lost = new Set(assignment.lostRemaps);
  const keptGhosts = new Set(found.remaps.flatMap((remap) => (lost.has(remap) ? [] : (remap.ghostId ?? []))));
  const { watchedGhosts } = assignment;
  const gone = found.remaps.filter((remap) => lost.has(remap) || watchedGhosts.has(remap.ghostId ?? -1));
  const keys = new Map(found.matches.map(({ id, facts }) => [id, facts.key]));
  return gone.flatMap(({ origId, linkedId, ghostId }): Warning[] => {
    const about = `${keys.get(origId)} (file id ${origId}) had no name any more`;
    if (linkedId !== undefined) {
      const link = keys.get(origId)?.replace(/[^/]*$/, `link_remap.${linkedId}`);
      const message = `${about}: the link that the dump made to its file, ${link}, stays there, and you can remove it`;
      return [{ code: 'LINK_LEFT_BEHIND', message, fileId: origId }];
    }
    const watchers = watchedGhosts.get(ghostId ?? -1);
    // A ghost that another entry has too is restored for that one; a dead process's /proc has no content.
    if (ghostId === undefined || (keptGhosts.has(ghostId) && watchers === undefined)) return [];
    const message = `${about}: its content, which the images alone hold, is not restored${watchersOf(watchers)}`;
    return [{ code: 'REMOVED_FILE_DROPPED', message, fileId: origId }];
  });
}

/** CRIU removes each ghost when all have it open, and the kernel then ends the watches of it: in any restore (tried). */
function watchersOf(watchers: readonly Watcher[] | undefined): string {
  if (watchers === undefined) return '';
  const all = someOf(watchers.map(({ what, id }) => `the ${what} with file id ${id}`));
  return `. CRIU makes the file for the watch of ${all}, and removes it at the end of the restore. The watch ends with that, as in every restore`;
}

/** The images have the path of a watch, and CRIU watches what has that path. One warning a file and spec. */
function watchesThatStay({ placeholders, assignment, found, specs }: Decided): Warning[] {
  if (found.watchers.ofFiles.size === 0) return [];
  const matched = new Set(found.matches.map(({ id }) => id));
  const told = new Set<string>();
  const leftOf = new Map<readonly Watcher[], readonly Watcher[]>();
  return placeholders.flatMap(({ match, fileId, spec }): Warning[] => {
    const all = found.watchers.ofFiles.get(match.id);
    const about = `${specs[spec]?.text} ${match.facts.key}`;
    if (all === undefined || told.has(about)) return [];
    // Entries of one path share the list: each has it to look through once.
    const left = leftOf.get(all) ?? all.filter(({ id }) => !matched.has(id) || assignment.staying.has(id));
    leftOf.set(all, left);
    if (left.length === 0) return [];
    told.add(about);
    const watchers = someOf(left.map(({ what, id }) => `the ${what} with file id ${id}`));
    const advice = left.some(({ what }) => what === 'inotify')
      ? '. Name an inotify by its key /proc/PID/fd/N, and give one that watches your file'
      : '';
    const message = `${match.facts.key} (file id ${fileId}): a watch of ${watchers} stays on the old file, and reports nothing of what happens to the caller's${advice}`;
    return [{ code: 'WATCH_STAYS', message, fileId }];
  });
}

/** A lock of an open file is that of all its descriptors; one that leaves is without it. */
function lostLocks({ assignment, found }: Decided): Warning[] {
  const leaving = new Map<number, Claim>();
  for (const claim of assignment.claims) if (!leaving.has(claim.match.id)) leaving.set(claim.match.id, claim);
  const held = found.names.filter(({ isShared }) => isShared);
  if (held.length === 0 || leaving.size === 0) return [];
  const entryOf = new Map<string, number>();
  for (const id of leaving.keys()) {
    for (const { table, fd } of found.references.get(id)?.descriptors ?? []) entryOf.set(`${table}/${fd}`, id);
  }
  return held.flatMap(({ pid, fd, what }) => {
    const id = entryOf.get(`${found.tasks.tableOf(pid)}/${fd}`);
    const claim = id === undefined ? undefined : leaving.get(id);
    if (claim === undefined) return [];
    const { match } = claim;
    const message = `${match.facts.key} (file id ${match.id}): descriptor ${pid}/${fd}, which stays, holds ${what}; the descriptors that leave its entry do not claim it any more`;
    return [{ code: 'LOCK_NOT_SHARED' as const, message, fileId: match.id }];
  });
}

/** State that the task had set, and that is the caller's own now. */
function lostState({ match: { facts }, fileId, memory }: Placeholder): Warning[] {
  const { key, lost } = facts;
  if (memory !== undefined) {
    const tasks = someOf(memory.pids.map((pid) => `task ${pid}`));
    const message = `${key} (file id ${fileId}): the memory that ${tasks} mapped is the caller's file from now on, with the content of that`;
    return [{ code: 'STATE_LOST', message, fileId }];
  }
  return lost === undefined ? [] : [{ code: 'STATE_LOST', message: `${key} (file id ${fileId}): ${lost}`, fileId }];
}

/** Of a terminal's first placeholder. */
function terminalWarnings({ placeholders, found }: Decided): Warning[] {
  const told = new Set<number>();
  return placeholders.flatMap(({ match: { facts }, fileId, terminal, lostTerminal }) => {
    const id = terminal?.id ?? lostTerminal?.id;
    if (id === undefined || told.has(id)) return [];
    told.add(id);
    const why = notControlling(terminal, found.terminals.get(id));
    if (why === undefined) return [];
    return [{ code: 'TERMINAL_NOT_CONTROLLING', message: `${facts.key} (file id ${fileId}): ${why}`, fileId }];
  });
}

function notControlling(taken: TakenTerminal | undefined, named: NamedTerminal | undefined): string | undefined {
  if (taken === undefined) {
    if (named?.isHungUp === true) {
      return 'it was hung up before the dump: the open file of the caller takes the place of its descriptors, and is no controlling terminal';
    }
    return named?.role === 'master' && named.hasLeader
      ? `the other end, which nobody has open, is the controlling terminal of session ${named.session}: that session has none after the restore`
      : undefined;
  }
  if (taken.session === 0 || taken.hasLeader) return undefined;
  return 'the leader of its session is not in the checkpoint: the restored tasks have it as their controlling terminal only if criu restore runs in a session that has';
}

/** The ties of a socket that went. CRIU closes the network to a connection at the dump, and opens it for those that it restores. */
function socketWarnings({ match: { facts }, fileId, unnamed, standIn, hungUp, server }: Placeholder): Warning[] {
  const about = `${facts.key} (file id ${fileId})`;
  const warnings: Warning[] = [];
  const socket = facts.kind?.socket;
  if (socket?.protocol === PROTOCOL.TCP && socket.state === 'CONNECTED') {
    const message = `${about}: the dump closed the network to this connection, and the restore opens it for connections that CRIU itself restores; where the dump used iptables, its two rules for these addresses stay until you remove them`;
    warnings.push({ code: 'CONNECTION_LEFT', message, fileId });
  }
  if (unnamed.length > 0) {
    const message = `${about}: sockets that it had accepted stay (${someOf(unnamed.map(({ id }) => `file id ${id}`))}), and getsockname tells them no name any more: CRIU would bind them again and remove the path of the caller's socket`;
    warnings.push({ code: 'ACCEPTED_UNNAMED', message, fileId });
  }
  if (standIn !== undefined) {
    const message = `${about}: clients that stay in the tree connect to its name again, as new connections; the caller's socket has to be bound to it, and criu restore needs --ext-unix-sk`;
    warnings.push({ code: 'CLIENTS_CONNECT_AGAIN', message, fileId });
  }
  if (server !== undefined) {
    const message = `${about}: the socket that it was connected to (file id ${server.id}) stays in the tree, and gets nothing from it any more; a connection that waited there to be accepted is gone`;
    warnings.push({ code: 'SERVER_STAYS', message, fileId });
  }
  if (hungUp.length > 0) {
    const message = `${about}: the other end of the pair stays (${someOf(hungUp.map(({ id }) => `file id ${id}`))}) and sees a hang-up, as you asked: it reads what its queue holds, then the end of the file, and its writes fail with EPIPE`;
    warnings.push({ code: 'PEER_HUNG_UP', message, fileId });
  }
  return warnings;
}

function unboundName({ match: { id, facts }, fileId }: Placeholder, found: Survey): Warning[] {
  const socket = found.socketPeers.messages.get(id)?.socket;
  const path = socket && fileId === id ? lostName(socket, found.mounts) : undefined;
  if (path === undefined) return [];
  const message = `${facts.key} (file id ${fileId}): nobody binds ${path} after the restore, since CRIU makes the tmpfs with that path anew; a later connect to it fails with ENOENT`;
  return [{ code: 'NAME_NOT_BOUND', message, fileId }];
}

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

function entryWarnings(placeholder: Placeholder, decided: Decided): Warning[] {
  const { match, fileId, spec, unread, keepsOwner, cut, memory } = placeholder;
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
  warnings.push(...socketWarnings(placeholder), ...unboundName(placeholder, decided.found), ...lostState(placeholder));
  const isFedByCriu = decided.fedByCriu.has(pipeOf(match) ?? '');
  for (const { bytes, fate } of unread) {
    if (fate !== 'DROP') continue;
    const what = `${unreadBytes(bytes)} ${bytes === 1 ? 'is' : 'are'} dropped here, as you asked`;
    const rest = isFedByCriu ? '; CRIU gives them to the end that stays in the tree' : '';
    warnings.push({ code: 'BYTES_DROPPED', message: escapeControls(`${about}: ${what}${rest}`), fileId });
  }
  return warnings;
}
