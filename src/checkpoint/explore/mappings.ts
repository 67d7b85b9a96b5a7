import { FD_TYPES, type VmaEntry } from '../../schema/generated/images';
import { VMA_AREA_MEMFD, VMA_AREA_SOCKET, VMA_FILE_PRIVATE, VMA_FILE_SHARED } from '../vma-status';
import type { ExploredTask } from './explored-task';
import { type OnGap, reportImages, reportSilence } from './gaps';
import type { ImagesByName } from './images-by-name';
import { executableOf, mappingsOf } from './memory-map';
import type { FileReference, NamedFile } from './named-file';
import { eachPid } from './task-list';
import { complete, type Unnamed } from './with-names';

/** The executable of a task. */
export interface ExploredExecutable {
  readonly kind: 'executable';
  readonly file: NamedFile;
}

/** What is mapped. Shared memory is counted from 1 in the order in which tasks have it. */
export type MappingContent =
  | { readonly what: 'file'; readonly file: NamedFile; readonly offset: bigint; readonly isShared: boolean }
  | { readonly what: 'sysvipc' | 'shmem' | 'packet'; readonly number: number }
  | { readonly what: 'stack' | 'vsyscall' | 'vdso' | 'growsdown' | 'anonymous' };

/** A mapping of a task's memory. */
export interface ExploredMapping {
  readonly kind: 'mapping';
  readonly start: bigint;
  readonly end: bigint;
  /** PROT_READ, PROT_WRITE and PROT_EXEC of mmap(2). */
  readonly prot: number;
  readonly content: MappingContent;
  /** False for what the kernel maps by itself (VMA_AREA_REGULAR is not set). */
  readonly isRegular: boolean;
}

/** A row of `mems`. */
export type ExploredMems = ExploredTask | ExploredExecutable | ExploredMapping;

/** Bits of vma_entry.status (CRIU: include/image.h). */
const VMA_AREA_REGULAR = 1 << 0;
const VMA_AREA_STACK = 1 << 1;
const VMA_AREA_VSYSCALL = 1 << 2;
const VMA_AREA_VDSO = 1 << 3;
const VMA_ANON_SHARED = 1 << 8;
const VMA_AREA_SYSVIPC = 1 << 10;
const MAP_GROWSDOWN = 0x100;

/** The executable of each task, and its mappings in the order of its images. */
export async function* mappings(
  images: ImagesByName,
  onGap: OnGap,
): AsyncGenerator<Unnamed<ExploredMems>, void, undefined> {
  const numbers = new Map<bigint, number>();
  for await (const pid of eachPid(images)) {
    const executable = await executableOf(images, pid);
    yield complete({ kind: 'task', pid, isKnown: executable !== undefined });
    if (executable === undefined) {
      await reportImages(images, pid, [`mm-${pid}.img`], onGap);
      continue;
    }
    yield {
      files: [{ id: executable, type: FD_TYPES.REG }],
      complete: ([file]) => ({ kind: 'executable', file: file as NamedFile }),
    };
    let isEmpty = true;
    for await (const vma of mappingsOf(images, pid)) {
      isEmpty = false;
      yield mapping(vma, numbers);
    }
    if (isEmpty) reportNoMappings(pid, onGap);
  }
}

export function reportNoMappings(pid: number, onGap: OnGap): void {
  reportSilence(`task ${pid} has no mappings in mm-${pid}.img, and no vmas-${pid}.img`, onGap, pid);
}

function mapping(vma: VmaEntry, numbers: Map<bigint, number>): Unnamed<ExploredMems> {
  const { start, end, prot, pgoff: offset, status } = vma;
  const row = { kind: 'mapping', start, end, prot, isRegular: (status & VMA_AREA_REGULAR) !== 0 } as const;
  const shared = sharedMemory(status);
  if (shared !== undefined) return complete({ ...row, content: { what: shared, number: numberOf(vma, numbers) } });
  const file = mappedFile(vma);
  if (file === undefined) return complete({ ...row, content: { what: special(vma) } });
  const isShared = (status & VMA_FILE_SHARED) !== 0;
  return {
    files: [file],
    complete: ([named]) => ({ ...row, content: { what: 'file', file: named as NamedFile, offset, isShared } }),
  };
}

function sharedMemory(status: number) {
  if ((status & VMA_AREA_SYSVIPC) !== 0) return 'sysvipc';
  if ((status & VMA_ANON_SHARED) !== 0) return 'shmem';
  return (status & VMA_AREA_SOCKET) !== 0 ? 'packet' : undefined;
}

function numberOf({ shmid }: VmaEntry, numbers: Map<bigint, number>): number {
  const known = numbers.get(shmid);
  if (known !== undefined) return known;
  numbers.set(shmid, numbers.size + 1);
  return numbers.size;
}

/** The entry of the file that is mapped; undefined where none is. */
export function mappedFile({ shmid, status }: VmaEntry): FileReference | undefined {
  if ((status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) === 0) return undefined;
  return { id: Number(shmid), type: (status & VMA_AREA_MEMFD) === 0 ? FD_TYPES.REG : FD_TYPES.MEMFD };
}

function special({ status, flags }: VmaEntry) {
  if ((status & VMA_AREA_STACK) !== 0) return 'stack';
  if ((status & VMA_AREA_VSYSCALL) !== 0) return 'vsyscall';
  if ((status & VMA_AREA_VDSO) !== 0) return 'vdso';
  return (flags & MAP_GROWSDOWN) !== 0 ? 'growsdown' : 'anonymous';
}
