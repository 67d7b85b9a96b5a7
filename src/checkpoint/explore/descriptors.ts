import { FD_TYPES, FS_ENTRY } from '../../schema/generated/images';
import { DescriptorView, isCloseOnExec } from '../descriptor-record';
import { isDead, readCore } from './core-facts';
import type { ExploredTask } from './explored-task';
import { type OnGap, reportImages } from './gaps';
import type { ImagesByName } from './images-by-name';
import type { NamedFile } from './named-file';
import { tableFinder } from './table-of-task';
import { eachPid } from './task-list';
import { complete, type Unnamed } from './with-names';

/** What a task has at a number. */
export interface ExploredDescriptor {
  readonly kind: 'descriptor';
  readonly fd: number;
  readonly closeOnExec: boolean;
  readonly file: NamedFile;
}

/** Where a task stands. */
export interface ExploredDirectory {
  readonly kind: 'directory';
  readonly what: 'cwd' | 'root';
  readonly file: NamedFile;
}

/** A row of `fds`. */
export type ExploredFds = ExploredTask | ExploredDescriptor | ExploredDirectory;

/** More of these are not made before the first is handed on. */
const RECORDS_AT_ONCE = 1024;

/** The open descriptors of each task in the order of its table, and its directories. */
export async function* openDescriptors(
  images: ImagesByName,
  onGap: OnGap,
): AsyncGenerator<Unnamed<ExploredFds>, void, undefined> {
  const tableOf = await tableFinder(images);
  for await (const pid of eachPid(images)) {
    const missing: string[] = [];
    const table = await tableOf(pid);
    if (table === undefined) missing.push(`ids-${pid}.img`);
    const name = `fdinfo-${table}.img`;
    const isThere = table !== undefined && (await images.has(name));
    // CRIU makes an image with its first record: a task without descriptors has none.
    const isEmpty = table !== undefined && !isThere && (await isAlive(images, pid));
    if (table !== undefined && !isThere && !isEmpty) missing.push(name);
    yield complete({ kind: 'task', pid, isKnown: isThere || isEmpty });
    if (isThere) yield* descriptorsIn(images, name);
    const fs = await images.first(`fs-${pid}.img`, FS_ENTRY);
    if (fs === undefined) missing.push(`fs-${pid}.img`);
    else {
      yield directory('cwd', fs.cwd_id);
      yield directory('root', fs.root_id);
    }
    await reportImages(images, pid, missing, onGap);
  }
}

async function isAlive(images: ImagesByName, pid: number): Promise<boolean> {
  const core = await readCore(images, pid);
  return core !== undefined && !isDead(core);
}

async function* descriptorsIn(
  images: ImagesByName,
  name: string,
): AsyncGenerator<Unnamed<ExploredFds>, void, undefined> {
  const view = new DescriptorView();
  for await (const batch of images.batches(name)) {
    for (const chunk of batch.chunks(RECORDS_AT_ONCE)) {
      const rows: Unnamed<ExploredFds>[] = [];
      chunk.each((bytes, start, end) => {
        const { id, type, fd, flags } = view.read(bytes, start, end).checkComplete();
        const closeOnExec = isCloseOnExec(flags);
        rows.push({
          files: [{ id, type }],
          complete: ([file]) => ({ kind: 'descriptor', fd, closeOnExec, file: file as NamedFile }),
        });
      });
      yield* rows;
    }
  }
}

function directory(what: 'cwd' | 'root', id: number): Unnamed<ExploredFds> {
  return {
    files: [{ id, type: FD_TYPES.REG }],
    complete: ([file]) => ({ kind: 'directory', what, file: file as NamedFile }),
  };
}
