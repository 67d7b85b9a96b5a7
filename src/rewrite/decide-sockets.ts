import { pushTo } from '../bytes/groups';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Claim } from './assign';
import { type PlannedBytes, wantedOf } from './decide-bytes';
import type { SocketPeer, SocketRecord } from './find-socket-peers';
import type { Match } from './match';
import { specOf } from './spec-of';
import type { Survey } from './survey';

/** The fate of the sockets that have to do with those that go. */
export interface SocketDecision {
  /** By the file id of a listener that goes: the accepted ends that stay, whose name would be that of the caller's socket. */
  readonly unnamed: ReadonlyMap<number, readonly SocketPeer[]>;
  /** By the file id of a socket that goes: the clients that stay and connect to its name again. */
  readonly clients: ReadonlyMap<number, readonly SocketPeer[]>;
  /** By the file id of one end of a pair that goes: the other end, which stays and sees a hang-up. */
  readonly hungUp: ReadonlyMap<number, readonly SocketPeer[]>;
  /** By the file id of a client that goes: the socket that it sends to, or waits for, which stays. */
  readonly servers: ReadonlyMap<number, readonly SocketPeer[]>;
  /** By the file id of a socket that goes: another with its path, which stays. CRIU binds it, and removes a socket that is there. */
  readonly rivals: ReadonlyMap<number, SocketRecord>;
  /** Bytes in queues that go with a claim. */
  readonly queued: ReadonlyMap<Claim, readonly PlannedBytes[]>;
}

/**
 * Decides what a socket that goes leaves behind. Throws FdgraftError: DESCRIPTOR_TIED for one end of a pair that no spec hangs up, and for
 * descriptors under way in its queue, BYTES_IN_FLIGHT for bytes in its queues that no spec drops.
 */
export function decideSockets(
  assignment: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
  dropInFlight: boolean,
): SocketDecision {
  const going = new Map<number, Claim>();
  const hanging = new Set<number>();
  for (const claim of assignment.claims) {
    const { id } = claim.match;
    if (specOf(specs, claim).peer === 'hangup') {
      if (assignment.staying.has(id)) refuseHangup(claim.match, specOf(specs, claim));
      hanging.add(id);
    }
    if (claim.match.facts.socketInode !== undefined && !assignment.staying.has(id) && !going.has(id)) {
      going.set(id, claim);
    }
  }
  const unnamed = new Map<number, SocketPeer[]>();
  const clients = new Map<number, SocketPeer[]>();
  const hungUp = new Map<number, SocketPeer[]>();
  const servers = new Map<number, SocketPeer[]>();
  const lists = { pair: hungUp, accepted: unnamed, client: clients, server: servers };
  for (const [id, claim] of going) {
    for (const peer of found.socketPeers.of.get(id) ?? []) {
      if (going.has(peer.id)) continue;
      const mayHangUp = hanging.has(id) && peer.canHangUp;
      if (peer.is === 'pair' && !mayHangUp) refusePair(claim.match, peer, specOf(specs, claim));
      pushTo(lists[peer.is], id, peer);
    }
  }
  return {
    unnamed,
    clients,
    hungUp,
    servers,
    rivals: findRivals(going, found),
    queued: decideQueues(going, assignment, found, specs, dropInFlight),
  };
}

/** Each list of sockets with one path is looked through once: there can be as many with it that go. */
function findRivals(going: ReadonlyMap<number, Claim>, { socketPeers }: Survey): Map<number, SocketRecord> {
  const staying = new Map<readonly SocketRecord[], SocketRecord | undefined>();
  const rivals = new Map<number, SocketRecord>();
  for (const id of going.keys()) {
    const sockets = socketPeers.atPathOf(id);
    const rival = staying.has(sockets) ? staying.get(sockets) : sockets.find((one) => !going.has(one.id));
    staying.set(sockets, rival);
    if (rival !== undefined) rivals.set(id, rival);
  }
  return rivals;
}

function refuseHangup({ id, entry, facts }: Match, { text }: InheritSpec): never {
  throw messages.hangsUpWhatStays({ file: 'files.img', entry }, text, facts.key, id);
}

function refusePair({ facts, id, entry }: Match, peer: SocketPeer, { text }: InheritSpec): never {
  throw messages.peerStays({ file: 'files.img', entry }, text, facts.key, id, peer.id, peer.canHangUp);
}

const ONLY_THE_SENDER =
  'CRIU would fill the queue of its own socket, and only the far end of your socket can send them through it';

function decideQueues(
  going: ReadonlyMap<number, Claim>,
  { claims }: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
  dropInFlight: boolean,
): Map<Claim, PlannedBytes[]> {
  const planned = new Map<Claim, PlannedBytes[]>();
  for (const claim of claims) {
    const { match } = claim;
    const first = going.get(match.id);
    if (first === undefined) continue;
    for (const { rights, ...unread } of found.queued.get(match.id) ?? []) {
      const spec = specOf(specs, claim);
      const { text } = spec;
      const wanted = wantedOf(spec, dropInFlight);
      const place = { file: unread.image, entry: unread.entry };
      if (rights.length > 0) throw messages.rightsInQueue(place, match.facts.key, match.id, rights.length, text);
      if (wanted === 'fail') throw messages.bytesInFlight(place, match.facts.key, unread.bytes, text);
      if (wanted === 'replay') {
        throw messages.queueNotDelivered(place, match.facts.key, unread.bytes, text, ONLY_THE_SENDER);
      }
      if (claim === first) pushTo(planned, claim, { ...unread, fate: 'DROP' as const });
    }
  }
  return planned;
}
