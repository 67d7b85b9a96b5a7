import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { PARENT } from './archive/link-target';
import { Arrival } from './arrival';
import { attempt } from './attempt';
import { joinPath, retargetLink, splitPath } from './byte-path';
import { closeRead } from './close';
import { flushDirectory } from './flush';
import { holdDirectory } from './held-directory';
import { Linker, type LinkMode } from './link-mode';
import { beginNewPlace } from './new-place';
import { giveOwnerAndMode, ownedByFd, ownedByPath, tryToGiveAway } from './owner-and-mode';
import { isPages } from './pages';
import type { MemberWriter, Sink, SinkNotice } from './sink';
import type { Member, MemberReader, Source, SourceFile, SourceMember } from './source';
import type { SparseMap } from './sparse-map';
import type { FixedDirectory } from './trusted-path';
import { refuseUnfitDestination } from './unfit-destination';
import type { WorkDirectory } from './work-directory';
import { yieldToEventLoop } from './yield-to-event-loop';

export interface DirectorySinkOptions {
  link: LinkMode;
  /** The directory around OUT, if it is held open. */
  fixed?: FixedDirectory | undefined;
  /** Told about what could not be taken over quite as it was. */
  onNotice: (notice: SinkNotice) => void;
  signal?: AbortSignal | undefined;
}

const CHUNK_BYTES = 1 << 20;

/** A sink that builds the directory `out` beside its place and moves it there in one step. */
export async function createDirectorySink(source: Source, out: string, options: DirectorySinkOptions): Promise<Sink> {
  try {
    const { name, destination, work } = await beginNewPlace(source, out, options.fixed);
    const arrive = async () => {
      refuseUnfitDestination(source, out, work.beside(name));
      moveDirectory(work.content, work.beside(name));
    };
    const lasting = (to: Buffer) => Buffer.concat([destination, to.subarray(work.content.length)]);
    const linker = new Linker(options.link, lasting, options.signal);
    const bring: Bring = (file, to, isImage, isPages) => linker.bring(file, to, isImage, isPages);
    return new DirectorySink(source, out, destination, work, { bring, arrive, keepsPlace: false }, options);
  } catch (error) {
    throw messages.cannotWriteOut(out, error);
  }
}

/** Moving a directory to another one takes the right to write into it, which its mode may not give. */
function moveDirectory(from: Buffer, to: Buffer): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error;
    const { uid, gid, mode } = fs.lstatSync(from);
    // One that was given away already is this user's again for that long, and its group's: the set-group-id bit takes that.
    fs.lchownSync(from, process.geteuid?.() ?? uid, process.getegid?.() ?? gid);
    fs.chmodSync(from, 0o700);
    // Its name may lead elsewhere as soon as it is there.
    const held = holdDirectory(from);
    try {
      fs.renameSync(from, to);
      const moved = held.fd === undefined ? ownedByPath(to) : ownedByFd(held.fd);
      giveOwnerAndMode(moved, { uid, gid, mode: mode & 0o7777 });
    } finally {
      held.close();
    }
  }
}

export type Bring = (
  file: SourceFile,
  to: Buffer,
  isImage: boolean,
  isPages: boolean,
) => Promise<Exclude<LinkMode, 'auto'>>;

/** What is otherwise for a new directory and for one in place. */
export interface Way {
  /** Takes over a file that did not change. */
  readonly bring: Bring;
  /** Puts the whole where it belongs, in one step. */
  readonly arrive: () => Promise<void>;
  /** The result is the source's own directory: it may share all its files, and its links lead where they led. */
  readonly keepsPlace: boolean;
}

export class DirectorySink implements Sink {
  private readonly building: Buffer;
  /** Modes of directories that must wait until the directories are full. */
  private readonly directories = new Map<
    string,
    { path: Buffer; member: Pick<Member, 'mode' | 'uid' | 'gid' | 'name'> }
  >();

  private readonly arrival: Arrival;
  /** For contents, which come one after the other: a new one for each of many small files costs more than they do. */
  private chunk: Buffer | undefined;

  constructor(
    private readonly source: Source,
    private readonly out: string,
    private readonly destination: Buffer,
    work: WorkDirectory,
    private readonly way: Way,
    private readonly options: Omit<DirectorySinkOptions, 'link'>,
  ) {
    this.building = work.content;
    this.arrival = new Arrival(work, out, () => this.notice('WORK_FOLDER_LEFT', { name: work.shown }));
    const { mode, uid, gid } = source;
    this.noteDirectory(this.building, { mode, uid, gid, name: Buffer.from(out) });
    for (const left of [...work.unremovable, ...work.strange]) this.notice('WORK_FOLDER_LEFT', { name: left });
  }

  async put(member: Member): Promise<MemberWriter> {
    const target = this.place(member);
    const fd = this.attempt(() => fs.openSync(target, 'wx', 0o600));
    return {
      write: async (bytes) => {
        await yieldToEventLoop();
        this.options.signal?.throwIfAborted();
        for (let done = 0; done < bytes.length; ) done += this.attempt(() => fs.writeSync(fd, bytes, done));
      },
      close: async () =>
        this.attempt(() => {
          fs.closeSync(fd);
          this.keepModeAndOwner(target, member);
        }),
    };
  }

  async keep(member: SourceMember, isImage: boolean): Promise<void> {
    if (member.kind === 'special' && !this.way.keepsPlace) {
      // Of no use to CRIU. The label of an archive has no name.
      if (member.name.length > 0) this.notice('SPECIAL_FILE_LEFT_OUT', member);
      return;
    }
    const { file } = member;
    if (file?.isUnseen === true) await file.see?.();
    const target = this.place(member);
    try {
      await this.bring(member, target, isImage);
    } catch (error) {
      this.options.signal?.throwIfAborted();
      checkIsThere(member);
      throw messages.cannotWriteOut(this.out, error, escapeBytes(member.name));
    }
  }

  async commit(): Promise<void> {
    await this.arrival.commit(async () => {
      // Those below others first: a mode may keep us out.
      const directories = [...this.directories.values()].sort((a, b) => b.path.length - a.path.length);
      for (const { path, member } of directories) this.keepModeAndOwner(path, this.usable(member));
      const [parent] = splitPath(this.destination);
      await flushDirectory(this.building, parent);
      await this.way.arrive();
    });
  }

  async abort(): Promise<void> {
    await this.arrival.abort();
  }

  private attempt<T>(call: () => T): T {
    return attempt(call, (error) => messages.cannotWriteOut(this.out, error));
  }

  /** Root needs no rights to read what an archive gives no rights to; the directories of podman's have no x. */
  private usable<T extends Pick<Member, 'mode'>>(directory: T): T {
    const isLimited = this.source.archive !== undefined && process.geteuid?.() !== 0;
    return isLimited ? { ...directory, mode: directory.mode | 0o700 } : directory;
  }

  /** What an archive says of a directory counts, wherever it says that; the last, where it does so again. */
  private noteDirectory(path: Buffer, member: Pick<Member, 'mode' | 'uid' | 'gid' | 'name'>): void {
    this.directories.set(path.toString('latin1'), { path, member });
  }

  /** An archive becomes what tar makes of it: the image directory is where it was there. */
  private place({ name, outsideImages }: Member): Buffer {
    const inside = this.source.archive?.inside ?? Buffer.alloc(0);
    const path = outsideImages === true || inside.length === 0 ? name : joinPath(inside, name);
    if (path.length === 0) return this.building;
    this.makeDirectoriesAbove(path);
    return joinPath(this.building, path);
  }

  /** Archives need not have members for directories, or have them later. */
  private makeDirectoriesAbove(path: Buffer): void {
    if (this.source.archive === undefined) return;
    // Only directories are noted, so those above one that is are there too.
    const missing: number[] = [];
    for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1)) {
      if (this.directories.has(joinPath(this.building, path.subarray(0, slash)).toString('latin1'))) break;
      missing.push(slash);
    }
    const { mode, uid, gid } = this.source;
    for (const slash of missing.reverse()) {
      const name = path.subarray(0, slash);
      const place = joinPath(this.building, name);
      this.attempt(() => fs.mkdirSync(place, 0o700));
      this.noteDirectory(place, { mode, uid, gid, name });
    }
  }

  private async bring(member: SourceMember, target: Buffer, isImage: boolean): Promise<void> {
    if (member.kind === 'special') {
      // No file of someone else's is to be lost.
      fs.linkSync((member.file as SourceFile).path, target);
    } else if (member.kind === 'directory') {
      if (fs.lstatSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) fs.mkdirSync(target, 0o700);
      this.noteDirectory(target, member);
    } else if (member.kind === 'link') {
      await this.bringLink(member, target, isImage);
    } else if (member.file === undefined) {
      await this.copyContent(member);
    } else {
      const hasPages = isPages(member.name);
      const how = await this.way.bring(member.file, target, isImage, hasPages);
      if (how === 'copy' || how === 'reflink') this.keepModeAndOwner(target, member);
      else if (hasPages && !this.way.keepsPlace) this.notice('PAGES_LINKED', member);
    }
  }

  /** What a restore writes to must not lead out of OUT: a link to a file that is no image becomes a file. */
  private async bringLink(member: SourceMember, target: Buffer, isImage: boolean): Promise<void> {
    if (!this.way.keepsPlace && !isImage) {
      if (member.leadsTo === 'file') return this.copyContent(member);
      if (member.leadsTo === 'nothing' && !isParent(member)) return this.notice('DANGLING_LINK_LEFT_OUT', member);
    }
    if (isParent(member) && member.leadsTo === 'nothing') this.notice('PARENT_MISSING', member);
    fs.symlinkSync(this.retarget(member), target);
    if (!this.way.keepsPlace && isPages(member.name)) this.notice('PAGES_LINKED', member);
    const { uid, gid } = fs.lstatSync(target);
    const owner = member.linkOwner ?? { uid, gid };
    if (uid === owner.uid && gid === owner.gid) return;
    const isGiven = tryToGiveAway(() => fs.lchownSync(target, owner.uid, owner.gid));
    if (!isGiven) this.notice('OWNER_NOT_KEPT', member);
  }

  /** The directory is built elsewhere than it ends up, and links in subdirectories lie deeper. */
  private retarget(member: SourceMember): Buffer {
    const target = member.target ?? Buffer.alloc(0);
    if (this.source.directory === undefined) return target;
    const below = path.posix.dirname(member.name.toString('latin1'));
    const inDirectory = (top: Buffer) => Buffer.from(path.posix.join(top.toString('latin1'), below), 'latin1');
    return retargetLink(target, inDirectory(this.source.directory), inDirectory(this.destination));
  }

  private async copyContent(member: SourceMember): Promise<void> {
    const reader = await member.open();
    try {
      if (reader.condense !== undefined) return await this.copyStretches(member, reader, await reader.condense());
      const writer = await this.put(member);
      try {
        this.chunk ??= Buffer.allocUnsafe(CHUNK_BYTES);
        await copyAll(reader, writer, this.chunk);
      } finally {
        await writer.close();
      }
    } finally {
      await reader.close();
    }
  }

  /** Makes a sparse file of the stretches that `reader` gives. */
  private async copyStretches(member: SourceMember, reader: MemberReader, map: SparseMap): Promise<void> {
    const target = this.place(member);
    this.chunk ??= Buffer.allocUnsafe(CHUNK_BYTES);
    const { chunk } = this;
    const fd = this.attempt(() => fs.openSync(target, 'wx', 0o600));
    try {
      for (let stretch = 0; stretch < map.length; stretch += 1) {
        for (let at = map.offset(stretch); at < map.end(stretch); ) {
          const got = await reader.read(chunk, 0, Math.min(chunk.length, map.end(stretch) - at));
          if (got === 0) throw messages.memberChanged(this.source.label, escapeBytes(member.name));
          this.options.signal?.throwIfAborted();
          for (let done = 0; done < got; ) {
            done += this.attempt(() => fs.writeSync(fd, chunk, done, got - done, at + done));
          }
          at += got;
        }
      }
      this.attempt(() => fs.ftruncateSync(fd, map.size));
    } catch (error) {
      closeRead(fd);
      throw error;
    }
    this.attempt(() => {
      fs.closeSync(fd);
      this.keepModeAndOwner(target, member);
    });
  }

  private keepModeAndOwner(target: Buffer, member: Pick<Member, 'mode' | 'uid' | 'gid' | 'name'>): void {
    const lost = giveOwnerAndMode(ownedByPath(target), member);
    if (lost !== undefined) this.notice(lost, member);
  }

  private notice(code: SinkNotice['code'], member: Pick<Member, 'name'>): void {
    this.options.onNotice({ code, member: escapeBytes(member.name) });
  }
}

/** Throws FdgraftError where the file of a member is not what was read any more: that is no fault of OUT. */
function checkIsThere({ file }: SourceMember): void {
  if (file === undefined) return;
  file.check(fs.statSync(file.path, { throwIfNoEntry: false }));
}

async function copyAll(reader: MemberReader, writer: MemberWriter, chunk: Buffer): Promise<void> {
  for (;;) {
    const got = await reader.read(chunk, 0, chunk.length);
    if (got === 0) return;
    await writer.write(chunk.subarray(0, got));
  }
}

function isParent({ name }: Member): boolean {
  return name.toString('latin1') === PARENT;
}
