import path from 'node:path';
import { escapeBytes } from '../../bytes/escape';
import { messages } from '../../errors/messages';
import type { TarEntry } from './read-headers';

/** A member of an archive, and where it lies there. */
export interface IndexedMember extends Omit<TarEntry, 'name' | 'kind'> {
  /** Path in the archive, without dots and slashes around it; empty for the top. One character a byte. */
  readonly name: string;
  /** The same as it is written there. */
  readonly written: Buffer;
  readonly kind: TarEntry['kind'];
  /** Where its headers begin. */
  readonly at: number;
  /** Where its content begins. */
  readonly contentAt: number;
  /** Where what is kept of its content lies in the spool; undefined where that has it not. */
  readonly spooledAt?: number;
}

/** An archive could have headers alone. */
const MAX_MEMBERS = 1 << 20;

/** All members of an archive by their names: none leads out of it, and none stands for another. */
export class ArchiveIndex {
  /** As they lie in the archive. */
  readonly members: IndexedMember[] = [];
  private readonly byName = new Map<string, IndexedMember>();

  constructor(private readonly label: string) {}

  /** Throws FdgraftError for a member that a careful tar would not unpack. */
  add(entry: TarEntry, at: number, contentAt: number, spooledAt: number | undefined): void {
    const name = this.plainName(entry, at);
    const refuse = (problem: string, hint?: string) =>
      messages.memberRefused(this.label, escapeBytes(entry.name), at, problem, hint);
    if (this.members.length >= MAX_MEMBERS) throw refuse(`comes after ${MAX_MEMBERS} others`);
    if (name === '' && entry.kind !== 'folder') throw refuse('has no name');
    const other = this.byName.get(name);
    if (other !== undefined && (other.kind !== 'folder' || entry.kind !== 'folder')) {
      throw refuse('is there twice', 'tar would unpack the last one; make the archive again, without -r and -u');
    }
    this.refuseBelowFile(name, refuse);
    const member: IndexedMember = {
      ...entry,
      name,
      written: entry.name,
      at,
      contentAt,
      ...(spooledAt === undefined ? {} : { spooledAt }),
    };
    if (entry.kind === 'link') this.refuseOutside(member, refuse);
    if (entry.kind === 'hard link' && this.targetOf(member) === undefined) {
      throw refuse('is a hard link to no file before it in the archive');
    }
    this.members.push(member);
    this.byName.set(name, member);
  }

  get(name: string): IndexedMember | undefined {
    return this.byName.get(name);
  }

  /** What a link of either kind leads to, through other links too; undefined where that is not in the archive. */
  targetOf(member: IndexedMember): IndexedMember | undefined {
    let found: IndexedMember | undefined = member;
    for (let steps = 0; steps < 40; steps += 1) {
      if (found === undefined || (found.kind !== 'link' && found.kind !== 'hard link')) return found;
      const target = found.target.toString('latin1');
      const place: string = found.kind === 'link' ? path.posix.join(path.posix.dirname(found.name), target) : target;
      found = this.byName.get(plain(place));
    }
    return undefined;
  }

  private plainName({ name }: TarEntry, at: number): string {
    const text = name.toString('latin1');
    const refuse = (problem: string) => messages.memberRefused(this.label, escapeBytes(name), at, problem);
    if (text.startsWith('/')) throw refuse('has an absolute path');
    if (text.includes('\0')) throw refuse('has a name with a zero byte');
    if (text.split('/').includes('..')) throw refuse('leads out of the archive with ..');
    return plain(text);
  }

  /** What lies below a link would be written through it. */
  private refuseBelowFile(name: string, refuse: (problem: string) => Error): void {
    for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
      const above = this.byName.get(name.slice(0, slash));
      if (above !== undefined && above.kind !== 'folder') throw refuse('lies below something that is no folder');
    }
  }

  /** A previous dump lies elsewhere: only CRIU goes there. */
  private refuseOutside({ name, target }: IndexedMember, refuse: (problem: string, hint: string) => Error): void {
    if (path.posix.basename(name) === 'parent') return;
    const text = target.toString('latin1');
    const place = path.posix.join(path.posix.dirname(name), text);
    // Behind a name, dots lead out of what that name leads to, which may be elsewhere.
    const isDevious = /(^|\/)[^/]*[^./][^/]*\/(.*\/)?\.\.(\/|$)/.test(text);
    if (text.startsWith('/') || place === '..' || place.startsWith('../') || isDevious) {
      throw refuse(
        `is a symbolic link out of the archive, to ${escapeBytes(target)}`,
        'make the archive with the file itself: tar --dereference',
      );
    }
  }
}

function plain(text: string): string {
  return text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
