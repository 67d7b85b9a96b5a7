import { distance } from 'fastest-levenshtein';
import { EscapeFault, unescapeText } from '../bytes/escape';
import { parseAddress } from '../bytes/ip-address';
import { shellQuote } from '../bytes/shell-word';
import {
  ABSTRACT_FORM,
  ADDRESS_FORM,
  abstractKey,
  addressKey,
  DESCRIPTOR_FORM,
  directoryKey,
  type EndName,
  EXTERNAL_FORM,
  EXTERNAL_NAME,
  GLOB_CHARACTER,
  type InetAddress,
  MEMFD_FORM,
  PIPE_FORM,
  pipeKey,
  SOCKET_FORM,
  socketKey,
  splitDirectorySlash,
  TERMINAL_FORM,
  terminalKey,
  withoutLeadingSlash,
} from '../checkpoint/key-text';
import { messages } from '../errors/messages';
import { FD_NUMBER_MAX } from '../schema/plan-limits';
import { Glob, GlobFault } from './glob';
import { nearestOption } from './nearest-option';
import {
  type DescriptorKey,
  type InheritSpec,
  type Key,
  MAX_INODE,
  OPTION_VALUES,
  type Spec,
  type SpecOptions,
} from './spec';

const SHAPE = /^(fd|debug)\[(0|[1-9][0-9]*)\]:(.*)/s;
/** Numbers of tasks and descriptors in a checkpoint. */
const MAX_INT = 2 ** 31 - 1;

/** Reads a spec for those who ask what it takes. Throws FdgraftError for what takes no entry, too. */
export function parseInheritSpec(given: string | SpecOptions): InheritSpec {
  const spec = parseSpec(given);
  if (spec.kind !== 'inherit') throw messages.specTakesNoEntry(spec.text);
  return spec;
}

/**
 * Reads `fd[N]:KEY` or `debug[N]:TEXT`, alone or with its options. Stricter than CRIU, whose parser lets
 * `fd[7:x` and `fd[ 7]` pass. Throws FdgraftError (SPEC_SYNTAX).
 */
export function parseSpec(given: string | SpecOptions): Spec {
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null)) {
    const problem = 'is neither a text nor an object with inherit';
    throw messages.specSyntax(String(given), problem, 'a spec is fd[N]:KEY or debug[N]:TEXT');
  }
  const options = typeof given === 'string' ? { inherit: given } : given;
  const text = options.inherit;
  checkValues(options);
  if (/\p{Surrogate}/u.test(text)) {
    throw messages.specSyntax(escapeSurrogates(text), 'has half of a surrogate pair', 'write its bytes as \\xHH');
  }
  if (text.includes('\ufffd')) {
    throw messages.specSyntax(
      text,
      'has the character U+FFFD, which is what Node makes of bytes that are not UTF-8',
      'write such bytes as \\xHH, the way fdgraft ls prints them (U+FFFD itself: \\xef\\xbf\\xbd)',
    );
  }
  const match = SHAPE.exec(text);
  if (match === null) throw messages.specSyntax(text, ...explainShape(text));
  const [, kind, number, rest] = match as unknown as [string, string, string, string];
  const callerFd = Number(number);
  if (callerFd > FD_NUMBER_MAX) {
    throw messages.specSyntax(text, `${number} is no descriptor number`, `use a number from 0 to ${FD_NUMBER_MAX}`);
  }
  if (rest === '') {
    throw kind === 'fd'
      ? messages.specSyntax(
          text,
          'the key is empty',
          'a key is pipe:[ID], file[MNT:INO] or a path; fdgraft ls prints them',
        )
      : messages.specSyntax(text, 'the text is empty', 'write debug[N]:TEXT');
  }
  if (kind === 'debug') {
    refuseOptions(options, 'a debug text has none');
    return { kind: 'debug', text, callerFd, output: readEscapes(text, rest) };
  }
  return checkOptions({
    kind: 'inherit',
    text,
    callerFd,
    key: parseKey(text, callerFd, rest),
    keyText: rest,
    options: givenOptions(options),
    apply: options.apply ?? 'auto',
    position: options.position ?? 'caller',
    inFlight: options.inFlight,
    truncate: options.truncate ?? false,
    nonblock: options.nonblock ?? false,
    peer: options.peer ?? 'keep',
    only: options.only ?? false,
  });
}

/** For callers that have no types, or a file that was checked by no schema. */
function checkValues({ inherit, ...options }: SpecOptions): void {
  if (typeof inherit !== 'string') {
    throw messages.specSyntax(
      String(inherit),
      `is no text but ${typeof inherit}`,
      'a spec is fd[N]:KEY or debug[N]:TEXT',
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const allowed: readonly unknown[] | undefined = Object.hasOwn(OPTION_VALUES, name)
      ? OPTION_VALUES[name as keyof typeof OPTION_VALUES]
      : undefined;
    if (allowed === undefined) {
      throw messages.specSyntax(inherit, `has no option ${name}`, nearestOption(name, Object.keys(OPTION_VALUES)));
    }
    if (!allowed.includes(value)) {
      throw messages.specSyntax(inherit, `has ${name} ${String(value)}`, `allowed for ${name}: ${allowed.join(', ')}`);
    }
  }
}

function escapeSurrogates(text: string): string {
  return text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

function givenOptions({ inherit: _text, ...options }: SpecOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

function refuseOptions(options: SpecOptions, why: string): void {
  const given = givenOptions(options);
  if (given.length > 0) throw messages.specHasOptions(options.inherit, given, why);
}

function checkOptions(spec: InheritSpec): InheritSpec {
  const { text, key, apply, position, truncate, nonblock, only } = spec;
  if (only && key.kind !== 'descriptor') {
    throw messages.specSyntax(
      text,
      'has only: true, and its key names whole entries',
      'only goes with a key that names a descriptor, /proc/PID/fd/N',
    );
  }
  if (truncate && key.kind === 'pipe') {
    throw messages.specSyntax(
      text,
      'has truncate: true, and its key names a pipe',
      'leave truncate out: it cuts regular files',
    );
  }
  if (nonblock && (apply === 'reopen' || position !== 'caller')) {
    const other = apply === 'reopen' ? 'apply reopen' : `position ${position}`;
    throw messages.specSyntax(
      text,
      `has nonblock: true and ${other}`,
      'leave nonblock out: a file that is opened again has the status flags that the dump recorded',
    );
  }
  if (apply === 'dup' && position !== 'caller') {
    throw messages.specSyntax(
      text,
      `has apply dup and position ${position}, which would move the caller's own offset`,
      'use apply auto or reopen, or position caller',
    );
  }
  return spec;
}

/** Tells the near misses of the shape apart: [problem, hint]. */
function explainShape(text: string): [string, string] {
  const shape = 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]';
  const right = writtenRight(text);
  const hint = right === undefined ? shape : `write ${right}`;
  if (/^(fd|debug)\[\d+\]\s+:/.test(text)) return ['a blank stands before the colon', hint];
  if (/^(fd|debug)\[\d+\](?!:)/.test(text)) return ['the colon after ] is missing', hint];
  if (/^(fd|debug)\[\d+:/.test(text)) return ['the ] after the number is missing', hint];
  if (/^(fd|debug)\[0x[0-9a-f]+\]/i.test(text)) return ['the descriptor number is hexadecimal', hint];
  if (/^(fd|debug)\[0\d+\]/.test(text)) return ['the descriptor number has a leading zero', hint];
  if (right !== undefined && /^(fd|debug)\d+:/.test(text)) {
    const why = 'with the quotes: without them, a shell can take the brackets away';
    return ['the brackets around the number are missing', `write ${shellQuote(right)}, ${why}`];
  }
  const [, before, after] = /^(fd|debug)\[N\][:=]?(.*)/s.exec(text) ?? [];
  if (before !== undefined) {
    const problem = 'N stands for the number of your descriptor';
    return [problem, after === '' ? shape : `write that number for N: ${before}[5]:${after}`];
  }
  if (/^(fd|debug)\[/.test(text)) return ['what is between [ and ] is not a descriptor number', hint];
  if (PIPE_FORM.test(text) || EXTERNAL_FORM.test(text) || text.startsWith('/')) {
    return ['is neither fd[N]:KEY nor debug[N]:TEXT', `write fd[N]:${text}, N being the number of your descriptor`];
  }
  return ['is neither fd[N]:KEY nor debug[N]:TEXT', hint];
}

/** The spec in its form; undefined if no number and key can be told. */
function writtenRight(text: string): string | undefined {
  const loose = /^\s*(?:(fd|debug)[\s:]*)?[[({<]?\s*(0x)?([0-9a-f]+)\s*[\])}>]?\s*[:=]?\s*(.*)/is;
  const inBrackets = /^\s*(?:fd|debug)?[\s:]*\[([^[\]:=]*)\]/i.exec(text)?.[1] ?? '0';
  // A part of it would be taken for the number, and the rest for the key.
  if (!/^\s*(?:0x[0-9a-f]+|\d+)\s*$/i.test(inBrackets)) return undefined;
  const match = loose.exec(text);
  if (match === null) return undefined;
  const [, kind = 'fd', base = '', digits, rest] = match as unknown as [string, string?, string?, ...string[]];
  if (rest === '' || (base === '' && !/^\d+$/.test(digits as string))) return undefined;
  const number = Number(`${base}${digits}`);
  return number <= FD_NUMBER_MAX ? `${kind.toLowerCase()}[${number}]:${rest}` : undefined;
}

/** Reads a key, in the order that docs/SPECS.md gives. */
function parseKey(spec: string, callerFd: number, key: string): Key {
  if (PIPE_FORM.test(key)) return parsePipe(spec, callerFd, key);
  if (EXTERNAL_FORM.test(key)) return parseExternal(spec, callerFd, key);
  if (DESCRIPTOR_FORM.test(key)) return parseDescriptor(spec, callerFd, key);
  if (SOCKET_FORM.test(key)) return parseSocket(spec, callerFd, key);
  if (ABSTRACT_FORM.test(key)) return { kind: 'socket', name: abstractKey(readEscapes(spec, key.slice(1))) };
  if (ADDRESS_FORM.test(key)) return parseAddresses(spec, key);
  if (MEMFD_FORM.test(key))
    return { kind: 'memfd', name: readEscapes(spec, key.replace(MEMFD_FORM, '')).toString('latin1') };
  if (TERMINAL_FORM.test(key)) return parseTerminal(spec, callerFd, key);
  if (GLOB_CHARACTER.test(key)) return parseGlob(spec, key);
  const name = readEscapes(spec, key);
  const { path, isDirectory } = splitDirectorySlash(key);
  return { kind: 'path', path: withoutLeadingSlash(readEscapes(spec, withoutDot(path))), name, isDirectory };
}

const ENDS: readonly EndName[] = ['read', 'write'];
const PIPE_HINT = 'write pipe:[ID], ID being the decimal number that ls -l /proc/PID/fd shows, such as pipe:[22653]';

function parsePipe(spec: string, callerFd: number, key: string): Key {
  const [, number, end] = /^pipe:\[(0|[1-9][0-9]*)\](?::(read|write))?$/.exec(key) ?? [];
  if (Number(number) <= MAX_INODE) {
    return { kind: 'pipe', id: Number(number), end: end as EndName | undefined };
  }
  throw messages.specSyntax(spec, ...explainPipe(callerFd, key));
}

/** What is wrong with the key of a pipe, and how it is written: [problem, hint]. */
function explainPipe(callerFd: number, key: string): [string, string] {
  const loose = /^pipe:?\[\s*(0x)?([0-9a-f]+)\s*\]?(?::(\w*))?$/i.exec(key);
  if (loose === null) return ['what is between [ and ] is not the number of a pipe', PIPE_HINT];
  const [, base, digits, word] = loose as unknown as [string, string | undefined, string, string | undefined];
  const isHexadecimal = base !== undefined || !/^\d+$/.test(digits);
  const id = BigInt(isHexadecimal ? `0x${digits}` : digits);
  if (id > MAX_INODE)
    return [`what is between [ and ] is not the number of a pipe: it goes to ${MAX_INODE}`, PIPE_HINT];
  const ends = word === undefined ? [undefined] : nearEnds(word);
  const hint = `write ${ends.map((end) => `fd[${callerFd}]:${pipeKey(Number(id), end)}`).join(' or ')}`;
  if (!key.startsWith('pipe:')) return ['the colon after pipe is missing', hint];
  if (isHexadecimal) return ['the number of the pipe is hexadecimal', `${hint}; 0x${digits} is ${id}`];
  if (word !== undefined && !(ENDS as readonly string[]).includes(word)) return [`"${word}" is no end of a pipe`, hint];
  return ['what is between [ and ] is not the number of a pipe', hint];
}

/** The end that was meant, most likely; both where none comes close. */
function nearEnds(word: string): readonly EndName[] {
  const near = ENDS.filter((end) => distance(word.toLowerCase(), end) <= 2 || end.startsWith(word.toLowerCase()));
  return near.length === 1 ? near : ENDS;
}

const BOTH_HEXADECIMAL = 'both in lower-case hexadecimal without 0x and leading zeros';

function parseExternal(spec: string, callerFd: number, key: string): Key {
  if (EXTERNAL_NAME.test(key)) return { kind: 'external', name: key };
  const [, mount, inode] = /^file:?\[(?:0x)?0*([0-9a-f]+):(?:0x)?0*([0-9a-f]+)\]?$/i.exec(key) ?? [];
  const hint =
    mount === undefined
      ? `write file[MNT:INO], ${BOTH_HEXADECIMAL}, such as file[1f:2b]`
      : `write fd[${callerFd}]:file[${mount.toLowerCase()}:${inode?.toLowerCase()}], ${BOTH_HEXADECIMAL}`;
  throw messages.specSyntax(spec, 'the external file is not written the way CRIU names it', hint);
}

function parseDescriptor(spec: string, callerFd: number, key: string): DescriptorKey {
  const [, pid, fd] = /^\/?proc\/(\*|[1-9][0-9]*)\/fd\/(0|[1-9][0-9]*)$/.exec(key) ?? [];
  if ((pid === '*' || Number(pid) <= MAX_INT) && Number(fd) <= MAX_INT) {
    return { kind: 'descriptor', pid: pid === '*' ? undefined : Number(pid), fd: Number(fd) };
  }
  throw messages.specSyntax(
    spec,
    'is not the name of a descriptor',
    'write /proc/PID/fd/N, PID being the decimal number of a task in the checkpoint, or * for every task, and N the ' +
      'number of the descriptor, such as /proc/14716/fd/5' +
      hintForDirectory(spec, callerFd, key),
  );
}

/** A task may have /proc/PID/fd itself open; "" for other keys. */
function hintForDirectory(spec: string, callerFd: number, key: string): string {
  if (!/\/fd\/?$/.test(key) || GLOB_CHARACTER.test(key)) return '';
  const directory = readEscapes(spec, splitDirectorySlash(key).path);
  return `; for the directory itself, write fd[${callerFd}]:${directoryKey(directory)}`;
}

function parseGlob(spec: string, key: string): Key {
  try {
    const { path, isDirectory } = splitDirectorySlash(key);
    return { kind: 'glob', glob: new Glob(path.replace(/^\//, '')), isDirectory };
  } catch (error) {
    if (!(error instanceof GlobFault || error instanceof EscapeFault)) throw error;
    const hint =
      'a glob has *, **, ?, [a-z], [!a-z] and {a,b}; such a character that is part of the path is written \\xHH (\\x5b for [)';
    throw messages.specSyntax(spec, error.message, hint);
  }
}

function parseTerminal(spec: string, callerFd: number, key: string): Key {
  const [, rdev, dev] = /^tty:?\[(?:0x)?0*([0-9a-f]{1,8}):(?:0x)?0*([0-9a-f]{1,8})\]?$/i.exec(key) ?? [];
  const numbers = { rdev: Number.parseInt(rdev ?? '', 16), dev: Number.parseInt(dev ?? '', 16) };
  if (key === terminalKey(numbers.rdev, numbers.dev)) return { kind: 'terminal', ...numbers };
  const hint =
    rdev === undefined
      ? `write tty[RDEV:DEV], ${BOTH_HEXADECIMAL}, such as tty[8803:19]`
      : `write fd[${callerFd}]:${terminalKey(numbers.rdev, numbers.dev)}, ${BOTH_HEXADECIMAL}`;
  throw messages.specSyntax(spec, 'the terminal is not written the way CRIU names it', hint);
}

/** A path that begins as another key does is written with a dot and a slash before it, or with \x5b for a bracket. */
function withoutDot(key: string): string {
  const rest = key.slice(2);
  return key.startsWith('./') && FORMS_WITHOUT_BRACKET.some((form) => form.test(rest)) ? rest : key;
}

/** A key with a bracket is a glob, whatever stands before it. */
const FORMS_WITHOUT_BRACKET = [DESCRIPTOR_FORM, ABSTRACT_FORM, ADDRESS_FORM, MEMFD_FORM];

function parseSocket(spec: string, callerFd: number, key: string): Key {
  const [, number] = /^socket:\[(0|[1-9][0-9]*)\]$/.exec(key) ?? [];
  if (Number(number) <= MAX_INODE) return { kind: 'socket', name: socketKey(Number(number)) };
  const [, base, digits] = /^socket:?\[\s*(0x)?0*([0-9a-f]+)\s*\]?$/i.exec(key) ?? [];
  const inode = digits === undefined ? undefined : Number(`${base ?? (/^\d+$/.test(digits) ? '' : '0x')}${digits}`);
  const hint =
    inode === undefined || inode > MAX_INODE
      ? 'write socket:[INO], INO being the decimal number that ls -l /proc/PID/fd shows, such as socket:[131019]'
      : `write fd[${callerFd}]:${socketKey(inode)}`;
  throw messages.specSyntax(spec, 'is not the name of a socket', hint);
}

const ADDRESS_HINT =
  'write tcp:HOST:PORT or udp:HOST:PORT for the socket that listens or receives there, tcp:HOST:PORT-HOST:PORT for a ' +
  'connection (its own end first); HOST is a numeric address, one of IPv6 in brackets: tcp:[::]:80; a file of such a ' +
  'name is ./tcp:…';

function parseAddresses(spec: string, key: string): Key {
  const [protocol, ...rest] = key.split(':');
  const [local, remote, ...more] = rest.join(':').split('-').map(parseEnd);
  if (local === undefined || more.length > 0 || (rest.join(':').includes('-') && remote === undefined)) {
    throw messages.specSyntax(spec, 'is not the address of a socket', ADDRESS_HINT);
  }
  return { kind: 'socket', name: addressKey(protocol as 'tcp' | 'udp', local, remote) };
}

function parseEnd(text: string): InetAddress | undefined {
  const [, inBrackets, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(0|[1-9][0-9]{0,4})$/i.exec(text) ?? [];
  const host = parseAddress(inBrackets ?? plain ?? '');
  const port = Number(digits);
  const isFamily = host?.length === (inBrackets === undefined ? 4 : 16);
  return host === undefined || !isFamily || port > MAX_PORT ? undefined : { host, port };
}

const MAX_PORT = 65535;

function readEscapes(spec: string, text: string): Buffer {
  try {
    return unescapeText(text);
  } catch (error) {
    if (!(error instanceof EscapeFault)) throw error;
    throw messages.specSyntax(spec, error.message, 'a byte is written \\xHH, a backslash before an x \\x5c');
  }
}
