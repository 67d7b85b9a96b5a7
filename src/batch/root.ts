import { isUtf8 } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import { joinPath, splitPath } from '../storage/byte-path';
import { resolveToWrite } from '../storage/trusted-path';
import { Here } from './here';

/** The directory that all outputs lie below, which need not be there yet. */
export class Root {
  /**
   * Absolute and free of links, if that can be said as text; else a path that leads there from the current directory.
   */
  readonly real: string;
  /** The deepest directory on the way to it that is there, absolute and free of links, and the path from there. */
  readonly start: Buffer;
  readonly missing: string;
  /** The bytes of `real`. */
  readonly bytes: Buffer;
  /** The directory and all those around it that are there, by what they are, not by their names. */
  private readonly around: ReadonlySet<string>;
  private readonly own: string | undefined;

  constructor(
    readonly given: string,
    readonly here: Here = new Here(),
  ) {
    let there = here.reach(path.resolve(given));
    const missing: string[] = [];
    while (identityOf(there) === undefined) {
      missing.unshift(path.basename(there));
      there = path.dirname(there);
    }
    const start = resolveToWrite(there);
    this.start = start;
    this.missing = missing.join('/');
    this.real = path.join(isUtf8(start) ? start.toString() : there, ...missing);
    this.bytes = missing.reduce<Buffer>((directory, name) => joinPath(directory, Buffer.from(name)), start);
    const around = new Set<string>();
    for (let directory = start; ; ) {
      around.add(identityOf(directory) ?? '');
      const [above] = splitPath(directory);
      if (above.equals(directory)) break;
      directory = above;
    }
    this.around = around;
    this.own = missing.length === 0 ? identityOf(start) : undefined;
  }

  /** True for this directory, under whatever name. */
  is(directory: string): boolean {
    return this.own !== undefined && identityOf(this.here.reach(directory)) === this.own;
  }

  /** True where it is, or lies inside of, what `directory` names. */
  isInside(directory: string): boolean {
    const identity = identityOf(this.here.reach(directory));
    return identity !== undefined && this.around.has(identity);
  }

  /** True where the path, links resolved, leads into it. */
  contains(inner: string): boolean {
    try {
      const real = fs.realpathSync.native(this.here.reach(inner), 'buffer');
      const [place, root] = [real, this.bytes].map((directory) => `${directory.toString('latin1')}/`) as [
        string,
        string,
      ];
      return place.startsWith(root);
    } catch {
      return false;
    }
  }
}

function identityOf(file: string | Buffer): string | undefined {
  try {
    const { dev, ino } = fs.statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
