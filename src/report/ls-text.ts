import { shellQuote } from '../bytes/shell-word';
import type { EntryFacts } from '../checkpoint/entry-facts';
import { descriptorKey, socketKey } from '../checkpoint/key-text';
import type { Descriptor } from '../checkpoint/listing/open-entry';
import { kindText } from '../checkpoint/open-kind';
import type { ListedEntry } from '../operations/inspect';
import { accessWord, linesOf, pidAndFd } from './words';

/** Columns are as wide as the widest of so many lines, and never narrower than before. */
const LINES_A_BLOCK = 64;
/** So many descriptors are named of all entries of a type that the list leaves out. */
const MAX_LEFT_OUT = 8;
/** More than these are counted, not named, where something refers to an entry without being a descriptor. */
const MAX_PIDS = 8;
/** The same for descriptors, and for what is tied to them. `--json` has them all. */
const MAX_PLACES = 1000;

/** Types of which several open files can have one key. A terminal comes as a whole. */
const HAVE_ONE_KEY = new Set(['REG', 'PIPE', 'FIFO', 'UNIXSK', 'INETSK']);
/** Of so many keys it is known whether a later entry has the same. */
const MAX_KEYS = 1000;

/** One line an entry that can be inherited: the option to paste, type, access, state, descriptors, what else there is. */
export class LsText {
  private block: string[][] = [];
  private readonly widths: number[] = [];
  private hasPeers = false;
  private readonly paths = new Set<string>();
  /** A path with more than one open file, and the key that takes the second of them alone. */
  private several: { readonly path: string; readonly one: string } | undefined;
  private readonly unlisted = new Map<string, { count: number; readonly places: string[] }>();

  constructor(private readonly emphasize: (text: string) => string) {}

  /** Lines that can be printed by now. */
  entry(entry: ListedEntry): string[] {
    if (entry.facts !== undefined) {
      this.hasPeers ||= peerOf(entry) !== undefined;
      this.findSeveral(entry, entry.facts.key);
      this.block.push(toRow(entry, entry.facts));
    } else {
      this.leaveOut(entry);
      return [];
    }
    return this.block.length < LINES_A_BLOCK ? [] : [this.end()];
  }

  /** The lines that are left. */
  end(): string {
    const text = linesOf(this.block, this.widths, this.emphasize);
    this.block = [];
    return text;
  }

  private findSeveral({ type, descriptors }: ListedEntry, path: string): void {
    if (this.several !== undefined || !HAVE_ONE_KEY.has(type)) return;
    if (!this.paths.has(path)) {
      if (this.paths.size < MAX_KEYS) this.paths.add(path);
      return;
    }
    for (const { pids, fd } of descriptors) {
      if (pids[0] === undefined) continue;
      this.several = { path, one: descriptorKey(pids[0], fd) };
      return;
    }
  }

  private leaveOut(entry: ListedEntry): void {
    const known = this.unlisted.get(entry.type) ?? { count: 0, places: [] };
    known.count += 1;
    for (const descriptor of entry.descriptors) {
      // One more than are named tells that there are more.
      if (known.places.length > MAX_LEFT_OUT) break;
      known.places.push(...pidAndFd({ ...descriptor, pids: descriptor.pids.slice(0, MAX_LEFT_OUT) }));
    }
    this.unlisted.set(entry.type, known);
  }

  /** What the list leaves out, and what has to be done with lines that are no options. */
  remarks(): string[] {
    const types = [...this.unlisted].sort(([a], [b]) => (a < b ? -1 : 1));
    const told = types.map(([type, { count, places }]) => {
      const named = places.slice(0, MAX_LEFT_OUT).join(' ') + (places.length > MAX_LEFT_OUT ? ' …' : '');
      return { type, text: `${count} ${type}${named === '' ? '' : ` (${named})`}` };
    });
    const placeholders = told.flatMap(({ type, text }) => (type === 'EXT' ? [text] : []));
    const left = told.flatMap(({ type, text }) => (type === 'EXT' ? [] : [text]));
    return [
      ...(this.several === undefined ? [] : [severalFiles(this.several)]),
      ...(this.hasPeers ? [PEERS_GO_TOGETHER] : []),
      ...placeholders.map((text) => `not listed, since a rewrite or a plugin of criu made them: ${text}`),
      ...(left.length === 0 ? [] : [`not listed, since they cannot be inherited: ${left.join(', ')}`]),
    ];
  }
}

const severalFiles = ({ path, one }: { path: string; one: string }) =>
  `${path} is open more than once here: its key takes all open files of it; ${one} takes one`;

const PEERS_GO_TOGETHER =
  'a pair of unix sockets, each the peer of the other, needs both ends: name both, or one end of a stream pair with the option peer hangup of --specs';

/** The key of the peer that is in the checkpoint too; a datagram socket can be its own. */
function peerOf({ facts, isExternal }: ListedEntry): string | undefined {
  if (facts?.peerInode === undefined || facts.peerInode === facts.socketInode || isExternal) return undefined;
  return socketKey(facts.peerInode);
}

function toRow(entry: ListedEntry, facts: EntryFacts): string[] {
  const { type, unreadBytes, missingEnd, callerFds } = entry;
  const state: string[] = [];
  if (missingEnd !== undefined) state.push(`${missingEnd} end missing`);
  if (facts.isExternal === true) state.push('external');
  if (facts.socketInode !== undefined && entry.isExternal) state.push('peer outside');
  const peer = peerOf(entry);
  if (peer !== undefined) state.push(`peer ${peer}`);
  if (facts.offset !== undefined) state.push(`offset ${facts.offset}`);
  if (unreadBytes !== 0) state.push(`${unreadBytes} unread`);
  if (entry.terminal !== undefined) state.push(...describeTerminal(entry.terminal));
  if (facts.kind !== undefined) state.push(`needs ${kindText(facts.kind)}`);
  return [optionsOf(facts, callerFds), type, accessWord(facts.flags), state.join(', '), describeReferences(entry)];
}

/** The options to paste; a name that is too long for a key is none. */
function optionsOf({ key, nameBytes }: EntryFacts, callerFds: readonly number[]): string {
  const option = (fd: number | 'N') => `--inherit-fd ${shellQuote(`fd[${fd}]:${key}`)}`;
  if (nameBytes !== undefined) return key;
  return callerFds.length === 0 ? option('N') : callerFds.map(option).join(' ');
}

function describeTerminal({
  role,
  session,
  foreground,
  isHungUp,
  size,
}: NonNullable<ListedEntry['terminal']>): string[] {
  // Its session has a terminal with a path of its own, or is left to CRIU.
  if (role === 'current') return [`/dev/tty of session ${session}`];
  return [
    ...(session === 0 ? ['no session'] : [`session ${session}`, `foreground ${foreground}`]),
    ...(isHungUp ? ['hung up'] : []),
    ...(size === undefined ? [] : [`${size.rows}x${size.columns}`]),
  ];
}

function describeReferences(entry: ListedEntry): string {
  const descriptors = describeDescriptors(entry);
  if (entry.others.length === 0 && entry.ties.length === 0) return descriptors;
  const all = [descriptors, ...describeOthers(entry), ...describeTies(entry)];
  return all.filter((text) => text !== '').join('; ');
}

/** By task: `14716/1 14716/6 (app), 14719/1 (worker)`. */
function describeDescriptors({ descriptors }: ListedEntry): string {
  // Nearly every entry has its descriptors in one task.
  const ofOneTask = descriptors.length > MAX_PLACES ? undefined : describeOneTask(descriptors);
  if (ofOneTask !== undefined) return ofOneTask;
  const byTask = new Map<string, { name: string; places: string[] }>();
  let shown = 0;
  let left = 0;
  for (const descriptor of descriptors) {
    const { pids, names, table, fd } = descriptor;
    const room = MAX_PLACES - shown;
    const users = Math.max(1, pids.length);
    left += Math.max(0, users - room);
    if (room === 0) continue;
    const some = pidAndFd({ pids: pids.slice(0, room), table, fd });
    shown += some.length;
    some.forEach((place, i) => {
      const task = pids.length === 0 ? `table ${table}` : String(pids[i]);
      const known = byTask.get(task);
      if (known === undefined) byTask.set(task, { name: names[i] ?? '', places: [place] });
      else known.places.push(place);
    });
  }
  const text = [...byTask.values()].map(({ name, places }) => withName(places.join(' '), name)).join(', ');
  return left === 0 ? text : `${text} and ${left} more`;
}

/** Undefined for descriptors of several tasks, or of none. */
function describeOneTask(descriptors: Iterable<Descriptor>): string | undefined {
  let task: number | undefined;
  let name = '';
  let places = '';
  for (const { pids, names, fd } of descriptors) {
    const [pid] = pids;
    if (pids.length !== 1 || (task !== undefined && pid !== task)) return undefined;
    if (task === undefined) name = names[0] ?? '';
    places += `${task === undefined ? '' : ' '}${pid}/${fd}`;
    task = pid;
  }
  return task === undefined ? undefined : withName(places, name);
}

function withName(places: string, name: string): string {
  return name === '' ? places : `${places} (${name})`;
}

function describeOthers({ others }: ListedEntry): string[] {
  const pids = new Map<string, number[]>();
  for (const { what, pid, socketId } of others) {
    const name = what === 'SCM right' ? `SCM right in the queue of the socket with file id ${socketId}` : what;
    const known = pids.get(name) ?? [];
    if (pid !== undefined) known.push(pid);
    pids.set(name, known);
  }
  const shown = [...pids].slice(0, MAX_PLACES);
  const texts = shown.map(([name, of]) => (of.length === 0 ? name : `${name} of ${listPids(of)}`));
  return pids.size > shown.length ? [...texts, `${pids.size - shown.length} more`] : texts;
}

/** An executable can be that of thousands; `--json` has them all. */
function listPids(pids: readonly number[]): string {
  const more = pids.length - MAX_PIDS;
  return pids.slice(0, MAX_PIDS).join(' ') + (more > 0 ? ` and ${more} more` : '');
}

function describeTies({ ties }: ListedEntry): string[] {
  const shown = ties
    .slice(0, MAX_PLACES)
    .map(({ what, pid, fd, epoll }) =>
      epoll === undefined ? `${what} by ${pid}/${fd}` : `descriptor ${fd} watched by the epoll with file id ${epoll}`,
    );
  return ties.length > MAX_PLACES ? [...shown, `${ties.length - MAX_PLACES} more`] : shown;
}
