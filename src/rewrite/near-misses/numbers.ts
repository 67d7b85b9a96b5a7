import { entryType } from '../../checkpoint/entry-types';
import type { FileEntryView } from '../../checkpoint/file-entry';
import { pipeKey, socketKey } from '../../checkpoint/key-text';
import type { InheritSpec, Key } from '../../specs/spec';
import { numberIn } from '../../wire/number-in';
import type { Hinter, SeenPipe } from './hinter';

/** The number of a pipe or socket that is that of something else. */
export function hintNumbers({ key, keyText }: InheritSpec): Hinter | undefined {
  const number = numberOf(key, keyText);
  return number === undefined ? undefined : new NumberHinter(number, key.kind);
}

function numberOf(key: Key, text: string): number | undefined {
  if (key.kind === 'pipe') return key.id;
  const digits = key.kind === 'socket' ? /^socket:\[(\d+)/.exec(key.name)?.[1] : /^\d{1,10}$/.exec(text)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

class NumberHinter implements Hinter {
  private readonly found = new Set<string>();

  constructor(
    private readonly number: number,
    private readonly kind: Key['kind'],
  ) {}

  seePipe({ id }: SeenPipe): void {
    if (id !== this.number || this.kind === 'pipe') return;
    this.found.add(`did you mean ${pipeKey(id)}? ${id} is the number of a pipe`);
  }

  /** Pipes and sockets are known to users by their inodes. */
  seeOther(view: FileEntryView): void {
    const type = entryType(view.type);
    if (type?.numbered === undefined) return;
    const { numbered, what, name } = type;
    if (!['pipe', 'socket'].includes(numbered.kind)) return;
    if (numberIn(view, numbered.field) !== this.number) return;
    const isSocket = numbered.kind === 'socket';
    if (isSocket && this.kind === 'socket') return;
    const meant = isSocket ? `did you mean ${socketKey(this.number)}? ` : '';
    this.found.add(`${meant}${this.number} is the number of ${what} (${name})`);
  }

  hints(): readonly string[] {
    return [...this.found];
  }
}
