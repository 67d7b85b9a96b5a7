import { escapeControls } from '../bytes/escape';
import type { NamedFile } from '../checkpoint/explore/named-file';
import { encodeQuotedPrintable } from '../json/quoted-printable';

/** What crit writes for a type of which it finds no entry. */
const UNKNOWN: { readonly [type: string]: string } = { REG: 'unknown path', PIPE: 'pipe[?]', UNIXSK: 'unix[?]' };

/** A key to paste, where there is one; else crit's word: `TTY.5`, `unix[ino (peer) name]`, `unknown path`. */
export function fileWord({ id, type, name, socket }: NamedFile): string {
  if (name !== undefined && name !== '') return name;
  if (socket !== undefined) return socketWord(socket);
  return UNKNOWN[type] ?? `${type}.${id}`;
}

/** crit breaks long names into lines, and lets line ends in them through. */
function socketWord({ ino, peer, name }: NonNullable<NamedFile['socket']>): string {
  const shown = escapeControls(encodeQuotedPrintable(name).replace(/=\r?\n/g, ''));
  return `unix[${ino} (${peer})${shown === '' ? '' : ` ${shown}`}]`;
}

/** An address as crit writes it: hexadecimal, in eight digits or more. */
export const address = (value: bigint) => value.toString(16).padStart(8, '0');

/** PROT_READ, PROT_WRITE and PROT_EXEC as in /proc/PID/maps. */
export function protWord(prot: number): string {
  return ['r', 'w', 'x'].map((letter, bit) => ((prot & (1 << bit)) === 0 ? '-' : letter)).join('');
}

/** Pages of 4 KiB, whatever the machine has: so CRIU's tools count. */
export const pagesIn = ({ start, end }: { start: bigint; end: bigint }) => (end - start) >> 12n;
