import { descriptorKey, pipeKey, socketKey } from '../../checkpoint/key-text';
import type { Tasks } from '../../checkpoint/tasks';
import type { InheritSpec } from '../../specs/spec';
import { alreadyKnown, type Hinter, type Known } from './hinter';

/** Descriptors by their number. */
const STANDARD_NAMES = ['stdin', 'stdout', 'stderr'];

/** Keys that are well known in another form. */
export function hintAsWritten({ key, keyText }: InheritSpec, { found }: Known): Hinter {
  const trimmed = keyText.trim();
  if (trimmed !== keyText && trimmed !== '') {
    const end = keyText.startsWith(trimmed) ? 'end' : 'beginning';
    return alreadyKnown([`did you mean ${trimmed}? The key has a blank at its ${end}`]);
  }
  const behindColons = keyText.replace(/^:+/, '');
  if (behindColons !== keyText && behindColons !== '')
    return alreadyKnown([`did you mean ${behindColons}? One colon stands between ] and KEY`]);
  return alreadyKnown([
    keyText.startsWith('anon_inode:') ? 'the key of an anonymous inode is /proc/PID/fd/N' : undefined,
    looseNumber(keyText, /^unix\W*(\d{1,10})\W*$/, socketKey),
    key.kind === 'pipe' ? undefined : looseNumber(keyText, /^pipe\W*(\d{1,10})\W*$/, pipeKey),
    descriptorOfTask(keyText, found.tasks) ?? looseDescriptor(keyText),
  ]);
}

/** The number of a pipe or socket, written otherwise. */
function looseNumber(text: string, form: RegExp, keyOf: (number: number) => string): string | undefined {
  const number = form.exec(text)?.[1];
  return number === undefined ? undefined : `did you mean ${keyOf(Number(number))}?`;
}

/** As `fdgraft ls` prints it, or without a part of its path in /proc. */
function descriptorOfTask(text: string, tasks: Tasks): string | undefined {
  const [, pid, fd] = /^\/?(?:proc\/)?([1-9]\d{0,9})\/(\d{1,7})$/.exec(text) ?? [];
  if (pid === undefined || tasks.tableOf(Number(pid)) === undefined) return undefined;
  return `did you mean ${descriptorKey(Number(pid), Number(fd))}? It names descriptor ${Number(fd)} of task ${pid}`;
}

/** The name or number of a descriptor alone; og_fd[N] is proposed for criu restore (CRIU's pull request 2859). */
function looseDescriptor(text: string): string | undefined {
  const name = text.replace(/^\/?dev\//, '');
  const named = STANDARD_NAMES.indexOf(name.toLowerCase());
  const number = named < 0 ? /^(?:(?:og_)?fd\W*)?(\d{1,3})\W*$/i.exec(name)?.[1] : String(named);
  if (number === undefined) return undefined;
  return `did you mean /proc/*/fd/${Number(number)}? It names descriptor ${Number(number)} of every task`;
}
