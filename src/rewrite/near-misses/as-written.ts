import { pipeKey } from '../../checkpoint/key-text';
import type { InheritSpec } from '../../specs/spec';
import { alreadyKnown, type Hinter } from './hinter';

/** By their number. */
const STANDARD_NAMES = ['stdin', 'stdout', 'stderr'];

/** Keys that are well known in another form. */
export function hintAsWritten({ key, keyText }: InheritSpec): Hinter {
  return alreadyKnown([
    withoutBlanks(keyText),
    key.kind === 'pipe' ? undefined : looseNumberOfPipe(keyText),
    key.kind === 'path' ? looseDescriptor(keyText) : undefined,
  ]);
}

function withoutBlanks(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === text || trimmed === '') return undefined;
  return `did you mean ${trimmed}? The key has a blank at its ${text.startsWith(trimmed[0] as string) ? 'end' : 'beginning'}`;
}

function looseNumberOfPipe(text: string): string | undefined {
  const number = /^\s*pipe\W*(\d{1,10})\W*$/.exec(text)?.[1];
  return number === undefined ? undefined : `did you mean ${pipeKey(Number(number))}?`;
}

/** The name or number of a descriptor, alone or with its task. */
function looseDescriptor(text: string): string | undefined {
  const [, pid, ofTask] = /^\/?(?:proc\/)?([1-9]\d{0,9})\/(\d{1,7})$/.exec(text) ?? [];
  if (pid !== undefined && ofTask !== undefined) {
    return `did you mean /proc/${pid}/fd/${Number(ofTask)}? It names descriptor ${Number(ofTask)} of task ${pid}`;
  }
  const name = text.replace(/^\/?dev\//, '');
  const named = STANDARD_NAMES.indexOf(name.toLowerCase());
  const number = named < 0 ? /^(?:fd\W*)?(\d{1,3})\W*$/i.exec(name)?.[1] : String(named);
  if (number === undefined) return undefined;
  return `did you mean /proc/*/fd/${Number(number)}? It names descriptor ${Number(number)} of every task`;
}
