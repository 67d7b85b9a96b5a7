import type { ByteReader } from '../bytes/byte-stream';

/** One thing in an image folder or an archive. */
export interface Member {
  /** Path below the top, as bytes; parts are parted by `/`. */
  readonly name: Buffer;
  readonly kind: 'file' | 'link' | 'folder' | 'special';
  /** Permission bits. Of a link: those of what it leads to. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Where a link points, as it stands in it. */
  readonly target?: Buffer;
  /** What a link leads to; 'nothing' where it is neither, or cannot be known. */
  readonly leadsTo?: 'file' | 'folder' | 'nothing';
  /** Owner of a link itself. */
  readonly linkOwner?: { readonly uid: number; readonly gid: number };
}

export interface SourceMember extends Member {
  /** Opens the content, once, while the pass stands at this member. A link is followed only where it can be trusted. */
  open(): Promise<MemberReader>;
  /** The file that holds just this content, for a sink that can link to it or clone it. */
  readonly file?: SourceFile;
}

/** True for what can be opened as a file. */
export function isFileOrLeadsToOne({ kind, leadsTo }: Member): boolean {
  return kind === 'file' || (kind === 'link' && leadsTo === 'file');
}

export interface SourceFile {
  /** Path to open it by; safe against folders that are exchanged for links meanwhile, valid during the pass. */
  readonly path: Buffer;
  /** Absolute path for the text of a link that is to last. */
  readonly lasting: Buffer;
}

export interface MemberReader extends ByteReader {
  close(): Promise<void>;
}

/** Where images come from. It is read in sequence, at most twice. */
export interface Source {
  /** How messages name it. */
  readonly label: string;
  /** Where it lies, absolute and free of links, where it is a folder. */
  readonly folder?: Buffer;
  /** Permission bits and owner of the whole. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** One pass over all members. */
  members(): AsyncIterable<SourceMember>;
  /** Members in whatever order they are asked for; absent where the source is read in sequence alone (by-name.ts). */
  byName?(): MembersByName;
}

/** Gives members by their names, without a pass over the others. */
export interface MembersByName {
  /** Undefined where there is none of this name. It can be opened until it is released. */
  member(name: string): Promise<SourceMember | undefined>;
  release(member: SourceMember): Promise<void>;
  close(): Promise<void>;
}
