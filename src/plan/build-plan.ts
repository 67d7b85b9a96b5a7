import { escapeControls } from '../bytes/escape';
import { type List, Mapped } from '../bytes/mapped';
import type { EntryFacts } from '../checkpoint/entry-facts';
import { isCharacterDevice } from '../checkpoint/entry-facts';
import { memfdFileKey, terminalKey } from '../checkpoint/key-text';
import { isNonblocking, isPathOnly } from '../checkpoint/open-flags';
import type { OpenKind } from '../checkpoint/open-kind';
import { MAX_NAME_BYTES } from '../checkpoint/socket-types';
import { OWN_RDEV } from '../checkpoint/terminal-type';
import type { Decision, Placeholder, StandIn } from '../rewrite/decision';
import type { GatheredCredentials } from '../rewrite/gather-credentials';
import type {
  ChangedImage,
  DescriptorReference,
  MappedMemory,
  Match,
  References,
  TakenTerminal,
} from '../rewrite/match';
import type { Warning } from '../rewrite/warning';
import type { DebugSpec, InheritSpec } from '../specs/spec';
import {
  PLAN_FORMAT,
  type Plan,
  type PlanKind,
  type PlanMapping,
  type PlanPlaceholder,
  type PlanReference,
  type PlanTerminal,
} from './plan';

export interface PlanParts {
  readonly tool: string;
  readonly inherits: readonly InheritSpec[];
  /** Numbers of those that criu itself is to be given: they are no part of the plan. */
  readonly left: ReadonlySet<number>;
  readonly debugs: readonly DebugSpec[];
  readonly decision: Decision;
  readonly changed: readonly ChangedImage[];
  /** The tasks that use a table. */
  readonly pidsOf: (table: number) => readonly number[];
  readonly gathered: GatheredCredentials;
  /** Warnings that are not the decision's. */
  readonly warnings: readonly Warning[];
}

/** Puts the plan together. The same parts give the same plan: no time, no place. */
export function buildPlan(parts: PlanParts): Plan {
  const { decision, changed, inherits, left, gathered } = parts;
  const planned = inherits.flatMap((_spec, number) => (left.has(number) ? [] : [number]));
  const places = new Map(planned.map((number, place) => [number, place]));
  const { userNamespace } = gathered;
  return {
    format: PLAN_FORMAT,
    tool: parts.tool,
    images: [...changed].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    specs: planned.map((number) => {
      const { text, callerFd } = inherits[number] as InheritSpec;
      return { text: escapeControls(text), caller_fd: callerFd, matches: decision.matchCounts[number] ?? 0 };
    }),
    debugs: parts.debugs.map((spec) => ({
      text: escapeControls(spec.text),
      caller_fd: spec.callerFd,
      output: spec.output,
    })),
    warnings: [...parts.warnings, ...decision.warnings].map(({ code, message, fileId }) => ({
      code,
      message: escapeControls(message),
      ...(fileId === undefined ? {} : { file_id: fileId }),
    })),
    credentials: gathered.credentials.map(
      ({ pids, uid, gid, groups, overridesAccess, overridesReading, fileSize }) => ({
        pids,
        uid,
        gid,
        groups,
        overrides_access: overridesAccess,
        overrides_reading: overridesReading,
        ...(fileSize === undefined ? {} : { file_size: fileSize }),
      }),
    ),
    ...(userNamespace === undefined ? {} : { user_namespace: userNamespace }),
    placeholders: decision.placeholders.map((placeholder) => buildPlaceholder(placeholder, parts, places)),
  };
}

function buildPlaceholder(
  placeholder: Placeholder,
  parts: PlanParts,
  places: ReadonlyMap<number, number>,
): PlanPlaceholder {
  const {
    match,
    fileId,
    spec: number,
    references,
    unread,
    isWatched,
    cut,
    pipeSize,
    unnamed,
    standIn,
    hungUp,
    access,
    memory,
    terminal,
    lostTerminal,
  } = placeholder;
  const { facts } = match;
  const spec = parts.inherits[number] as InheritSpec;
  // A descriptor of O_PATH has nothing to open again, and no offset; a mapping has neither, and CRIU dups what it finds by a key.
  const isDup = isPathOnly(facts.flags) || memory !== undefined || terminal !== undefined;
  const position = isDup ? 'CALLER' : POSITION[spec.position];
  return {
    file_id: fileId,
    ...(fileId === match.id ? {} : { split_from: match.id }),
    caller_fd: spec.callerFd,
    spec: places.get(number) as number,
    was: describeEntry(match, position === 'SAVED'),
    needs_read: access.read,
    needs_write: access.write,
    ...(isWatched ? { watched: true } : {}),
    apply: isDup ? 'DUP' : APPLY[spec.apply],
    position,
    references: buildReferences(references, parts.pidsOf),
    in_flight: unread.map(({ image, offset, bytes, pipeSize, fate }) => ({
      image,
      offset,
      bytes,
      ...(pipeSize === undefined ? {} : { pipe_size: pipeSize }),
      fate,
    })),
    ...(cut === undefined ? {} : { truncate_to: cut.size }),
    ...(pipeSize === undefined ? {} : { pipe_size: pipeSize }),
    ...(facts.kind === undefined ? {} : { kind: buildKind(facts, facts.kind, standIn) }),
    ...(unnamed.length === 0 ? {} : { unnamed: unnamed.map(({ id }) => id) }),
    ...(standIn === undefined ? {} : { stand_in: standIn.fileId }),
    ...(spec.nonblock && isNonblocking(facts.flags) ? { set_nonblock: true } : {}),
    ...(hungUp.length === 0 ? {} : { hung_up: hungUp.map(({ id }) => id) }),
    ...(terminal === undefined ? {} : { key: terminalKey(OWN_RDEV, terminal.dev), terminal: terminalOf(terminal) }),
    ...(lostTerminal === undefined ? {} : { lost_terminal: lostTerminal.id }),
    ...(memory === undefined ? {} : { key: memfdFileKey(memory.name), mapping: mappingOf(memory) }),
  };
}

/** `isPlaced`: the file is to be placed at the offset. That of a character device says nothing else. */
function describeEntry({ type, facts }: Match, isPlaced: boolean): PlanPlaceholder['was'] {
  const { key, flags, offset, pipeId, owner } = facts;
  return {
    type: type.name,
    key,
    flags,
    ...(offset === undefined || (isCharacterDevice(facts) && !isPlaced) ? {} : { offset }),
    ...(pipeId === undefined ? {} : { pipe_id: pipeId }),
    owner,
  };
}

function terminalOf({ id, session, foreground, hasLeader }: TakenTerminal): PlanTerminal {
  return { id, session, foreground, has_leader: hasLeader };
}

function mappingOf({ pids, bytes, writes }: MappedMemory): PlanMapping {
  return { pids, bytes, writes };
}

function buildKind(
  { memfdSeals: seals }: EntryFacts,
  { name, socket }: OpenKind,
  standIn: StandIn | undefined,
): PlanKind {
  if (socket === undefined) return { name, ...(seals === undefined ? {} : { seals }) };
  // A socket was bound to a longer one from its working directory: no name of the caller's can be compared with it.
  const isName = standIn !== undefined && standIn.name.length <= MAX_NAME_BYTES;
  return { name, socket: isName ? { ...socket, name: standIn.name } : socket };
}

const APPLY = { auto: 'AUTO', dup: 'DUP', reopen: 'REOPEN' } as const;
const POSITION = { caller: 'CALLER', saved: 'SAVED', end: 'END' } as const;

/** So many references of one placeholder are made one by one, when they are asked for. */
const MADE_FROM = 1024;

function buildReferences({ descriptors, scmRights }: References, pidsOf: PlanParts['pidsOf']): List<PlanReference> {
  const ofDescriptor = ({ table, fd, closeOnExec }: DescriptorReference): PlanReference => ({
    descriptor: { table, pids: pidsOf(table), fd, close_on_exec: closeOnExec },
  });
  if (scmRights.length === 0 && descriptors.length > MADE_FROM) return new Mapped(descriptors, ofDescriptor);
  return [
    ...descriptors.map(ofDescriptor),
    ...scmRights.map(({ packet, socketId }) => ({ scm_right: { packet, socket_id: socketId } })),
  ];
}
