import { escapeBytes } from '../../bytes/escape';
import { FdgraftError } from '../../errors/fdgraft-error';
import { messages } from '../../errors/messages';
import { isContainerImage } from '../container-image';
import type { ArchiveForm } from '../form';
import { compareMemberNames } from '../member-order';
import type { SeenFiles } from '../seen-files';
import type { MemberReader, MembersByName, Source, SourceArchive, SourceMember } from '../source';
import type { Spool } from '../spool';
import { USUAL_DIRECTORY } from '../usual-directory';
import { yieldToEventLoop } from '../yield-to-event-loop';
import type { ArchiveFile } from './archive-file';
import { type ArchiveIndex, hardTarget, type IndexedMember } from './archive-index';
import { scanArchive } from './scan-archive';
import { SparseReader } from './sparse';
import { openTarBytes, readFully, refuseBomb, type TarBytes } from './tar-bytes';

export interface ArchiveOptions {
  /** Names of members that a pass over the image directory gives before all others. */
  readonly first: readonly string[];
  /** The image directory is known by a file of one of these names: the first that there is. */
  readonly markers: readonly string[];
  /** True for what is worth keeping from the first pass over a compressed archive; by the last part of its path. */
  readonly isKept: (name: string) => boolean;
  /** True for what CRIU writes at a dump; by the last part of its path. */
  readonly isImage: (name: string) => boolean;
  /** What the file was, for who opens it more than once. */
  readonly seen?: SeenFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an archive with an image directory in it. All of it is read once and checked, since any name could come again
 * later. Throws FdgraftError.
 */
export async function openArchive(file: string, form: ArchiveForm, options: ArchiveOptions): Promise<Source> {
  const scanned = await scanArchive(file, form, options);
  try {
    const inside = findImageDirectory(scanned.index, options, file);
    return new ArchiveSource(scanned, inside, options);
  } catch (error) {
    scanned.spool?.close();
    throw error;
  }
}

function findImageDirectory(index: ArchiveIndex, { markers, isImage }: ArchiveOptions, label: string): string {
  for (const marker of markers) {
    const directories = index.members.flatMap((member) => {
      const [directory, name] = splitName(member.path);
      return name === marker && index.targetOf(member)?.kind === 'file' ? [directory] : [];
    });
    const [only] = directories.includes(USUAL_DIRECTORY) ? [USUAL_DIRECTORY] : directories;
    if (directories.length > 1 && only !== USUAL_DIRECTORY) {
      const shown = directories.map((directory) =>
        directory === '' ? 'its top' : escapeBytes(Buffer.from(directory, 'latin1')),
      );
      throw messages.severalImageDirectories(label, shown);
    }
    if (only !== undefined) return only;
  }
  if (index.members.some(({ path }) => isImage(splitName(path)[1]))) throw messages.dumpUnfinished(label);
  throw isContainerImage((name) => index.get(name) !== undefined)
    ? messages.containerImage(label, true)
    : messages.noInventory(label);
}

function splitName(name: string): [directory: string, last: string] {
  const slash = name.lastIndexOf('/');
  return [name.slice(0, Math.max(0, slash)), name.slice(slash + 1)];
}

/** What members of an archive are to who knows of none. */
const KINDS = {
  file: 'file',
  'hard link': 'file',
  directory: 'directory',
  special: 'special',
  label: 'special',
} as const;

class ArchiveSource implements Source {
  readonly label: string;
  readonly form: ArchiveForm;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly archive: SourceArchive;
  private readonly file: ArchiveFile;
  private readonly index: ArchiveIndex;
  private readonly spool: Spool | undefined;
  private readonly signal: AbortSignal | undefined;
  /** Those of the image directory, in the order of `members`, and paths of directories without a member. */
  private readonly images: readonly (IndexedMember | string)[];
  /** Of a compressed archive: bytes that somebody has read up to some place, for who wants what comes later. */
  private standing: TarBytes | undefined;
  /** Bytes of sparse files that were read, with their holes. */
  private expanded = 0;

  constructor(
    { file, index, spool, hasRecords }: Awaited<ReturnType<typeof scanArchive>>,
    private readonly inside: string,
    { first, signal }: ArchiveOptions,
  ) {
    this.signal = signal;
    this.file = file;
    this.index = index;
    this.spool = spool;
    this.label = file.label;
    this.form = file.form;
    const top = this.index.get('');
    const like = file.directoryLike();
    this.mode = top === undefined ? like.mode : file.modeOfTop(top.mode);
    ({ uid: this.uid, gid: this.gid } = top ?? like);
    this.archive = {
      path: file.path,
      inside: Buffer.from(inside, 'latin1'),
      ...file.modeAndOwner(),
      hasRecords,
      hasFile: (path) => this.index.get(path)?.kind === 'file',
      checkAsRead: () => file.checkStillThere(),
    };
    const below = inside === '' ? 0 : inside.length + 1;
    const name = (image: IndexedMember | string) => (typeof image === 'string' ? image : image.path).slice(below);
    // What they are to others is made when it is asked for: there may be hundreds of thousands.
    this.images = [...index.members, ...index.directoriesWithout()]
      .filter((image) => this.isInDirectory(typeof image === 'string' ? image : image.path))
      .sort((a, b) => compareMemberNames(name(a), name(b), first));
  }

  async *members(): AsyncGenerator<SourceMember, void, undefined> {
    for (const image of this.images) {
      await yieldToEventLoop();
      yield typeof image === 'string'
        ? this.describeDirectory(image)
        : this.describe(image, this.nameInDirectory(image.path));
    }
    this.file.checkStillThere();
  }

  async *inArchiveOrder(): AsyncGenerator<SourceMember, void, undefined> {
    const bytes = openTarBytes(this.file, this.signal);
    const headersOfLinked = new Map<IndexedMember, Buffer>();
    try {
      for (const member of this.index.members) {
        await bytes.skipTo(member.at);
        const headers = await readFully(bytes, member.contentAt - member.at, this.label);
        if (this.index.isLinkedAndExtended(member)) headersOfLinked.set(member, headers);
        const headersOfFile = member.file && headersOfLinked.get(member.file);
        const described = this.isInDirectory(member.path)
          ? this.describe(member, this.nameInDirectory(member.path))
          : { ...this.describe(member, Buffer.from(member.path, 'latin1')), outsideImages: true };
        const isHere = () => bytes.position === member.contentAt;
        yield {
          ...described,
          open: async () =>
            member.kind === 'file' && isHere()
              ? this.expand(member, new Stretch(bytes, member, this.label))
              : this.open(member),
          archived: {
            name: Buffer.from(member.name, 'latin1'),
            path: member.path,
            headers,
            stored: member.stored,
            open: () => new Stretch(bytes, member, this.label),
            ...(member.kind === 'hard link' ? { linkTo: hardTarget(member) } : {}),
            ...(headersOfFile === undefined ? {} : { headersOfFile }),
          },
        };
      }
      this.file.checkStillThere();
    } finally {
      await bytes.close();
    }
  }

  byName(): MembersByName {
    return {
      member: async (text) => {
        // As in a directory: a name leads to what lies in it, and nowhere else.
        if (text === '' || text.includes('/')) return undefined;
        const name = Buffer.from(text);
        const path = `${this.inside === '' ? '' : `${this.inside}/`}${name.toString('latin1')}`;
        const member = this.index.get(path);
        if (member !== undefined) return this.describe(member, name);
        return this.index.has(path) ? this.describeDirectory(path) : undefined;
      },
      close: async () => this.file.checkStillThere(),
    };
  }

  async close(): Promise<void> {
    this.spool?.close();
    await this.standing?.close();
    this.standing = undefined;
  }

  /** A directory that is there only because something lies in it. */
  private describeDirectory(path: string): SourceMember {
    const open = async () => {
      throw messages.notARegularFile(escapeBytes(Buffer.from(path, 'latin1')));
    };
    return { name: this.nameInDirectory(path), kind: 'directory', ...this.file.directoryLike(), open };
  }

  /** False for what lies around the image directory, and for that itself. */
  private isInDirectory(path: string): boolean {
    return path !== '' && (this.inside === '' || path.startsWith(`${this.inside}/`));
  }

  private nameInDirectory(path: string): Buffer {
    return Buffer.from(this.inside === '' ? path : path.slice(this.inside.length + 1), 'latin1');
  }

  private describe(member: IndexedMember, name: Buffer): SourceMember {
    const { kind, uid, gid, target } = member;
    const open = () => this.open(member);
    if (kind !== 'link') {
      // Nothing of the top directory lies in the archive, but who may search it.
      const mode = member.path === '' ? this.file.modeOfTop(member.mode) : member.mode;
      return { name, kind: KINDS[kind], mode, uid, gid, open };
    }
    const behind = this.index.targetOf(member);
    const { mode } = behind ?? member;
    const leadsTo = behind?.kind === 'file' ? 'file' : this.index.leadsToDirectory(member) ? 'directory' : 'nothing';
    return {
      name,
      kind,
      mode,
      uid: behind?.uid ?? uid,
      gid: behind?.gid ?? gid,
      target: Buffer.from(target, 'latin1'),
      leadsTo,
      linkOwner: { uid, gid },
      open,
    };
  }

  private async open(named: IndexedMember): Promise<MemberReader> {
    const member = this.index.targetOf(named);
    if (member?.kind !== 'file') throw messages.notARegularFile(escapeBytes(Buffer.from(named.path, 'latin1')));
    if (member.spooledAt !== undefined && this.spool !== undefined) {
      const reader = this.spool.reader(member.spooledAt, member.spooledAt + member.stored);
      return this.expand(member, { read: (...range) => reader.read(...range), close: async () => {} });
    }
    const bytes = await this.bytesAt(member.contentAt);
    const content = new Stretch(bytes, member, this.label);
    return this.expand(member, { read: (...range) => content.read(...range), close: () => this.leave(bytes) });
  }

  private async bytesAt(position: number): Promise<TarBytes> {
    const { standing } = this;
    const reusable = standing !== undefined && standing.position <= position ? standing : undefined;
    if (reusable !== undefined) this.standing = undefined;
    const bytes = reusable ?? openTarBytes(this.file, this.signal);
    try {
      await bytes.skipTo(position);
      return bytes;
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  private async leave(bytes: TarBytes): Promise<void> {
    // Going on is cheaper than unpacking from the first byte on.
    if (this.form === 'tar') return bytes.close();
    await this.standing?.close();
    this.standing = bytes;
  }

  /** The whole content, whatever the archive keeps of it. */
  private expand(member: IndexedMember, content: MemberReader): MemberReader {
    if (member.sparse === undefined) return content;
    const { sparse } = member;
    const reader = new SparseReader(sparse, content, member.stored);
    const explain = (error: unknown) => {
      if (error instanceof FdgraftError) throw error;
      throw messages.archiveUnusable(this.label, member.at, `has ${(error as Error).message}`);
    };
    let withHoles = true;
    return {
      read: async (into, start, length) => {
        await yieldToEventLoop();
        this.signal?.throwIfAborted();
        if (withHoles) refuseBomb(this.label, this.file.bytes, Math.max(sparse.size, this.expanded));
        const got = await reader.read(into, start, length).catch(explain);
        if (withHoles) this.expanded += got;
        return got;
      },
      condense: () => {
        withHoles = false;
        return reader.condense().catch(explain);
      },
      close: () => content.close(),
    };
  }
}

/** The content of a member, as the archive has it. */
class Stretch implements MemberReader {
  private readonly end: number;

  constructor(
    private readonly bytes: TarBytes,
    { contentAt, stored }: IndexedMember,
    private readonly label: string,
  ) {
    this.end = contentAt + stored;
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    const wanted = Math.min(length, this.end - this.bytes.position);
    if (wanted === 0) return 0;
    const got = await this.bytes.read(into, start, wanted);
    if (got === 0) throw messages.archiveCutOff(this.label, this.bytes.position);
    return got;
  }

  async close(): Promise<void> {}
}
