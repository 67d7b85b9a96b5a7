import { escapeBytes } from '../../bytes/escape';
import { EXTERNAL_NAME } from '../../checkpoint/key-text';
import type { InheritSpec } from '../../specs/spec';
import { FewNames } from './few-names';
import { type Hinter, MAX_HINTS, type SeenFile } from './hinter';

/** External files of the same inode. */
export function hintExternalFiles({ key }: InheritSpec): Hinter | undefined {
  return key.kind === 'external' ? new ExternalHinter(key.name) : undefined;
}

class ExternalHinter implements Hinter {
  private readonly alike: string[] = [];
  private readonly there = new FewNames('external file');
  /** The end of names with this inode. */
  private readonly inode: string;

  constructor(wanted: string) {
    this.inode = wanted.slice(wanted.indexOf(':'));
  }

  seeFile({ bytes, start, end, isExternal, isDirectory }: SeenFile): void {
    if (!isExternal || isDirectory) return;
    const name = escapeBytes(bytes.subarray(start, end));
    if (!EXTERNAL_NAME.test(name)) return;
    this.there.add(name);
    if (name.endsWith(this.inode) && this.alike.length < MAX_HINTS) this.alike.push(name);
  }

  hints(): readonly string[] {
    return this.alike.map((name) => `did you mean ${name}? It has the same inode`);
  }

  otherwise(): string | undefined {
    return this.there.told();
  }
}
