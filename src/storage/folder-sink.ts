import fs from 'node:fs/promises';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { joinPath, retargetLink } from './byte-path';
import { flushEntries, flushFolder } from './flush';
import { Linker, type LinkMode } from './link-mode';
import type { MemberWriter, Sink } from './sink';
import type { Member, Source, SourceMember } from './source';

export interface FolderSinkOptions {
  link: LinkMode;
  /** Told about what could not be taken over quite as it was. */
  onNotice: (notice: SinkNotice) => void;
}

export interface SinkNotice {
  code: 'OWNER_NOT_KEPT' | 'SPECIAL_FILE_LEFT_OUT' | 'PAGES_LINKED';
  member: string;
}

const PAGES = /^pages-.*\.img$/;

/** A sink that builds the folder `out` beside its place and moves it there in one step. */
export async function createFolderSink(source: Source, out: string, options: FolderSinkOptions): Promise<Sink> {
  const parent = await fs.realpath(path.dirname(path.resolve(out)), 'buffer').catch((error) => {
    throw messages.cannotWriteOut(out, error);
  });
  const name = Buffer.from(path.basename(path.resolve(out)));
  const destination = joinPath(Buffer.from(parent), name);
  await refuseUnfitDestination(source, out, destination);
  const building = await fs
    .mkdtemp(Buffer.concat([Buffer.from(parent), Buffer.from('/.'), name, Buffer.from('.fdgraft-')]) as never, 'buffer')
    .catch((error) => {
      throw messages.cannotWriteOut(out, error);
    });
  return new FolderSink(source, out, destination, Buffer.from(building as unknown as Buffer), options);
}

async function refuseUnfitDestination(source: Source, out: string, destination: Buffer): Promise<void> {
  const taken = await fs.lstat(destination).then(
    () => true,
    () => false,
  );
  if (taken) throw messages.outExists(out);
  if (source.folder === undefined) return;
  const inside = Buffer.concat([source.folder, Buffer.from('/')]);
  if (destination.subarray(0, inside.length).equals(inside)) throw messages.outInsideSource(out, source.label);
}

class FolderSink implements Sink {
  private readonly linker: Linker;
  private settled = false;
  /** Modes of folders that must wait until the folders are full. */
  private readonly folders: { path: Buffer; member: Pick<Member, 'mode' | 'uid' | 'gid' | 'name'> }[] = [];

  constructor(
    private readonly source: Source,
    private readonly out: string,
    private readonly destination: Buffer,
    private readonly building: Buffer,
    private readonly options: FolderSinkOptions,
  ) {
    this.linker = new Linker(options.link);
    this.folders.push({ path: building, member: { ...modeAndOwner(source), name: Buffer.from(out) } });
  }

  async put(member: Member): Promise<MemberWriter> {
    const target = this.place(member);
    const handle = await fs.open(target, 'wx', 0o600).catch((error) => {
      throw messages.cannotWriteOut(this.out, error);
    });
    return {
      write: async (bytes) => {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
        }
      },
      close: async () => {
        await handle.close();
        await this.keepModeAndOwner(target, member);
      },
    };
  }

  async keep(member: SourceMember, isImage: boolean): Promise<void> {
    const target = this.place(member);
    try {
      await this.bring(member, target, isImage);
    } catch (error) {
      throw messages.systemError(error, escapeBytes(member.name));
    }
  }

  async commit(): Promise<void> {
    for (const folder of this.folders.reverse()) await this.keepModeAndOwner(folder.path, folder.member);
    await flushFolder(this.building);
    await refuseUnfitDestination(this.source, this.out, this.destination);
    await fs.rename(this.building, this.destination).catch((error) => {
      throw messages.cannotWriteOut(this.out, error);
    });
    this.settled = true;
    await flushEntries(Buffer.from(path.dirname(this.destination.toString('latin1')), 'latin1'));
  }

  async abort(): Promise<void> {
    if (this.settled) return;
    this.settled = true;
    await fs.rm(this.building, { recursive: true, force: true });
  }

  private place(member: Member): Buffer {
    return joinPath(this.building, member.name);
  }

  private async bring(member: SourceMember, target: Buffer, isImage: boolean): Promise<void> {
    if (member.kind === 'special') {
      this.notice('SPECIAL_FILE_LEFT_OUT', member);
    } else if (member.kind === 'folder') {
      await fs.mkdir(target, 0o700);
      this.folders.push({ path: target, member });
    } else if (member.kind === 'link') {
      await fs.symlink(this.retarget(member), target);
    } else if (member.file === undefined) {
      await this.copyContent(member);
    } else {
      const isPages = PAGES.test(member.name.toString('latin1'));
      const how = await this.linker.bring(member.file, target, isImage, isPages);
      if (how === 'copy' || how === 'reflink') await this.keepModeAndOwner(target, member);
      else if (isPages) this.notice('PAGES_LINKED', member);
    }
  }

  /** The folder is built elsewhere than it ends up, and links in subfolders lie deeper. */
  private retarget(member: SourceMember): Buffer {
    const target = member.target ?? Buffer.alloc(0);
    if (this.source.folder === undefined) return target;
    const below = path.posix.dirname(member.name.toString('latin1'));
    const inFolder = (top: Buffer) => Buffer.from(path.posix.join(top.toString('latin1'), below), 'latin1');
    return retargetLink(target, inFolder(this.source.folder), inFolder(this.destination));
  }

  private async copyContent(member: SourceMember): Promise<void> {
    const reader = await member.open();
    try {
      const writer = await this.put(member);
      const chunk = Buffer.allocUnsafe(1 << 20);
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

  private async keepModeAndOwner(target: Buffer, member: Pick<Member, 'mode' | 'uid' | 'gid' | 'name'>): Promise<void> {
    const owned = await this.keepOwner(target, member);
    // After chown, which clears the set-id bits; they must not pass to another owner.
    await fs.chmod(target, owned ? member.mode : member.mode & 0o777);
  }

  private async keepOwner(target: Buffer, member: Pick<Member, 'uid' | 'gid' | 'name'>): Promise<boolean> {
    const { uid, gid } = await fs.lstat(target);
    if (uid === member.uid && gid === member.gid) return true;
    try {
      await fs.lchown(target, member.uid, member.gid);
      return true;
    } catch (error) {
      // Only root gives files away; cp -p passes over it as well.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      this.notice('OWNER_NOT_KEPT', member);
      return false;
    }
  }

  private notice(code: SinkNotice['code'], member: Pick<Member, 'name'>): void {
    this.options.onNotice({ code, member: escapeBytes(member.name) });
  }
}

function modeAndOwner(of: { mode: number; uid: number; gid: number }) {
  return { mode: of.mode, uid: of.uid, gid: of.gid };
}
