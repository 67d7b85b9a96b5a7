import { escapeBytes } from '../../bytes/escape';
import { messages } from '../../errors/messages';
import { BLOCK_BYTES } from './blocks';
import { leadsOut } from './link-target';
import { endOfPart, isDirectory, PathTree, type Place } from './path-tree';
import type { TarEntry } from './read-headers';

/** A member of an archive, and where it lies there. */
export interface IndexedMember extends TarEntry {
  /** Path in the archive, without dots and slashes around it; empty for the top, and for a label. */
  readonly path: string;
  /** Where its headers begin. */
  readonly at: number;
  /** Where its content begins. */
  readonly contentAt: number;
  /** Where what is kept of its content lies in the spool; undefined where that has it not. */
  readonly spooledAt?: number;
  /** Of a hard link: the file that it is, through other hard links too. */
  readonly file?: IndexedMember;
}

/** An archive could have headers alone. */
const MAX_MEMBERS = 1 << 18;
/** The limit for names, targets, directories and maps together. */
const MAX_INDEX_BYTES = 64 << 20;
/** Linux has no longer paths. */
const MAX_PATH_BYTES = 4096;
/** What a directory takes beside its path, roughly: its place, and the map of what lies below it. */
const DIRECTORY_BYTES = 256;
/** Of a name in a message. */
const MAX_SHOWN_BYTES = 256;

type Refuse = (problem: string, hint?: string) => Error;

/** All members of an archive by their paths: none leads out of it, and none stands for another. */
export class ArchiveIndex {
  /** As they lie in the archive. */
  readonly members: IndexedMember[] = [];
  /** The files with extended headers that hard links are, too. */
  private readonly linked = new Set<IndexedMember>();
  private readonly tree = new PathTree<IndexedMember>();
  private bytes = 0;

  constructor(private readonly label: string) {}

  /** Parts of paths and targets that were looked at so far. */
  get steps(): number {
    return this.tree.steps;
  }

  /** Throws FdgraftError for a member that a careful tar would not unpack. */
  add(entry: TarEntry, at: number, contentAt: number, spooledAt: number | undefined): void {
    const refuse: Refuse = (problem, hint) => messages.memberRefused(this.label, shown(entry.name), at, problem, hint);
    if (this.members.length >= MAX_MEMBERS) throw refuse(`comes after ${MAX_MEMBERS} others, which are too many`);
    const path = entry.kind === 'label' ? '' : plainPath(entry.name, refuse);
    const file = this.checkTarget(entry, path, refuse);
    const member = {
      ...entry,
      path,
      at,
      contentAt,
      ...(spooledAt === undefined ? {} : { spooledAt }),
      ...(file === undefined ? {} : { file }),
    };
    this.take(2 * entry.name.length + entry.target.length + (entry.sparse?.map?.bytes ?? 0), refuse);
    if (file !== undefined && hasExtendedHeaders(file) && !this.linked.has(file)) {
      this.take(file.contentAt - file.at, refuse);
      this.linked.add(file);
    }
    if (entry.kind !== 'label') this.placeFor(member, refuse).member = member;
    this.members.push(member);
  }

  get(path: string): IndexedMember | undefined {
    return this.tree.get(path)?.member;
  }

  /** True for a file that hard links are, too, and that has attributes or other extended headers: all count together. */
  isLinkedAndExtended(member: IndexedMember): boolean {
    return this.linked.has(member);
  }

  /** True for directories without a member too. */
  has(path: string): boolean {
    return this.tree.get(path) !== undefined;
  }

  /** Paths of directories that have no member, but something below them. */
  directoriesWithout(): Generator<string, void, undefined> {
    return this.tree.directoriesWithout();
  }

  /** What a link of either kind leads to, through other links too; undefined if that is no member. */
  targetOf(member: IndexedMember): IndexedMember | undefined {
    if (member.kind !== 'link') return member.file ?? member;
    const found = this.placeBehind(member)?.member;
    return found?.file ?? found;
  }

  leadsToDirectory(member: IndexedMember): boolean {
    const place = this.placeBehind(member);
    return place !== undefined && isDirectory(place);
  }

  private placeBehind({ path }: IndexedMember): Place<IndexedMember> | undefined {
    const place = this.tree.get(path);
    return place && this.tree.follow(place);
  }

  /** The place of a new member, with the directories above it. What lies below a link would be written through it. */
  private placeFor({ path, kind }: IndexedMember, refuse: Refuse): Place<IndexedMember> {
    if (path === '') {
      if (kind !== 'directory') throw refuse('has no name');
      return this.tree.root;
    }
    let place = this.tree.root;
    for (let at = 0; at < path.length; ) {
      const end = endOfPart(path, at);
      const name = path.slice(at, end);
      let next = this.tree.child(place, name);
      if (end < path.length) {
        if (next !== undefined && !isDirectory(next)) throw refuse('lies below something that is no directory');
        if (next === undefined) this.take(DIRECTORY_BYTES + 2 * end, refuse);
      } else if (next !== undefined) refuseOther(next, kind, refuse);
      next ??= this.tree.add(place, name);
      place = next;
      at = end + 1;
    }
    return place;
  }

  /** What a hard link is a link to; undefined for all else. */
  private checkTarget({ kind, target }: TarEntry, path: string, refuse: Refuse): IndexedMember | undefined {
    if (kind === 'link') {
      if (target === '' || target.length >= MAX_PATH_BYTES || target.includes('\0')) {
        throw refuse('is a symbolic link to what cannot be a path');
      }
      if (leadsOut(path, target)) {
        const hint = 'make the archive with the file itself: tar --dereference';
        throw refuse(`is a symbolic link out of the archive, to ${shown(target)}`, hint);
      }
    }
    if (kind !== 'hard link') return undefined;
    const isPath = target.length < MAX_PATH_BYTES && !target.startsWith('/');
    const first = isPath ? this.get(plain(target)) : undefined;
    if (first?.kind !== 'file' && first?.kind !== 'hard link') {
      throw refuse('is a hard link to no regular file before it in the archive');
    }
    return first.file ?? first;
  }

  /**
   * Counts what is kept. A directory counts with its whole path: some kilobytes of a name can be two thousand
   * directories.
   */
  private take(bytes: number, refuse: Refuse): void {
    this.bytes += bytes;
    if (this.bytes > MAX_INDEX_BYTES) {
      throw refuse('comes after others whose names and maps are too long in all');
    }
  }
}

function hasExtendedHeaders({ at, contentAt }: IndexedMember): boolean {
  return contentAt - at > BLOCK_BYTES;
}

function refuseOther(other: Place<IndexedMember>, kind: TarEntry['kind'], refuse: Refuse): void {
  if (other.member === undefined && kind !== 'directory') {
    throw refuse('is no directory, but others before it lie below it');
  }
  if (other.member !== undefined && (other.member.kind !== 'directory' || kind !== 'directory')) {
    throw refuse('is there twice', 'tar would unpack the last one; make the archive again, without -r and -u');
  }
}

/** The path of the file that a hard link is a link to, which may be one itself. */
export function hardTarget({ target }: Pick<TarEntry, 'target'>): string {
  return plain(target);
}

/** A name as a message has it, cut off if it is long. */
function shown(text: string): string {
  const cut = text.length > MAX_SHOWN_BYTES ? '…' : '';
  return `${escapeBytes(Buffer.from(text.slice(0, MAX_SHOWN_BYTES), 'latin1'))}${cut}`;
}

function plainPath(name: string, refuse: Refuse): string {
  if (name.length >= MAX_PATH_BYTES) throw refuse(`has a name of ${MAX_PATH_BYTES} bytes or more`);
  if (name.startsWith('/')) throw refuse('has an absolute path');
  if (name.includes('\0')) throw refuse('has a name with a zero byte');
  if (name.split('/').includes('..')) throw refuse('leads out of the archive with ..');
  return plain(name);
}

/** A path without dots and needless slashes. */
const PLAIN = /^(?!\.?\/|\.?$)(?!.*\/(\.?\/|\.?$))/s;

function plain(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
