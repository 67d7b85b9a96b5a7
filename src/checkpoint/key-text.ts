/**
 * How keys are written. The parser of specs (specs/parse-spec.ts) reads the same forms, so that each key that is
 * written here names what it was written for.
 */
import { escapeBytes } from '../bytes/escape';
import { showAddress } from '../bytes/ip-address';

/** A path with one of these is a glob. */
export const GLOB_CHARACTER = /[*?[{]/;

/** Beginnings of keys that are no paths. */
export const PIPE_FORM = /^pipe:?\[/;
export const EXTERNAL_FORM = /^file:?\[/;
export const DESCRIPTOR_FORM = /^\/?proc\/[^/]+\/fd(\/|$)/;
export const SOCKET_FORM = /^socket:?\[/;
export const TERMINAL_FORM = /^tty:?\[/;
export const MEMFD_FORM = /^\/?memfd:/;
export const ABSTRACT_FORM = /^@/;
export const ADDRESS_FORM = /^(?:tcp|udp):/;
const FORMS = [
  PIPE_FORM,
  EXTERNAL_FORM,
  DESCRIPTOR_FORM,
  SOCKET_FORM,
  TERMINAL_FORM,
  MEMFD_FORM,
  ABSTRACT_FORM,
  ADDRESS_FORM,
];
const ANY_FORM = new RegExp(FORMS.map(({ source }) => source).join('|'));

/** The name that CRIU gives an external file: mount and inode, both hexadecimal. */
export const EXTERNAL_NAME = /^file\[(?:0|[1-9a-f][0-9a-f]*):(?:0|[1-9a-f][0-9a-f]*)\]$/;

const SLASH = 0x2f;
const DOT = 0x2e;

/** Ends of a pipe, as keys name them. */
export type EndName = 'read' | 'write';

/** Where in `bytes[start, end)` a path begins that is compared: CRIU's own keys lack the leading slash. */
export function startOfPath(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === SLASH) return start + 1;
  // CRIU writes the root directory as a dot.
  return end - start === 1 && bytes[start] === DOT ? end : start;
}

/** A path as it is compared. */
export function withoutLeadingSlash<T extends Uint8Array>(path: T): T {
  return path.subarray(startOfPath(path, 0, path.length)) as T;
}

/** The key of a pipe; with `end`, of one end of it. */
export function pipeKey(id: number, end?: EndName): string {
  return end === undefined ? `pipe:[${id}]` : `pipe:[${id}]:${end}`;
}

/** The key of what a task has at a descriptor. */
export function descriptorKey(pid: number, fd: number): string {
  return `/proc/${pid}/fd/${fd}`;
}

/** The key of a socket. */
export function socketKey(inode: number): string {
  return `socket:[${inode}]`;
}

/** The key of the unix socket with this abstract name, given without the zero byte before it. */
export function abstractKey(name: Uint8Array): string {
  return `@${escapeBytes(name)}`;
}

/** CRIU's own key of a memfd (criu/memfd.c). */
export function memfdFileKey(name: string): string {
  return `/memfd:${name}`;
}

/** The key of the memfd with this name. */
export function memfdNameKey(name: Uint8Array): string {
  return memfdFileKey(escapeBytes(name));
}

/** CRIU's own key of a terminal outside (criu/tty.c), both numbers in hexadecimal. */
export function terminalKey(rdev: number, dev: number): string {
  return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
}

/** An address of an inet socket: 4 or 16 bytes, and a port. */
export interface InetAddress {
  readonly host: Buffer;
  readonly port: number;
}

/** The key of the socket that listens or receives at an address, or of the connection between two. */
export function addressKey(protocol: 'tcp' | 'udp', local: InetAddress, remote?: InetAddress): string {
  return `${protocol}:${addressText(local)}${remote === undefined ? '' : `-${addressText(remote)}`}`;
}

function addressText({ host, port }: InetAddress): string {
  const text = showAddress(host);
  return host.length === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}

/** The key of the regular file, FIFO, device or unix socket with this path. */
export function pathKey(path: Uint8Array): string {
  return escapeForms(`/${escapeBytes(withoutLeadingSlash(path))}`);
}

/** True for the key of something with a path. It has no other form, since `pathKey` escapes these. */
export function isPathKey(key: string): boolean {
  return key.startsWith('/') && !ANY_FORM.test(key);
}

/** The text of a path as a user writes it, without the slash at its end, which names a directory alone. */
export function splitDirectorySlash(text: string): { readonly path: string; readonly isDirectory: boolean } {
  // A slash that is part of a name is escaped.
  const isDirectory = text.length > 1 && text.endsWith('/');
  return { path: isDirectory ? text.slice(0, -1) : text, isDirectory };
}

/** The key of the directory with this path: the slash at its end tells it from a file of that path. */
export function directoryKey(path: Uint8Array): string {
  const key = pathKey(path);
  return key === '/' ? key : `${key}/`;
}

/** The key of an external file, whatever its name is. */
export function externalKey(name: Buffer): string {
  if (EXTERNAL_NAME.test(name.toString('latin1'))) return name.toString('latin1');
  return name.length === 0 ? '/' : escapeForms(escapeBytes(name));
}

/** Escapes what would make a path a glob, a directory or a key of another kind. */
function escapeForms(text: string): string {
  const plain = text.replace(/[*?[{]|(?<=.)\/$/gs, toEscape);
  return ANY_FORM.test(plain) ? plain.replace(/[a-z@]/, toEscape) : plain;
}

function toEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16)}`;
}
