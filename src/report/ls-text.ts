import type { ListedEntry } from '../operations/inspect';
import { accessWord, columns, pidAndFd, shellQuote } from './words';

/** Columns are as wide as the widest of so many lines, and never narrower than before. */
const LINES_A_BLOCK = 64;
/** More than these are counted, not named, where something refers to an entry without being a descriptor. */
const MAX_PIDS = 8;
/** The same for descriptors, and for what is tied to them. `--json` has them all. */
const MAX_PLACES = 1000;

/** One line an entry that can be inherited: the option to paste, type, access, state, descriptors, what else there is. */
export class LsText {
  private block: string[][] = [];
  private readonly widths: number[] = [];
  private readonly unlisted = new Map<string, number>();

  constructor(private readonly emphasize: (text: string) => string) {}

  /** Lines that can be printed by now. */
  entry(entry: ListedEntry): string[] {
    const { type, facts } = entry;
    if (facts === undefined) {
      // The only regular entries without facts.
      const name = type === 'REG' ? 'folder' : type;
      this.unlisted.set(name, (this.unlisted.get(name) ?? 0) + 1);
      return [];
    }
    this.block.push(toRow(entry, facts));
    return this.block.length < LINES_A_BLOCK ? [] : [this.end()];
  }

  /** The lines that are left. */
  end(): string {
    const rows = columns(this.block, this.widths);
    this.block = [];
    return rows.map(([option, ...rest]) => `${[this.emphasize(option ?? ''), ...rest].join('  ')}\n`).join('');
  }

  /** What the list leaves out; undefined where it is complete. */
  remark(): string | undefined {
    if (this.unlisted.size === 0) return undefined;
    const types = [...this.unlisted].sort().map(([type, count]) => `${count} ${type}`);
    return `not listed, since they cannot be inherited yet: ${types.join(', ')}`;
  }
}

function toRow(entry: ListedEntry, facts: NonNullable<ListedEntry['facts']>): string[] {
  const { type, unreadBytes, missingEnd, callerFds } = entry;
  const fds = callerFds.length === 0 ? ['N'] : callerFds;
  // A name that is too long for a key is no option to paste.
  const options =
    facts.nameBytes === undefined
      ? fds.map((fd) => `--inherit-fd ${shellQuote(`fd[${fd}]:${facts.key}`)}`).join(' ')
      : facts.key;
  const state = [
    ...(missingEnd === undefined ? [] : [`${missingEnd} end missing`]),
    ...(facts.isExternal === true ? ['external'] : []),
    ...(facts.offset === undefined ? [] : [`offset ${facts.offset}`]),
    ...(unreadBytes === 0 ? [] : [`${unreadBytes} unread`]),
  ];
  const more = [...describeOthers(entry), ...describeTies(entry)];
  const holders = [describeDescriptors(entry), ...more].filter((text) => text !== '');
  return [options, type, accessWord(facts.flags), state.join(', '), holders.join('; ')];
}

/** By task: `14716/1 14716/6 (app), 14719/1 (worker)`. */
function describeDescriptors({ descriptors }: ListedEntry): string {
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
  const text = [...byTask.values()]
    .map(({ name, places }) => places.join(' ') + (name === '' ? '' : ` (${name})`))
    .join(', ');
  return left === 0 ? text : `${text} and ${left} more`;
}

function describeOthers({ others }: ListedEntry): string[] {
  const pids = new Map<string, number[]>();
  for (const { what, pid, socketId } of others) {
    const name = what === 'SCM right' ? `SCM right in the queue of socket ${socketId}` : what;
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
      epoll === undefined ? `${what} by ${pid}/${fd}` : `descriptor ${fd} watched by epoll ${epoll}`,
    );
  return ties.length > MAX_PLACES ? [...shown, `${ties.length - MAX_PLACES} more`] : shown;
}
