import fs from 'node:fs';
import path from 'node:path';

/** The folder that all outputs lie below, which need not be there yet. */
export class Root {
  /** Absolute and free of links. */
  readonly real: string;
  /** The folder and all those around it that are there, by what they are, not by their names. */
  private readonly around: ReadonlySet<string>;
  private readonly own: string | undefined;

  constructor(readonly given: string) {
    let there = path.resolve(given);
    const missing: string[] = [];
    while (identityOf(there) === undefined) {
      missing.unshift(path.basename(there));
      there = path.dirname(there);
    }
    const start = fs.realpathSync.native(there);
    this.real = path.join(start, ...missing);
    const around = new Set<string>();
    for (let folder = start; ; folder = path.dirname(folder)) {
      around.add(identityOf(folder) ?? '');
      if (folder === path.dirname(folder)) break;
    }
    this.around = around;
    this.own = missing.length === 0 ? identityOf(start) : undefined;
  }

  /** True for this folder, under whatever name. */
  is(folder: string): boolean {
    return this.own !== undefined && identityOf(folder) === this.own;
  }

  /** True where it is, or lies inside of, what `folder` names. */
  isInside(folder: string): boolean {
    const identity = identityOf(folder);
    return identity !== undefined && this.around.has(identity);
  }

  /** True where the path, links resolved, leads into it. */
  contains(inner: string): boolean {
    try {
      return `${fs.realpathSync.native(inner)}/`.startsWith(`${this.real}/`);
    } catch {
      return false;
    }
  }
}

function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = fs.statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
