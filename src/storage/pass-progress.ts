/** How far this process is with what it reads, for who shows that: a command reads one source at a time. */
import fs from 'node:fs';

/** One pass over a source. Sizes are in bytes. */
export interface Pass {
  /** The source as messages name it. */
  readonly label: string;
  done(): number;
  /** Undefined where nobody knows. It may look at each file, and is asked for once. */
  total(): number | undefined;
}

export interface PassProgress {
  /** The kind of work. `label` names the source, or OUT. */
  readonly verb: 'Reading' | 'Writing';
  readonly label: string;
  readonly done: number;
  readonly total: number | undefined;
}

let latest: { readonly pass: Pass; total?: number | undefined } | undefined;
let out: string | undefined;
let copy: Buffer | undefined;
let isShown = false;

/** From now on this is what is read. */
export function beginPass(pass: Pass): void {
  latest = { pass };
}

/** What is read from now on goes to this place. */
export function beginWriting(label: string): void {
  out = label;
}

/** While `work` copies a file there, what is there of it counts. */
export async function whileCopying(to: Buffer, work: () => Promise<void>): Promise<void> {
  copy = to;
  try {
    await work();
  } finally {
    copy = undefined;
  }
}

/** True when somebody has asked how far it is: then what takes a system call to know is worth it. */
export function isProgressShown(): boolean {
  return isShown;
}

/** Undefined before anything is read. Never throws. */
export function passProgress(): PassProgress | undefined {
  if (latest === undefined) return undefined;
  isShown = true;
  const { pass } = latest;
  try {
    if (!('total' in latest)) latest.total = pass.total();
    const copied = copy === undefined ? 0 : (fs.statSync(copy, { throwIfNoEntry: false })?.size ?? 0);
    const what =
      out === undefined ? { verb: 'Reading' as const, label: pass.label } : { verb: 'Writing' as const, label: out };
    return { ...what, done: pass.done() + copied, total: latest.total };
  } catch {
    // A file is gone, or closed by now: who reads it says so.
    return undefined;
  }
}
