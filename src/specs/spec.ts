import type { EndName } from '../checkpoint/key-text';
import type { Glob } from './glob';

/** Pipes and sockets have numbers of 32 bits in the images. */
export const MAX_INODE = 2 ** 32 - 1;

/** What names the entries that are to be inherited. */
export type Key =
  /** The ends of a pipe; `end`: those that can be read or written alone. */
  | { readonly kind: 'pipe'; readonly id: number; readonly end: EndName | undefined }
  /** An external file under the name that CRIU makes: the whole name in the image. */
  | { readonly kind: 'external'; readonly name: string }
  /** A socket by its inode, its abstract name or its address; `name` as checkpoint/key-text.ts writes it. */
  | { readonly kind: 'socket'; readonly name: string }
  /** A memfd by the bytes of the name that it was made with, as latin1. */
  | { readonly kind: 'memfd'; readonly name: string }
  /** A terminal by CRIU's own name: its device, and that of the file system with its path. */
  | { readonly kind: 'terminal'; readonly rdev: number; readonly dev: number }
  /** The entry behind a descriptor of a task; of every task where `pid` is undefined. */
  | DescriptorKey
  /**
   * A regular file, directory or unix socket: its path without the slashes around it; `isDirectory`: it names that
   * alone. Or an external file whose name is free text: `name`, which is
   * the key as given.
   */
  | { readonly kind: 'path'; readonly path: Buffer; readonly name: Buffer; readonly isDirectory: boolean }
  /** Files whose path, without the leading slash, matches; `isDirectory`: directories instead. */
  | { readonly kind: 'glob'; readonly glob: Glob; readonly isDirectory: boolean };

export interface DescriptorKey {
  readonly kind: 'descriptor';
  /** As pstree.img has it. */
  readonly pid: number | undefined;
  readonly fd: number;
}

/** The values of the options, as in schemas/specs.schema.json. */
export const OPTION_VALUES: { readonly [option in OptionName]: readonly Required<SpecOptions>[option][] } = {
  apply: ['auto', 'dup', 'reopen'],
  position: ['caller', 'saved', 'end'],
  inFlight: ['replay', 'drop', 'fail'],
  truncate: [true, false],
  nonblock: [true, false],
  peer: ['keep', 'hangup'],
  only: [true, false],
};
type OptionName = Exclude<keyof SpecOptions, 'inherit'>;

/** How the restored tasks get at the caller's open file: as a dup of it, or opened again. */
export type Apply = 'auto' | 'dup' | 'reopen';
/** Where a reopened file is positioned: as the caller's is, as the dump recorded, or at its end. */
export type Position = 'caller' | 'saved' | 'end';
/** What becomes of unread bytes: delivered through the caller's pipe, lost, or a reason to stop. */
export type InFlight = 'replay' | 'drop' | 'fail';
/** The fate of the other end of a pair of sockets that stays: a reason to stop, or a hang-up. */
export type PeerFate = 'keep' | 'hangup';

/** A spec with its options, as --specs has them; schemas/specs.schema.json describes each. */
export interface SpecOptions {
  /** `fd[N]:KEY` or `debug[N]:TEXT`. */
  readonly inherit: string;
  /** `auto` by default: a dup if the status flags fit and no other entry shares the caller fd. */
  readonly apply?: Apply | undefined;
  /** `caller` by default. The others open the file again. */
  readonly position?: Position | undefined;
  /** `replay` by default. */
  readonly inFlight?: InFlight | undefined;
  /** Cut the caller's file to the size at the dump, before the restored tasks run. */
  readonly truncate?: boolean | undefined;
  /** Set O_NONBLOCK on the caller's open file if the entry had it, before the restored tasks run. */
  readonly nonblock?: boolean | undefined;
  /** `keep` by default. */
  readonly peer?: PeerFate | undefined;
  /** The named descriptors alone leave their entry. For keys /proc/PID/fd/N. */
  readonly only?: boolean | undefined;
}

/** `fd[N]:KEY` */
export interface InheritSpec {
  readonly kind: 'inherit';
  /** As given. */
  readonly text: string;
  readonly callerFd: number;
  readonly key: Key;
  /** The key as given. */
  readonly keyText: string;
  /** Names of the options that were given. */
  readonly options: readonly string[];
  readonly apply: Apply;
  readonly position: Position;
  /** Undefined where nothing was said. */
  readonly inFlight: InFlight | undefined;
  /** The caller's file is cut to the size that the dump recorded. */
  readonly truncate: boolean;
  /** O_NONBLOCK is set on the caller's open file if the entry had it. */
  readonly nonblock: boolean;
  readonly peer: PeerFate;
  /** Just the named descriptors leave their entry. */
  readonly only: boolean;
}

/** `debug[N]:TEXT` */
export interface DebugSpec {
  readonly kind: 'debug';
  readonly text: string;
  readonly callerFd: number;
  readonly output: Buffer;
}

export type Spec = InheritSpec | DebugSpec;
