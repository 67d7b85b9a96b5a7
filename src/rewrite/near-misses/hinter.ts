import type { FileEntryView } from '../../checkpoint/file-entry';
import type { InheritSpec } from '../../specs/spec';
import type { ExternalKey } from '../external-keys';
import type { ResolvedKeys } from '../resolve-keys';
import type { Survey } from '../survey';

/** All that a rewrite or a list has found when specs have matched nothing. */
export interface Known {
  readonly found: Survey;
  readonly specs: readonly InheritSpec[];
  readonly resolved: ResolvedKeys;
  /** Keys of external namespaces and mounts. */
  readonly keys: readonly ExternalKey[];
}

/** The name `bytes[start, end)` of a regular file, FIFO, device or directory that is open. */
export interface SeenFile {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isExternal: boolean;
  readonly isDirectory: boolean;
}

export interface SeenPipe {
  readonly id: number;
  /** As open flags have it. */
  readonly flags: number;
}

export interface SeenSocket {
  /** The best first. */
  readonly keys: readonly string[];
  /** The path that it can be named by. */
  readonly path: Buffer | undefined;
}

/** A spec gets this many hints at most, so a hinter needs no more. */
export const MAX_HINTS = 3;

/** Looks for one sort of mistake in one spec. Entries that it has no method for are not read for it. */
export interface Hinter {
  seeFile?(file: SeenFile): void;
  seePipe?(pipe: SeenPipe): void;
  seeSocket?(socket: SeenSocket): void;
  /** An open entry of any other type. */
  seeOther?(view: FileEntryView): void;
  /** The name of a memfd, once each. */
  seeMemfd?(name: Buffer): void;
  /** The key of a terminal, open or not. */
  seeTerminal?(key: string): void;
  /** Keys that may have been meant, a sentence each, the nearest first. */
  hints(): readonly string[];
  /** The keys that there are, if nobody has a hint. */
  otherwise?(): string | undefined;
}

/** Makes a hinter for a spec (by its number) that it can help with. */
export type MakeHinter = (spec: InheritSpec, known: Known, number: number) => Hinter | undefined;

/** The hinter that knows without a look at the checkpoint. */
export function alreadyKnown(hints: readonly (string | undefined)[]): Hinter {
  const given = hints.filter((hint) => hint !== undefined);
  return { hints: () => given };
}
