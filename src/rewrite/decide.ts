import { canBeWatched } from '../checkpoint/descriptor-names';
import { type Access, accessOf } from '../checkpoint/open-flags';
import { DOMAIN, kindText, type OpenKind, SOCKET_TYPE } from '../checkpoint/open-kind';
import { unixAddress } from '../checkpoint/socket-types';
import { messages } from '../errors/messages';
import { OFFSET_MAX, PID_NUMBER_MAX, REOPENED_MAX } from '../schema/plan-limits';
import type { InheritSpec } from '../specs/spec';
import { type Assignment, assign, type Claim } from './assign';
import { decideBytes, type PlannedBytes, pipesFedByCriu, stayingEnds } from './decide-bytes';
import { Cuts } from './decide-cuts';
import { decideMemfds, type TakenMapping } from './decide-memfds';
import { decideSockets, type SocketDecision } from './decide-sockets';
import { decideTerminals, type TerminalDecision } from './decide-terminals';
import type { Decision, Placeholder, Policy } from './decision';
import { gatherWarnings } from './gather-warnings';
import { lostName } from './lost-name';
import { type Match, pipeOf } from './match';
import { refuseUndeliverable } from './refuse-undeliverable';
import { canReopen, isReopened, keepsOwner } from './reopening';
import { specOf } from './spec-of';
import type { Survey } from './survey';

/**
 * Decides from the survey what becomes a placeholder. Throws FdgraftError (IMAGES_DISAGREE, DESCRIPTOR_TIED,
 * BYTES_IN_FLIGHT, SPEC_SYNTAX, SPEC_UNSUPPORTED, PLAN_LIMIT) where the result would not restore, or would lose
 * bytes unasked.
 */
export function decide(found: Survey, specs: readonly InheritSpec[], policy: Policy): Decision {
  refuseHeldPipes(found);
  refuseImpossiblePids(found);
  const assigned = assign(found, specs);
  const terminals = decideTerminals(assigned, found, specs);
  const assignment = { ...assigned, claims: terminals.claims };
  refuseTies(assignment, found, specs);
  for (const claim of assignment.claims) refuseUnfit(claim.match, specOf(specs, claim));
  const staying = stayingEnds(assignment.staying, found);
  const fedByCriu = pipesFedByCriu(staying);
  const bytes = decideBytes(assignment.claims, found, specs, policy.dropInFlight, fedByCriu);
  const sockets = decideSockets(assignment, found, specs, policy.dropInFlight);
  const mappings = decideMemfds(assignment, found, specs);
  for (const mapping of mappings) refuseUnfitKind(mapping.match, specOf(specs, mapping));
  const placeholders = [
    ...makePlaceholders(assignment, found, specs, bytes, sockets, terminals),
    ...mappings.map(mappingPlaceholder),
  ].sort((a, b) => a.fileId - b.fileId);
  refuseUndeliverable(placeholders, specs, policy.debugs);
  refuseReopened(placeholders, specs);
  return {
    placeholders,
    lostRemaps: assignment.lostRemaps,
    matchCounts: countMatches(found, mappings, specs),
    warnings: gatherWarnings({ placeholders, assignment, staying, fedByCriu, found, specs, policy }),
  };
}

/** Only regular files are looked up by path: whatever names another entry so is damaged, and CRIU fails on it. */
function refuseHeldPipes(found: Survey): void {
  const remapped = new Set(found.remaps.flatMap(({ origId, linkedId }) => [origId, linkedId]));
  for (const { id, entry, type, facts } of found.matches) {
    if (type.isPath || found.mappedMemfds.has(id)) continue;
    const parts = remapped.has(id) ? ['part of a remap (remap-fpath.img)'] : [];
    const otherReferences = [...(found.otherReferences.get(id) ?? []), ...parts];
    if (otherReferences.length > 0)
      throw messages.entryHeld({ file: 'files.img', entry }, facts.key, type.name, id, otherReferences);
  }
}

/** A number that no task can have would stand in the plan. */
function refuseImpossiblePids({ tasks, tables }: Survey): void {
  for (const [pid, entry] of tasks.impossiblePids()) {
    if (!tables.has(tasks.tableOf(pid) ?? -1)) continue;
    throw messages.pidPastLimit({ file: 'pstree.img', entry, field: 'pstree_entry.pid' }, pid, PID_NUMBER_MAX);
  }
}

/** A lock or the like on a descriptor that moves. */
function refuseTies({ claims }: Assignment, found: Survey, specs: readonly InheritSpec[]): void {
  if (found.names.length === 0) return;
  const moved = new Map<string, Claim>();
  for (const claim of claims) {
    for (const { table, fd } of claim.references.descriptors) moved.set(`${table}/${fd}`, claim);
  }
  for (const { pid, fd, what, consequence, image, entry } of found.names) {
    const claim = moved.get(`${found.tasks.tableOf(pid)}/${fd}`);
    if (claim === undefined) continue;
    const { key } = claim.match.facts;
    const { text } = specOf(specs, claim);
    throw messages.descriptorTied({ file: image, entry }, key, `${pid}/${fd}`, what, consequence, text);
  }
}

/** What a spec asks and no file of the caller's can be. */
function refuseUnfit(match: Match, spec: InheritSpec): void {
  refuseUnfitKind(match, spec);
  const { facts, id, entry } = match;
  const { position, text } = spec;
  if (position !== 'saved') return;
  if (facts.offset === undefined) throw messages.noSavedOffset(text, facts.key, id);
  if (facts.offset > OFFSET_MAX) {
    const place = { file: 'files.img', entry, field: 'reg_file_entry.pos' };
    throw messages.offsetPastLimit(place, text, facts.key, facts.offset, OFFSET_MAX);
  }
}

/** Refuses options that do not go with the kind of file, be it open or only mapped. */
function refuseUnfitKind({ type, facts, id, entry }: Match, spec: InheritSpec): void {
  const { text } = spec;
  const place = { file: 'files.img', entry };
  if (spec.peer === 'hangup' && !hasPeer(facts.kind)) {
    const kind = facts.kind === undefined ? `of type ${type.name}` : kindText(facts.kind);
    throw messages.hangsUpNothing(place, text, facts.key, id, kind);
  }
  if (facts.kind !== undefined) {
    const option = unfitOption(spec, facts.kind);
    if (option !== undefined)
      throw messages.optionOfOtherKind(place, text, option, facts.key, id, kindText(facts.kind));
  }
}

/** True for a unix socket whose other end can be told of a hang-up. */
function hasPeer(kind: OpenKind | undefined): boolean {
  const { domain, type, state } = kind?.socket ?? {};
  return domain === DOMAIN.UNIX && type === SOCKET_TYPE.STREAM && state === 'CONNECTED';
}

/** The first option that the kind does not take: directories and memfds can be opened again, memfds have an offset. */
function unfitOption({ apply, position, truncate, nonblock }: InheritSpec, kind: OpenKind): string | undefined {
  const isMemfd = kind.name === 'memfd';
  if (apply === 'reopen' && !canReopen(kind)) return 'apply reopen';
  if (position !== 'caller' && !isMemfd) return `position ${position}`;
  if (nonblock && canReopen(kind)) return 'nonblock: true';
  return truncate ? 'truncate: true' : undefined;
}

/** Where specs leave the choice, the executor counts again: a dup of a socket serves any number of entries. */
function refuseReopened(placeholders: readonly Placeholder[], specs: readonly InheritSpec[]): void {
  const reopened = placeholders.filter((placeholder) => isReopened(specOf(specs, placeholder)));
  const past = reopened[REOPENED_MAX];
  if (past === undefined) return;
  const { entry, facts } = past.match;
  const { text } = specOf(specs, past);
  throw messages.reopenedPastLimit({ file: 'files.img', entry }, text, facts.key, reopened.length, REOPENED_MAX);
}

function makePlaceholders(
  { claims, staying }: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
  bytes: ReadonlyMap<Claim, readonly PlannedBytes[]>,
  sockets: SocketDecision,
  terminals: TerminalDecision,
): Placeholder[] {
  const keyed = [...terminals.whole.keys()].map(({ match }) => match.id);
  const replaced = new Set<number>([...staying, ...keyed]);
  const cuts = specs.some(({ truncate }) => truncate) ? new Cuts(found) : undefined;
  let lastId = found.highestId;
  const newId = () => {
    lastId += 1;
    if (lastId >= 2 ** 32) throw messages.noFileIdLeft();
    return lastId;
  };
  // By id, so that the new ones do not depend on where the entries lie.
  const ordered = [...claims].sort((a, b) => a.match.id - b.match.id);
  return ordered.map((claim): Placeholder => {
    const { match, spec, references } = claim;
    const asked = specOf(specs, claim);
    const terminal = terminals.whole.get(claim);
    const lostTerminal = terminals.lost.get(claim);
    const inPlace = terminal !== undefined || !replaced.has(match.id);
    replaced.add(match.id);
    const cut = cuts?.of(match, asked);
    const pipeSize = found.pipeSizes.get(pipeOf(match) ?? '');
    const [server] = inPlace ? (sockets.servers.get(match.id) ?? []) : [];
    const rival = inPlace ? sockets.rivals.get(match.id) : undefined;
    return {
      match,
      fileId: inPlace ? match.id : newId(),
      spec,
      references,
      access: accessOfClaim(claim),
      takesAll: references.descriptors.length === (found.references.get(match.id)?.descriptors.length ?? 0),
      keepsOwner: keepsOwner(match.facts, asked, found.tasks),
      isWatched: references.descriptors.some(({ table, fd }) => {
        for (const { inode } of found.watched.of(table, fd)) if (canBeWatched(match.facts, inode)) return true;
        return false;
      }),
      unread: bytes.get(claim) ?? sockets.queued.get(claim) ?? [],
      unnamed: inPlace ? (sockets.unnamed.get(match.id) ?? []) : [],
      ...(inPlace ? standInFor(match, sockets, found, newId) : {}),
      hungUp: inPlace ? (sockets.hungUp.get(match.id) ?? []) : [],
      ...(server === undefined ? {} : { server }),
      ...(rival === undefined ? {} : { rival }),
      ...(terminal === undefined ? {} : { terminal }),
      ...(lostTerminal === undefined ? {} : { lostTerminal }),
      ...(cut === undefined ? {} : { cut }),
      ...(pipeSize === undefined ? {} : { pipeSize }),
    };
  });
}

/**
 * By the flags of the entry. A terminal is open to read and write, whatever its descriptors are for: of one that goes in
 * parts, the standard ones need what their programs do with them.
 */
function accessOfClaim({ match: { facts }, references: { descriptors, scmRights } }: Claim): Access {
  const access = accessOf(facts.flags);
  if (facts.terminalId === undefined || facts.kind !== undefined || scmRights.length > 0) return access;
  if (descriptors.every(({ fd }) => fd === STDIN)) return { ...access, write: false };
  return descriptors.every(({ fd }) => fd === STDOUT || fd === STDERR) ? { ...access, read: false } : access;
}

const [STDIN, STDOUT, STDERR] = [0, 1, 2];

/** The entry stays, under the id that the mappings have. */
function mappingPlaceholder({ match, spec, memory }: TakenMapping): Placeholder {
  return {
    match,
    fileId: match.id,
    spec,
    references: { descriptors: [], scmRights: [] },
    access: { read: true, write: memory.writes },
    takesAll: false,
    keepsOwner: false,
    isWatched: false,
    unread: [],
    unnamed: [],
    hungUp: [],
    memory,
  };
}

function standInFor(
  { id, entry, facts }: Match,
  { clients, rivals }: SocketDecision,
  { socketPeers, mounts }: Survey,
  newId: () => number,
): Pick<Placeholder, 'standIn'> {
  const [first] = clients.get(id) ?? [];
  const message = socketPeers.messages.get(id);
  if (first === undefined || message === undefined) return {};
  const name = unixAddress(message.socket);
  const refuse = (why: string) =>
    messages.clientsCannotConnect({ file: 'files.img', entry }, facts.key, id, first.id, why);
  if (name === undefined) throw refuse('no name that it could connect to again');
  if (lostName(message.socket, mounts) !== undefined)
    throw refuse('CRIU makes the tmpfs with its name anew, without that name');
  const rival = rivals.get(id);
  if (rival !== undefined)
    throw refuse(
      `CRIU removes your socket at its path when it restores another one of that path (file id ${rival.id})`,
    );
  return { standIn: { fileId: newId(), message: message.bytes, name, before: first.entry } };
}

/** A memfd without descriptors counts by the entries of its mappings. */
function countMatches(found: Survey, mappings: readonly TakenMapping[], specs: readonly InheritSpec[]): number[] {
  const counts = specs.map(() => 0);
  const taken = new Set(mappings.map(({ match }) => match.id));
  const mapped = found.notOpen.filter(({ id }) => taken.has(id));
  for (const match of [...found.matches, ...mapped]) {
    for (const number of match.specs) counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}
