import { canBeWatched } from '../checkpoint/descriptor-names';
import { type Access, accessOf } from '../checkpoint/open-flags';
import { unixAddress } from '../checkpoint/socket-types';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Claim } from './assign';
import type { PlannedBytes } from './decide-bytes';
import { Cuts } from './decide-cuts';
import type { TakenMapping } from './decide-memfds';
import type { SocketDecision } from './decide-sockets';
import type { TerminalDecision } from './decide-terminals';
import type { Placeholder } from './decision';
import { lostName } from './lost-name';
import { type Match, pipeOf, type References } from './match';
import { keepsOwner } from './reopening';
import { specOf } from './spec-of';
import type { Survey } from './survey';

/** All decisions about the claims. */
interface Decided {
  readonly assignment: Assignment;
  readonly found: Survey;
  readonly specs: readonly InheritSpec[];
  readonly bytes: ReadonlyMap<Claim, readonly PlannedBytes[]>;
  readonly sockets: SocketDecision;
  readonly terminals: TerminalDecision;
}

/** A placeholder for each claim. Throws FdgraftError where a cut has no size, or a socket's clients cannot connect. */
export function makePlaceholders({ assignment, found, specs, bytes, sockets, terminals }: Decided): Placeholder[] {
  const { claims, staying } = assignment;
  const keyed = [...terminals.whole.keys()].map(({ match }) => match.id);
  const replaced = new Set<number>([...staying, ...keyed]);
  const cuts = specs.some(({ truncate }) => truncate) ? new Cuts(found) : undefined;
  const newId = idsAfter(found.highestId);
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
    return {
      match,
      fileId: inPlace ? match.id : newId(),
      spec,
      references,
      access: accessOfClaim(claim),
      takesAll: references.descriptors.length === (found.references.get(match.id) as References).descriptors.length,
      keepsOwner: keepsOwner(match.facts, asked, found.tasks),
      isWatched: isWatched(claim, found),
      unread: bytes.get(claim) ?? sockets.queued.get(claim) ?? [],
      ...(inPlace ? whatSocketLeaves(match, sockets, found, newId) : NOTHING_LEFT),
      ...(terminal === undefined ? {} : { terminal }),
      ...(lostTerminal === undefined ? {} : { lostTerminal }),
      ...(cut === undefined ? {} : { cut }),
      ...(pipeSize === undefined ? {} : { pipeSize }),
    };
  });
}

/** Gives file ids that no entry has. */
function idsAfter(highestId: number): () => number {
  let lastId = highestId;
  return () => {
    lastId += 1;
    if (lastId >= 2 ** 32) throw messages.noFileIdLeft();
    return lastId;
  };
}

function isWatched({ match, references }: Claim, { watched }: Survey): boolean {
  return references.descriptors.some(({ table, fd }) => {
    for (const { inode } of watched.of(table, fd)) if (canBeWatched(match.facts, inode)) return true;
    return false;
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

type SocketLeavings = Pick<Placeholder, 'unnamed' | 'hungUp' | 'standIn' | 'server' | 'rival'>;

const NOTHING_LEFT: SocketLeavings = { unnamed: [], hungUp: [] };

/** The sockets that stay and have to do with one that goes. */
function whatSocketLeaves(match: Match, sockets: SocketDecision, found: Survey, newId: () => number): SocketLeavings {
  const { id } = match;
  const [server] = sockets.servers.get(id) ?? [];
  const rival = sockets.rivals.get(id);
  return {
    unnamed: sockets.unnamed.get(id) ?? [],
    hungUp: sockets.hungUp.get(id) ?? [],
    ...standInFor(match, sockets, found, newId),
    ...(server === undefined ? {} : { server }),
    ...(rival === undefined ? {} : { rival }),
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

/** The entry stays, under the id that the mappings have. */
export function mappingPlaceholder({ match, spec, memory }: TakenMapping): Placeholder {
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
    ...NOTHING_LEFT,
    memory,
  };
}
