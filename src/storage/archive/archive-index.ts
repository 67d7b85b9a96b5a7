import { escapeBytes } from '../../bytes/escape';
import { messages } from '../../errors/messages';
import { leadsOut } from './link-target';
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
}

/** An archive could have headers alone. */
const MAX_MEMBERS = 1 << 18;
/** What names, targets and maps may take in all. */
const MAX_INDEX_BYTES = 64 << 20;
/** Linux has no longer paths. */
const MAX_PATH_BYTES = 4096;
/** What a stretch of a sparse file or a folder takes, roughly. */
const SMALL_OBJECT_BYTES = 64;
/** As many as Linux follows. */
const MAX_LINKS = 40;

type Refuse = (problem: string, hint?: string) => Error;

/** All members of an archive by their paths: none leads out of it, and none stands for another. */
export class ArchiveIndex {
  /** As they lie in the archive. */
  readonly members: IndexedMember[] = [];
  private readonly byPath = new Map<string, IndexedMember>();
  /** Folders that are there because something lies below them. */
  private readonly implied = new Set<string>();
  private bytes = 0;

  constructor(private readonly label: string) {}

  /** Throws FdgraftError for a member that a careful tar would not unpack. */
  add(entry: TarEntry, at: number, contentAt: number, spooledAt: number | undefined): void {
    const refuse: Refuse = (problem, hint) =>
      messages.memberRefused(this.label, escapeBytes(bytesOf(entry.name.slice(0, MAX_PATH_BYTES))), at, problem, hint);
    const path = entry.kind === 'label' ? '' : plainPath(entry.name, refuse);
    const member = { ...entry, path, at, contentAt, ...(spooledAt === undefined ? {} : { spooledAt }) };
    if (entry.kind !== 'label') this.check(member, refuse);
    this.refuseMany(member, refuse);
    this.members.push(member);
    if (entry.kind !== 'label') this.byPath.set(path, member);
  }

  get(path: string): IndexedMember | undefined {
    return this.byPath.get(path);
  }

  /** Paths of folders that have no member, but something below them. */
  *foldersWithout(): Generator<string, void, undefined> {
    for (const path of this.implied) if (!this.byPath.has(path)) yield path;
  }

  /** What a link of either kind leads to, through other links too; undefined where that is no member. */
  targetOf(member: IndexedMember): IndexedMember | undefined {
    if (member.kind !== 'link' && member.kind !== 'hard link') return member;
    const end = this.resolve(member.path);
    let found = end === undefined ? undefined : this.byPath.get(end);
    while (found?.kind === 'hard link') found = this.byPath.get(hardTarget(found));
    return found;
  }

  leadsToFolder({ path }: IndexedMember): boolean {
    const end = this.resolve(path);
    return end !== undefined && (this.implied.has(end) || this.byPath.get(end)?.kind === 'folder');
  }

  /** A path without links in it; undefined where it leads out of the archive, or nowhere. */
  private resolve(path: string): string | undefined {
    let place = '';
    let links = 0;
    for (const parts = path.split('/').reverse(); parts.length > 0; ) {
      const part = parts.pop();
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (place === '') return undefined;
        place = folderOf(place);
        continue;
      }
      const folder = place;
      place = folder === '' ? `${part}` : `${folder}/${part}`;
      const member = this.byPath.get(place);
      if (member?.kind !== 'link') continue;
      links += 1;
      if (links > MAX_LINKS || member.target.startsWith('/')) return undefined;
      place = folder;
      parts.push(...member.target.split('/').reverse());
    }
    return place;
  }

  private check(member: IndexedMember, refuse: Refuse): void {
    const { path, kind, target } = member;
    if (path === '' && kind !== 'folder') throw refuse('has no name');
    const other = this.byPath.get(path);
    if (other !== undefined && (other.kind !== 'folder' || kind !== 'folder')) {
      throw refuse('is there twice', 'tar would unpack the last one; make the archive again, without -r and -u');
    }
    if (kind !== 'folder' && this.implied.has(path)) throw refuse('is no folder, but others before it lie below it');
    this.noteFoldersAbove(path, refuse);
    if (kind === 'link') {
      if (target === '' || target.length >= MAX_PATH_BYTES || target.includes('\0')) {
        throw refuse('is a symbolic link to what cannot be a path');
      }
      if (leadsOut(path, target)) {
        const shown = escapeBytes(bytesOf(target));
        const hint = 'make the archive with the file itself: tar --dereference';
        throw refuse(`is a symbolic link out of the archive, to ${shown}`, hint);
      }
    }
    if (kind === 'hard link') {
      const first = target.startsWith('/') ? undefined : this.byPath.get(hardTarget(member));
      if (first?.kind !== 'file' && first?.kind !== 'hard link') {
        throw refuse('is a hard link to no regular file before it in the archive');
      }
    }
  }

  /** What lies below a link would be written through it. */
  private noteFoldersAbove(path: string, refuse: Refuse): void {
    for (let folder = folderOf(path); folder !== '' && !this.implied.has(folder); folder = folderOf(folder)) {
      const above = this.byPath.get(folder);
      if (above !== undefined && above.kind !== 'folder') throw refuse('lies below something that is no folder');
      if (above !== undefined) return;
      this.implied.add(folder);
      this.bytes += SMALL_OBJECT_BYTES;
    }
  }

  private refuseMany({ name, target, sparse }: IndexedMember, refuse: Refuse): void {
    if (this.members.length >= MAX_MEMBERS) throw refuse(`comes after ${MAX_MEMBERS} others, which are too many`);
    this.bytes += 2 * name.length + target.length + SMALL_OBJECT_BYTES * (sparse?.map?.length ?? 0);
    if (this.bytes > MAX_INDEX_BYTES) throw refuse('comes after others whose names and maps are too long in all');
  }
}

/** The path of the file that a hard link is a link to, which may be one itself. */
export function hardTarget({ target }: Pick<TarEntry, 'target'>): string {
  return plain(target);
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function plainPath(name: string, refuse: Refuse): string {
  if (name.length >= MAX_PATH_BYTES) throw refuse(`has a name of ${MAX_PATH_BYTES} bytes or more`);
  if (name.startsWith('/')) throw refuse('has an absolute path');
  if (name.includes('\0')) throw refuse('has a name with a zero byte');
  if (name.split('/').includes('..')) throw refuse('leads out of the archive with ..');
  return plain(name);
}

function plain(text: string): string {
  return text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
