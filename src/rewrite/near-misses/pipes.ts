import { pipeKey } from '../../checkpoint/key-text';
import { accessOf } from '../../checkpoint/open-flags';
import type { InheritSpec, Key } from '../../specs/spec';
import { FewNames } from './few-names';
import type { Hinter, SeenPipe } from './hinter';

/** The other end of a pipe, and its number in hexadecimal. */
export function hintPipes({ key }: InheritSpec): Hinter | undefined {
  return key.kind === 'pipe' ? new PipeHinter(key) : undefined;
}

class PipeHinter implements Hinter {
  private readonly found = new Set<string>();
  private readonly there = new FewNames('pipe');
  private readonly asHexadecimal: number;

  constructor(private readonly key: Extract<Key, { kind: 'pipe' }>) {
    this.asHexadecimal = Number.parseInt(String(key.id), 16);
  }

  seePipe({ id, flags }: SeenPipe): void {
    const { key, found } = this;
    this.there.add(pipeKey(id));
    if (id === key.id) {
      const other = pipeKey(id, accessOf(flags).read ? 'read' : 'write');
      found.add(`pipe:[${id}] has no ${key.end} end in the checkpoint; did you mean ${other}?`);
    } else if (id === this.asHexadecimal) {
      found.add(`did you mean ${pipeKey(id, key.end)}? ${key.id} is that number in hexadecimal`);
    }
  }

  hints(): readonly string[] {
    return [...this.found];
  }

  otherwise(): string | undefined {
    return this.there.told();
  }
}
