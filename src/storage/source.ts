import type { Stats } from 'node:fs';
import type { ByteReader } from '../bytes/byte-stream';
import type { Form } from './form';
import type { SparseMap } from './sparse-map';

/** One thing in an image directory or an archive. */
export interface Member {
  /** Path below the top, as bytes; parts are parted by `/`. */
  readonly name: Buffer;
  readonly kind: 'file' | 'link' | 'directory' | 'special';
  /** Permission bits. Of a link: those of what it leads to. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Where a link points, as it stands in it. */
  readonly target?: Buffer;
  /** What a link leads to; 'nothing' where it is neither, or cannot be known. */
  readonly leadsTo?: 'file' | 'directory' | 'nothing';
  /** Owner of a link itself. */
  readonly linkOwner?: { readonly uid: number; readonly gid: number };
  /** Of a file or a link to one, where it lies in a directory: bytes of content. */
  readonly size?: number;
  /** Seconds since 1970, where it lies in a directory. */
  readonly mtime?: number;
  /** How it stands in its archive, in a pass over the whole of one. */
  readonly archived?: ArchivedMember;
  /** It lies in the archive but not in the image directory there: its name is the path in the archive. */
  readonly outsideImages?: boolean;
}

/** A member during a pass. */
export interface SourceMember extends Member {
  /** Opens the content, once, while the pass stands at this member. A link is followed only where it can be trusted. */
  open(): Promise<MemberReader>;
  /** The file that holds just this content, for a sink that can link to it or clone it. */
  readonly file?: SourceFile;
}

/** A member as an archive has it. */
export interface ArchivedMember {
  /** Its path, as it is written there. */
  readonly name: Buffer;
  /** The same without dots and needless slashes, one character a byte. */
  readonly path: string;
  readonly headers: Buffer;
  /** Bytes of content that follow, without what fills them up to blocks. */
  readonly stored: number;
  /** Opens these, once. */
  open(): ByteReader;
  /** Of a hard link: the path of what it is a link to, which may be one itself. */
  readonly linkTo?: string;
  /** Of a hard link to a file with extended headers: all of that file, since those of the link lack its attributes. */
  readonly headersOfFile?: Buffer;
}

/** True for what can be opened as a file. */
export function isFileOrLeadsToOne({ kind, leadsTo }: Member): boolean {
  return kind === 'file' || (kind === 'link' && leadsTo === 'file');
}

/** The file of a member of a directory. */
export interface SourceFile {
  /** Path to open it by; safe against directories that are exchanged for links meanwhile, valid during the pass. */
  readonly path: Buffer;
  /** Absolute path for the text of a link that is to last. */
  readonly lasting: Buffer;
  /**
   * Throws FdgraftError where these are not of the file that the member was when it was first looked at; undefined where
   * none is there.
   */
  check(stats: Stats | undefined): void;
  /** Nobody has looked at it yet, so that there is nothing to check against. Absent: never so. */
  readonly isUnseen?: boolean;
  /** Looks at it for the first time. Throws FdgraftError. */
  see?(): Promise<void>;
}

/** The content of a member. It is to be closed. */
export interface MemberReader extends ByteReader {
  /**
   * Tells where the content has bytes, before anything is read; from here on `read` gives these alone. Absent if the
   * content has no holes, or nothing can tell them.
   */
  condense?(): Promise<SparseMap>;
  close(): Promise<void>;
}

/** Where images come from: a directory, or an archive with one in it. */
export interface Source {
  /** How messages name it. */
  readonly label: string;
  readonly form: Form;
  /** Where it lies, absolute and free of links, where it is a directory. */
  readonly directory?: Buffer;
  readonly archive?: SourceArchive;
  /** Permission bits and owner of the whole. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** One pass over all members of the image directory. */
  members(): AsyncIterable<SourceMember>;
  /** One pass over all that there is, in its own order, for who makes it anew. */
  inArchiveOrder(): AsyncIterable<SourceMember>;
  /** Members in whatever order they are asked for. */
  byName(): MembersByName;
  /** Lets go of what it holds. Nothing can be read any more. */
  close(): Promise<void>;
}

/** The archive that a source is. */
export interface SourceArchive {
  /** Absolute and free of links. */
  readonly path: Buffer;
  /** Path of the image directory in it; empty where that is the top. */
  readonly inside: Buffer;
  /** Permission bits and owner of the file. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** It is filled up to whole records, as tar does for tapes. */
  readonly hasRecords: boolean;
  /** True if a file lies in it at this path. */
  hasFile(path: string): boolean;
  /** Throws FdgraftError where another file is there by now, or it was written to. */
  checkAsRead(): void;
}

/** Gives members by their names, without a pass over the others. */
export interface MembersByName {
  /** Undefined where there is none of this name. */
  member(name: string): Promise<SourceMember | undefined>;
  close(): Promise<void>;
}
