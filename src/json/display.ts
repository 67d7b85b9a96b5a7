import { parseAddress, showAddress } from '../bytes/ip-address';
import type { FieldShape } from '../schema/shape';

/** Names of bits and of values as crit of CRIU 4.3 has them. */
type Names = readonly (readonly [name: string, value: number])[];

const FLAGS: { readonly [table: string]: Names } = {
  'mmap.prot': [
    ['PROT_READ', 0x1],
    ['PROT_WRITE', 0x2],
    ['PROT_EXEC', 0x4],
  ],
  'mmap.flags': [
    ['MAP_SHARED', 0x1],
    ['MAP_PRIVATE', 0x2],
    ['MAP_DROPPABLE', 0x8],
    ['MAP_ANON', 0x20],
    ['MAP_GROWSDOWN', 0x100],
  ],
  'mmap.status': [
    ['VMA_AREA_NONE', 0],
    ['VMA_AREA_REGULAR', 0x1],
    ['VMA_AREA_STACK', 0x2],
    ['VMA_AREA_VSYSCALL', 0x4],
    ['VMA_AREA_VDSO', 0x8],
    ['VMA_AREA_HEAP', 0x20],
    ['VMA_FILE_PRIVATE', 0x40],
    ['VMA_FILE_SHARED', 0x80],
    ['VMA_ANON_SHARED', 0x100],
    ['VMA_ANON_PRIVATE', 0x200],
    ['VMA_AREA_SYSVIPC', 0x400],
    ['VMA_AREA_SOCKET', 0x800],
    ['VMA_AREA_VVAR', 0x1000],
    ['VMA_AREA_AIORING', 0x2000],
    ['VMA_AREA_MEMFD', 0x4000],
    ['VMA_AREA_SHSTK', 0x8000],
    ['VMA_AREA_UPROBES', 0x20000],
    ['VMA_AREA_NOT_ACCOUNTABLE', 0x40000],
    ['VMA_UNSUPP', 0x80000000],
  ],
  'rfile.flags': [
    ['O_WRONLY', 0x1],
    ['O_RDWR', 0x2],
    ['O_CREAT', 0x40],
    ['O_EXCL', 0x80],
    ['O_NOCTTY', 0x100],
    ['O_TRUNC', 0x200],
    ['O_APPEND', 0x400],
    ['O_NONBLOCK', 0x800],
    ['O_DSYNC', 0x1000],
    ['FASYNC', 0x2000],
    ['O_DIRECT', 0x4000],
    ['O_LARGEFILE', 0x8000],
    ['O_DIRECTORY', 0x10000],
    ['O_NOFOLLOW', 0x20000],
    ['O_NOATIME', 0x40000],
    ['O_CLOEXEC', 0x80000],
  ],
  'pmap.flags': [
    ['PE_PARENT', 0x1],
    ['PE_LAZY', 0x2],
    ['PE_PRESENT', 0x4],
    ['PE_PAYLOAD_ALIGNED', 0x8],
  ],
  'seals.flags': [
    ['F_SEAL_SEAL', 0x1],
    ['F_SEAL_SHRINK', 0x2],
    ['F_SEAL_GROW', 0x4],
    ['F_SEAL_WRITE', 0x8],
    ['F_SEAL_FUTURE_WRITE', 0x10],
  ],
};

const DICTIONARIES: { readonly [tableAndField: string]: Names } = {
  'gen.task_state': [
    ['Alive', 1],
    ['Dead', 2],
    ['Stopped', 3],
    ['Zombie', 6],
  ],
  'sk.family': [
    ['UNIX', 1],
    ['INET', 2],
    ['INET6', 10],
    ['NETLINK', 16],
    ['PACKET', 17],
  ],
  'sk.type': [
    ['STREAM', 1],
    ['DGRAM', 2],
    ['RAW', 3],
    ['SEQPACKET', 5],
    ['PACKET', 10],
  ],
  'sk.state': [
    ['ESTABLISHED', 1],
    ['SYN_SENT', 2],
    ['SYN_RECV', 3],
    ['FIN_WAIT1', 4],
    ['FIN_WAIT2', 5],
    ['TIME_WAIT', 6],
    ['CLOSE', 7],
    ['CLOSE_WAIT', 8],
    ['LAST_ACK', 9],
    ['LISTEN', 10],
  ],
  'sk.proto': [
    ['IP', 0],
    ['TCP', 6],
    ['UDP', 17],
    ['UDPLITE', 136],
  ],
};

/** Bits of a minor number, as the kernel packs a device; the major one is above them. */
const MINOR_BITS = 20;

/** What `--pretty` shows for an integer, from its halves; undefined where it is the number. `hex`: from the message around it. */
export function showInteger(field: FieldShape, low: number, high: number, hex: boolean): string | undefined {
  const { display } = field;
  if (hex || display.hex) return showHex(low, high);
  if (display.dev) return showDevice(low, display.odev === true);
  if (display.flags !== undefined) return showFlags(FLAGS[display.flags], low, high);
  return namesOf(field)?.find(([, value]) => high === 0 && value === low)?.[0];
}

/** The names of values that a field may have in place of numbers: those of its enum, its flags or its dictionary. */
export function nameableValues({ values, display, name }: FieldShape): ReadonlyMap<string, number> | undefined {
  if (values !== undefined) return values.values;
  const names = display.flags === undefined ? DICTIONARIES[`${display.dict}.${name}`] : FLAGS[display.flags];
  return names && new Map(names);
}

function namesOf({ display, name }: FieldShape): Names | undefined {
  return DICTIONARIES[`${display.dict}.${name}`];
}

function showHex(low: number, high: number): string {
  if (high === 0) return `0x${low.toString(16)}`;
  return `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
}

function showDevice(device: number, isOld: boolean): string {
  if (!isOld) return `${device >>> MINOR_BITS}:${device & ((1 << MINOR_BITS) - 1)}`;
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}

function showFlags(table: Names | undefined, low: number, high: number): string {
  if (table === undefined || high > 0) return showHex(low, high);
  const set = table.filter(([, bit]) => (low & bit) !== 0);
  const rest = set.reduce((value, [, bit]) => value & ~bit, low) >>> 0;
  return [...set.map(([name]) => name), ...(rest === 0 ? [] : [showHex(rest, 0)])].join(' | ');
}

/** What an integer that is written as text means; undefined where it is none that the field can have. */
export function parseInteger(field: FieldShape, text: string): bigint | undefined {
  const { display } = field;
  if (display.dev) {
    const device = parseDevice(text, display.odev === true);
    if (device !== undefined) return device;
  }
  if (display.flags !== undefined) return parseFlags(FLAGS[display.flags] ?? [], text);
  const named = namesOf(field)?.find(([name]) => name === text);
  return named === undefined ? parseNumber(text) : BigInt(named[1]);
}

/** A number as text: decimal or, after 0x, hexadecimal. */
function parseNumber(text: string): bigint | undefined {
  return /^(-?\d{1,20}|0x[\da-fA-F]{1,16})$/.test(text) ? BigInt(text) : undefined;
}

function parseDevice(text: string, isOld: boolean): bigint | undefined {
  const [, majorText, minorText] = /^(\d{1,4}):(\d{1,7})$/.exec(text) ?? [];
  const [major, minor] = [Number(majorText), Number(minorText)];
  if (!(major < 1 << 12 && minor < 1 << MINOR_BITS)) return undefined;
  if (!isOld) return (BigInt(major) << BigInt(MINOR_BITS)) | BigInt(minor);
  return (BigInt(minor >>> 8) << 20n) | (BigInt(major) << 8n) | BigInt(minor & 0xff);
}

function parseFlags(table: Names, text: string): bigint | undefined {
  if (text === '') return 0n;
  let value = 0n;
  for (const term of text.split('|')) {
    const word = term.trim();
    const bit = table.find(([name]) => name === word)?.[1];
    const number = bit === undefined ? parseNumber(word) : BigInt(bit);
    if (number === undefined || number < 0n) return undefined;
    value |= number;
  }
  return value;
}

/** What `--pretty` shows for the words of an address; undefined where they are none. */
export function showWords(words: readonly number[]): string | undefined {
  return words.length === 1 || words.length === 4 ? showAddress(bytesOfWords(words)) : undefined;
}

/** The words of an address that is written as text; undefined where it is none. */
export function parseWords(text: string): number[] | undefined {
  const bytes = parseAddress(text);
  if (bytes === undefined) return undefined;
  return Array.from({ length: bytes.length / 4 }, (_word, i) => bytes.readUInt32LE(4 * i));
}

/** The words are in network order in memory, and read as little-endian numbers. */
function bytesOfWords(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * words.length);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 4 * i);
  return bytes;
}
