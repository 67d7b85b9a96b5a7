import fs from 'node:fs';
import type { ByteReader } from '../../bytes/byte-stream';
import { escapeBytes } from '../../bytes/escape';
import { messages } from '../../errors/messages';
import { Arrival } from '../arrival';
import { joinPath, splitPath } from '../byte-path';
import type { ArchiveForm } from '../form';
import { arriveAsNew } from '../link-or-rename';
import { beginNewPlace } from '../new-place';
import { giveOwnerAndMode, ownedByFd } from '../owner-and-mode';
import type { MemberWriter, Sink, SinkNotice } from '../sink';
import { isFileOrLeadsToOne, type Member, type MemberReader, type Source, type SourceMember } from '../source';
import type { SparseMap } from '../sparse-map';
import { Spool } from '../spool';
import type { FixedDirectory } from '../trusted-path';
import { WorkDirectory } from '../work-directory';
import { BLOCK_BYTES, paddingOf, RECORD_BYTES } from './blocks';
import { leadsOut, PARENT } from './link-target';
import { makeHeaders } from './make-headers';
import { type PackedWriter, packInto } from './pack-bytes';
import { remakeHeaders } from './remake-headers';
import { sparseHead } from './sparse';

const CHUNK_BYTES = 1 << 18;
/** Of a sparse file: so many that readers, ours too, take their map. */
const MAX_STRETCHES = 1 << 17;
const ARCHIVE = Buffer.from('archive');
/** Rights that its owner has to an archive in any case. */
const OWN = 0o600;

export interface ArchiveSinkOptions {
  readonly form: ArchiveForm;
  /** The directory around OUT, if it is held open. */
  readonly fixed?: FixedDirectory | undefined;
  readonly onNotice: (notice: SinkNotice) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A sink that builds the archive `out` beside its place and puts it there in one step. Throws FdgraftError. */
export async function createArchiveSink(source: Source, out: string, options: ArchiveSinkOptions): Promise<Sink> {
  try {
    const { name, work } = await beginNewPlace(source, out, options.fixed);
    return await begin(source, out, work, options, (built) => arriveAsNew(built, work.beside(name), out));
  } catch (error) {
    throw messages.cannotWriteOut(out, error);
  }
}

/** A sink that puts the new archive in the place of the old one, in one step. Throws FdgraftError. */
export async function createArchiveInPlace(
  source: Source,
  { onNotice, signal }: Omit<ArchiveSinkOptions, 'form' | 'fixed'>,
): Promise<Sink> {
  const { archive, label, form } = source;
  if (archive === undefined || form === 'dir') throw new TypeError('this is for archives');
  try {
    const [parent, name] = splitPath(archive.path);
    const work = await WorkDirectory.create(parent, name);
    return await begin(source, label, work, { form, onNotice, signal }, (built) => {
      archive.checkAsRead();
      fs.renameSync(built, work.beside(name));
    });
  } catch (error) {
    throw messages.cannotWriteOut(label, error);
  }
}

async function begin(
  source: Source,
  out: string,
  work: WorkDirectory,
  options: ArchiveSinkOptions,
  arrive: (built: Buffer) => void,
): Promise<Sink> {
  let sink: ArchiveSink | undefined;
  try {
    sink = new ArchiveSink(source, out, work, options, arrive);
    await sink.begin();
    return sink;
  } catch (error) {
    if (sink === undefined) await work.remove().catch(() => {});
    else await sink.abort();
    throw error;
  }
}

class ArchiveSink implements Sink {
  private readonly arrival: Arrival;
  private readonly built: Buffer;
  private readonly fd: number;
  private readonly writer: PackedWriter;
  private written = 0;
  /** Members that are not as they were, by their paths in the source's archive: a hard link to one would be too. */
  private readonly replaced = new Set<string>();
  /** Of a directory: rights that all of its files give. */
  private rights = 0o666;
  /** A file of the image directory, of which the plan takes over what is not said of it. */
  private model: Member | undefined;

  /** Opens the file in the work directory. */
  constructor(
    private readonly source: Source,
    private readonly out: string,
    work: WorkDirectory,
    private readonly options: ArchiveSinkOptions,
    private readonly arrive: (built: Buffer) => void,
  ) {
    this.arrival = new Arrival(work, out, () => this.notice('WORK_FOLDER_LEFT', { name: work.shown }));
    this.built = joinPath(work.content, ARCHIVE);
    this.fd = fs.openSync(this.built, 'wx', 0o600);
    try {
      this.writer = packInto(this.fd, options.form, out);
    } catch (error) {
      fs.closeSync(this.fd);
      throw error;
    }
    for (const left of [...work.unremovable, ...work.strange]) this.notice('WORK_FOLDER_LEFT', { name: left });
  }

  /** A directory's mode and owner go ahead of what is in it. */
  async begin(): Promise<void> {
    const { directory, mode, uid, gid } = this.source;
    if (directory === undefined) return;
    const { mtimeMs } = fs.statSync(directory);
    const top = {
      name: Buffer.from('./'),
      kind: 'directory',
      mode,
      uid,
      gid,
      mtime: Math.floor(mtimeMs / 1000),
      size: 0,
    } as const;
    await this.write(await makeHeaders(top));
  }

  async put(member: Member): Promise<MemberWriter> {
    this.rights &= member.mode;
    // Headers say how long the content is, so it has to be there first.
    const spool = new Spool();
    return {
      write: async (bytes) => spool.push(bytes),
      close: async () => {
        try {
          await this.write(await this.headersFor(member, spool.length));
          await spool.writeTo({ write: (bytes) => this.write(bytes) });
          await this.write(Buffer.alloc(paddingOf(spool.length)));
        } finally {
          spool.close();
        }
        if (member.archived !== undefined) this.replaced.add(member.archived.path);
        if (isPlainImage(member)) this.model ??= member;
      },
    };
  }

  async keep(member: SourceMember, isImage: boolean): Promise<void> {
    const { archived } = member;
    if (archived === undefined) return this.bring(member, isImage);
    // A link to what is another file now would be that one too.
    if (archived.linkTo !== undefined && this.replaced.has(archived.linkTo)) return this.copy(member);
    await this.write(archived.headers);
    await this.writeAll(archived.open(), archived.stored, member);
    if (isPlainImage(member)) this.model ??= member;
  }

  async commit(): Promise<void> {
    const end = 2 * BLOCK_BYTES;
    const hasRecords = this.source.archive?.hasRecords ?? true;
    const records = Math.ceil((this.written + end) / RECORD_BYTES) * RECORD_BYTES;
    await this.write(Buffer.alloc(hasRecords ? records - this.written : end));
    await this.attempt(() => this.writer.end());
    const arrive = () => {
      this.keepModeAndOwner();
      fs.fsyncSync(this.fd);
      this.arrive(this.built);
    };
    await this.arrival.commit(arrive, () => fs.closeSync(this.fd));
  }

  async abort(): Promise<void> {
    await this.arrival.abort(async () => {
      await this.writer.abandon();
      fs.closeSync(this.fd);
    });
  }

  /** From a directory: what `tar` makes of it, but that a link to a file becomes the file, which is elsewhere later. */
  private async bring(member: SourceMember, isImage: boolean): Promise<void> {
    if (isFileOrLeadsToOne(member)) return this.copy(member);
    const isParent = member.name.toString('latin1') === PARENT;
    if (member.kind === 'special') return this.notice('SPECIAL_FILE_LEFT_OUT', member);
    if (member.kind === 'link' && member.leadsTo === 'nothing' && !isParent && !isImage) {
      return this.notice('DANGLING_LINK_LEFT_OUT', member);
    }
    if (isParent && member.leadsTo === 'nothing') this.notice('PARENT_MISSING', member);
    const { kind, mode, uid, gid, mtime = 0, linkOwner, target = Buffer.alloc(0) } = member;
    const name = this.newName(member);
    if (kind === 'directory') {
      const asDirectory = Buffer.concat([name, Buffer.from('/')]);
      return this.write(await makeHeaders({ name: asDirectory, kind, mode, uid, gid, mtime, size: 0 }));
    }
    if (leadsOut(member.name.toString('latin1'), target.toString('latin1'))) {
      return this.notice('OUTER_LINK_LEFT_OUT', member);
    }
    const owner = linkOwner ?? { uid, gid };
    await this.write(await makeHeaders({ name, kind: 'link', mode: 0o777, ...owner, mtime, size: 0, target }));
  }

  private async copy(member: SourceMember): Promise<void> {
    this.rights &= member.mode;
    const reader = await member.open();
    try {
      if (member.archived === undefined && reader.condense !== undefined) {
        return await this.writeSparse(member, reader, (await reader.condense()).atMost(MAX_STRETCHES));
      }
      if (member.size !== undefined) {
        await this.write(await this.headersFor(member, member.size));
        return await this.writeAll(reader, member.size, member);
      }
      const writer = await this.put(member);
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (
        let got = await reader.read(chunk, 0, chunk.length);
        got > 0;
        got = await reader.read(chunk, 0, chunk.length)
      ) {
        await writer.write(chunk.subarray(0, got));
      }
      await writer.close();
    } finally {
      await reader.close();
    }
  }

  /** A sparse file in GNU tar's newest format: a map of its stretches, then these. */
  private async writeSparse(member: SourceMember, reader: MemberReader, map: SparseMap): Promise<void> {
    const { mode, uid, gid, mtime = 0 } = member;
    const head = sparseHead(map);
    const name = this.newName(member);
    const size = head.length + map.stored;
    await this.write(await makeHeaders({ name, kind: 'file', mode, uid, gid, mtime, size, sparseSize: map.size }));
    await this.write(head);
    await this.writeAll(reader, map.stored, member);
  }

  /** Content of a known length, filled up to whole blocks. */
  private async writeAll(reader: ByteReader, length: number, member: Member): Promise<void> {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length + 1));
    let left = length;
    for (;;) {
      // One more than there should be, to see whether it has grown.
      const got = await reader.read(chunk, 0, Math.min(chunk.length, left + 1));
      if (got > left || (got === 0 && left > 0))
        throw messages.memberChanged(this.source.label, escapeBytes(member.name));
      if (got === 0) break;
      await this.write(chunk.subarray(0, got));
      left -= got;
    }
    await this.write(Buffer.alloc(paddingOf(length)));
  }

  private async headersFor(member: Member, size: number): Promise<Buffer> {
    const { mode, uid, gid, archived } = member;
    if (archived !== undefined) {
      const { name: old, headers, headersOfFile } = archived;
      const name = endsAlike(old, member.name) ? old : besideOf(old, member.name);
      // Headers of this very name keep the way in which it is written.
      const isNamed = headersOfFile === undefined && name === old;
      return remakeHeaders(headersOfFile ?? headers, { size, mode, uid, gid, ...(isNamed ? {} : { name }) });
    }
    const like = this.model;
    if (like?.archived !== undefined) {
      const name = besideOf(like.archived.name, member.name);
      return remakeHeaders(like.archived.headers, { size, name, mode, uid, gid });
    }
    const mtime = member.mtime ?? like?.mtime ?? 0;
    return makeHeaders({ name: this.newName(member), kind: 'file', mode, uid, gid, mtime, size });
  }

  /** As `tar -C DIRECTORY .` has it. */
  private newName({ name }: Member): Buffer {
    const inside = this.source.archive?.inside ?? Buffer.alloc(0);
    return joinPath(Buffer.from('.'), inside.length === 0 ? name : joinPath(inside, name));
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.options.signal?.throwIfAborted();
    await this.attempt(() => this.writer.write(bytes));
    this.written += bytes.length;
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw messages.cannotWriteOut(this.out, error);
    }
  }

  /** Who may read all of the source may read the archive. */
  private keepModeAndOwner(): void {
    const { mode, uid, gid } = this.source.archive ?? { ...this.source, mode: this.source.mode & (this.rights | OWN) };
    const lost = giveOwnerAndMode(ownedByFd(this.fd), { uid, gid, mode });
    if (lost !== undefined) this.notice(lost, { name: Buffer.from(this.out) });
  }

  private notice(code: SinkNotice['code'], { name }: Pick<Member, 'name'>): void {
    this.options.onNotice({ code, member: escapeBytes(name) });
  }
}

/** What the plan can be like: a file of the image directory, not of one in it. */
function isPlainImage({ kind, name, outsideImages }: Member): boolean {
  return kind === 'file' && outsideImages !== true && !name.includes('/');
}

function endsAlike(path: Buffer, name: Buffer): boolean {
  return path.subarray(path.lastIndexOf('/') + 1).equals(name.subarray(name.lastIndexOf('/') + 1));
}

/** The path of something in the directory of something else. */
function besideOf(path: Buffer, name: Buffer): Buffer {
  return Buffer.concat([path.subarray(0, path.lastIndexOf('/') + 1), name.subarray(name.lastIndexOf('/') + 1)]);
}
