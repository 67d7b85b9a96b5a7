import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { isImageName, rawFileOf } from '../frames/image-kinds';
import { isJsonOfImage } from '../operations/json-name';
import { DESCRIPTOR_LIST } from '../specs/descriptor-list';
import { joinPath } from '../storage/byte-path';
import { sourceUnreadable } from '../storage/denied';
import { digestMember } from '../storage/digest-member';
import { openDirectory } from '../storage/directory-source';
import { SeenFiles } from '../storage/seen-files';
import { openFile } from '../storage/single-file';
import { isFileOrLeadsToOne } from '../storage/source';

/**
 * What a checkpoint that goes into a job holds, as a digest. Images count with their bytes. Pages and other raw files,
 * and archives, may be too large to read for this: they count with size and time of change. Logs do not count.
 * `seen`: what its files were, for who reads them after this. Throws FdgraftError.
 */
export async function contentOfInput(file: string, seen: SeenFiles, signal: AbortSignal | undefined): Promise<string> {
  if (!statsOf(file).isDirectory()) {
    await seen.seeAlone(fs.realpathSync.native(file, 'buffer'), file);
    const { size, mtimeNs } = statsOf(file);
    return `${size} bytes of ${mtimeNs}`;
  }
  return digestOfDirectory(file, seen, signal, ({ size, mtimeNs }) => `${size} bytes of ${mtimeNs}`);
}

/**
 * The same of what a job made: a file counts with its bytes, and so do images, and their JSON; raw files with their size.
 * A restore may have added logs since. Throws FdgraftError.
 */
export async function contentOfOutput(file: string, signal: AbortSignal | undefined): Promise<string> {
  const stats = fs.lstatSync(file);
  if (stats.isDirectory())
    return digestOfDirectory(file, new SeenFiles(signal, true), signal, ({ size }) => `${size} bytes`);
  if (!stats.isFile()) return 'neither a directory nor a file';
  const reader = openFile(file, signal);
  const member = { name: Buffer.from(file), kind: 'file' as const, mode: 0, uid: 0, gid: 0, open: async () => reader };
  return (await digestMember(member, signal))?.sha256 ?? '';
}

type DescribeRaw = (stats: fs.BigIntStats) => string;

async function digestOfDirectory(
  directory: string,
  seen: SeenFiles,
  signal: AbortSignal | undefined,
  describeRaw: DescribeRaw,
): Promise<string> {
  const hash = builtins.crypto.createHash('sha256');
  for await (const member of (await openDirectory(directory, { seen, signal })).members()) {
    signal?.throwIfAborted();
    const name = member.name.toString('latin1');
    if (!counts(name)) continue;
    // What a link to it leads to, since its text depends on where it stands.
    const isRaw = rawFileOf(path.posix.basename(name)) !== undefined && isFileOrLeadsToOne(member);
    const told = isRaw
      ? describeRaw(statsOf(joinPath(Buffer.from(directory), member.name)))
      : ((await digestMember(member, signal))?.sha256 ?? member.kind);
    hash.update(`${name}\0${told}\0`);
  }
  return hash.digest('hex');
}

function counts(name: string): boolean {
  return isImageName(name) || isJsonOfImage(path.posix.basename(name)) || name === DESCRIPTOR_LIST;
}

function statsOf(file: string | Buffer): fs.BigIntStats {
  try {
    return fs.statSync(file, { bigint: true });
  } catch (error) {
    throw sourceUnreadable(String(file), error);
  }
}
