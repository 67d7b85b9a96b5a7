import { EscapeFault, unescapeText } from '../bytes/escape';
import { messages } from '../errors/messages';
import { Glob, GlobFault } from './glob';
import { nearestOption } from './nearest-option';
import { GLOB_CHARACTER, withoutLeadingSlash } from './path-key';
import { type DescriptorKey, type InheritSpec, type Key, OPTION_VALUES, type Spec, type SpecOptions } from './spec';

const SHAPE = /^(fd|debug)\[(0|[1-9][0-9]*)\]:(.*)$/s;
const MAX_FD = 2 ** 31 - 1;
const MAX_ID = 2 ** 32 - 1;

/** How runtimes name external namespaces (runc, crun: extRootNetNS, extRootPidNS). */
const NAMESPACE_KEY = /^ext[A-Z][A-Za-z]*NS$/;

/** The same for who asks what a spec takes. Throws FdgraftError for what takes no entry, too. */
export function parseInheritSpec(given: string | SpecOptions): InheritSpec {
  const spec = parseSpec(given);
  if (spec.kind !== 'inherit') throw messages.specTakesNoEntry(spec.text);
  return spec;
}

/**
 * Reads `fd[N]:KEY` or `debug[N]:TEXT`, alone or with its options. Stricter than CRIU, whose parser lets
 * `fd[7:x` and `fd[ 7]` pass. Throws FdgraftError: SPEC_SYNTAX, or SPEC_UNSUPPORTED for a kind of key that is
 * known but not supported.
 */
export function parseSpec(given: string | SpecOptions): Spec {
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
  if (callerFd > MAX_FD) {
    throw messages.specSyntax(text, `${number} is no descriptor number`, `descriptors go from 0 to ${MAX_FD}`);
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
  if (NAMESPACE_KEY.test(rest)) {
    refuseOptions(options, 'a key that is left to criu has none');
    return { kind: 'namespace', text };
  }
  return checkOptions({
    kind: 'inherit',
    text,
    callerFd,
    key: parseKey(text, rest),
    apply: options.apply ?? 'auto',
    position: options.position ?? 'caller',
    inFlight: options.inFlight,
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

function refuseOptions({ inherit, ...options }: SpecOptions, why: string): void {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) return;
  throw messages.specSyntax(inherit, `has the option ${given.join(', ')}`, `${why}: leave it out`);
}

function checkOptions(spec: InheritSpec): InheritSpec {
  const { text, key, apply, position, only } = spec;
  if (only && key.kind !== 'descriptor') {
    throw messages.specSyntax(
      text,
      'has only: true, and its key names whole entries',
      'only goes with a key that names a descriptor, /proc/PID/fd/N',
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
  if (/^(fd|debug)\[\d+\](?!:)/.test(text)) return ['the colon after ] is missing', shape];
  if (/^(fd|debug)\[\d+:/.test(text)) return ['the ] after the number is missing', shape];
  if (/^(fd|debug)\[0x[0-9a-f]+\]/i.test(text)) return ['the descriptor number is hexadecimal', shape];
  if (/^(fd|debug)\[0\d+\]/.test(text)) return ['the descriptor number has a leading zero', shape];
  if (/^(fd|debug)\[N\]/.test(text)) return ['N stands for the number of your descriptor', shape];
  if (/^(fd|debug)\[/.test(text)) return ['what is between [ and ] is not a descriptor number', shape];
  return ['is neither fd[N]:KEY nor debug[N]:TEXT', shape];
}

/** Reads a key, in the order that the README gives. */
function parseKey(spec: string, key: string): Key {
  if (/^pipe:?\[/.test(key)) return parsePipe(spec, key);
  if (/^file:?\[/.test(key)) return parseExternal(spec, key);
  if (/^\/?proc\/[^/]+\/fd(\/|$)/.test(key)) return parseDescriptor(spec, key);
  refuseUnsupported(spec, key);
  if (GLOB_CHARACTER.test(key)) return parseGlob(spec, key);
  const path = readEscapes(spec, key);
  if (path.includes(0)) throw messages.specSyntax(spec, 'the path has a NUL byte', 'no path has one');
  return { kind: 'path', path: withoutLeadingSlash(path) };
}

function parsePipe(spec: string, key: string): Key {
  const match = /^pipe:\[(0|[1-9][0-9]*)\]$/.exec(key);
  if (match !== null && Number(match[1]) <= MAX_ID) return { kind: 'pipe', id: Number(match[1]) };
  const form = 'write pipe:[ID], ID being the decimal number that ls -l /proc/PID/fd shows, such as pipe:[22653]';
  if (/^pipe\[/.test(key)) throw messages.specSyntax(spec, 'the colon after pipe is missing', form);
  const hexadecimal = /^pipe:\[(?:0x)?([0-9a-f]+)\]$/i.exec(key)?.[1];
  if (hexadecimal !== undefined && !/^\d+$/.test(hexadecimal)) {
    const decimal = BigInt(`0x${hexadecimal}`);
    throw messages.specSyntax(
      spec,
      'the number of the pipe is hexadecimal',
      `${form}; 0x${hexadecimal} is pipe:[${decimal}]`,
    );
  }
  throw messages.specSyntax(spec, 'what is between [ and ] is not the number of a pipe', form);
}

function parseExternal(spec: string, key: string): Key {
  const match = /^file\[([0-9a-f]+):([0-9a-f]+)\]$/.exec(key);
  if (match !== null && !/^0./.test(match[1] ?? '') && !/^0./.test(match[2] ?? '')) {
    return { kind: 'external', name: key };
  }
  const form = 'write file[MNT:INO], both in lower-case hexadecimal without 0x and leading zeros, such as file[1f:2b]';
  throw messages.specSyntax(spec, 'the external file is not written the way CRIU names it', form);
}

function parseDescriptor(spec: string, key: string): DescriptorKey {
  const [, pid, fd] = /^\/?proc\/(\*|[1-9][0-9]*)\/fd\/(0|[1-9][0-9]*)$/.exec(key) ?? [];
  if (pid !== undefined && fd !== undefined && (pid === '*' || Number(pid) <= MAX_FD) && Number(fd) <= MAX_FD) {
    return { kind: 'descriptor', pid: pid === '*' ? undefined : Number(pid), fd: Number(fd) };
  }
  throw messages.specSyntax(
    spec,
    'is not the name of a descriptor',
    'write /proc/PID/fd/N, PID being the decimal number of a task in the checkpoint, or * for every task, and N the ' +
      'number of the descriptor, such as /proc/14716/fd/5',
  );
}

function parseGlob(spec: string, key: string): Key {
  try {
    return { kind: 'glob', glob: new Glob(key.replace(/^\//, '')) };
  } catch (error) {
    if (!(error instanceof GlobFault || error instanceof EscapeFault)) throw error;
    const hint =
      'a glob has *, **, ?, [a-z], [!a-z] and {a,b}; such a character that is part of the path is written \\xHH (\\x5b for [)';
    throw messages.specSyntax(spec, error.message, hint);
  }
}

function refuseUnsupported(spec: string, key: string): void {
  const refuse = (what: string, hint: string) => {
    throw messages.specUnsupported(spec, `${what} is not supported yet`, hint);
  };
  if (/^socket:?\[/.test(key)) refuse('inheriting a socket', 'name a pipe or a regular file');
  if (/^tty:?\[/.test(key)) refuse('inheriting a terminal', 'criu restore --inherit-fd takes this key itself');
  if (/^\/?memfd:/.test(key)) refuse('inheriting a memfd', 'criu restore --inherit-fd takes this key itself');
}

function readEscapes(spec: string, text: string): Buffer {
  try {
    return unescapeText(text);
  } catch (error) {
    if (!(error instanceof EscapeFault)) throw error;
    throw messages.specSyntax(spec, error.message, 'a byte is written \\xHH, a backslash before an x \\x5c');
  }
}
