import type protobuf from 'protobufjs';
import { kindNamed } from '../../../src/frames/image-kinds';
import { messageType } from '../../support/images';
import { realVersion } from './crit';
import { isObject, type Json, type JsonObject } from './crit-json';
import { atLeast, NEWER, RENAMED } from './newer-fields';

/** What crit was asked for: decode, decode --pretty, show --nopl. */
export type Form = 'plain' | 'pretty' | 'nopl';
/** The tests that look for differences, each in images of its own. */
export type Where = 'fixtures' | 'dumps' | 'made';

/** What crit does in place of what fdgraft does: other text, or an error, or nothing that can be foretold. */
type Effect = boolean | RegExp | 'garbage';

/** Where the text of crit and that of fdgraft are not the same. All others are mistakes. */
export interface Difference {
  readonly reason: string;
  /** Only in versions of CRIU from or up to this one. */
  readonly since?: string;
  readonly before?: string;
  /** Where it has to occur. */
  readonly where: readonly Where[];
  /** What encoding crit's JSON gives: the image all the same, what crit encodes of it, or something else. */
  readonly encodes: 'image' | 'as crit' | 'otherwise';
  /** Makes crit's JSON of fdgraft's. False where there is nothing of the kind in it. */
  alter(image: JsonObject, form: Form): Effect;
}

export const DIFFERENCES: { readonly [name: string]: Difference } = {
  'no first magic': {
    reason: 'images of the oldest format begin with their own magic; crit gives every image the first one',
    where: ['fixtures'],
    encodes: 'as crit',
    alter: (image) => remove(image, '_head'),
  },
  'fields of later versions': {
    reason: 'crit drops fields that it does not know',
    before: '4.3',
    where: ['fixtures', 'made'],
    encodes: 'as crit',
    alter: (image) => dropNewer(image),
  },
  'count of pages, earlier': {
    reason: 'crit 4.1.1 calls the field nr_pages that has 0 in it since 4.2, where nr_pages is another one',
    before: '4.2',
    where: ['fixtures', 'made'],
    encodes: 'as crit',
    alter: (image) => anyMessage(image, (type, message) => rename(type, message, 'compat_nr_pages', 'nr_pages')),
  },
  'count of pages, later': {
    reason: 'crit 4.2 calls the count compat_nr_pages where there is no other; scripts know it as nr_pages',
    since: '4.2',
    where: ['fixtures', 'made'],
    encodes: 'image',
    alter: (image) => anyMessage(image, (type, message) => rename(type, message, 'nr_pages', 'compat_nr_pages')),
  },
  'states of tasks': {
    reason: 'crit 4.1.1 has no name for Dead',
    before: '4.2',
    where: ['fixtures', 'dumps', 'made'],
    encodes: 'image',
    alter: (image, form) => renameStates(image, form, { Dead: 2 }),
  },
  'states of tasks, exchanged': {
    reason: 'crit 4.1.1 says Zombie of what is stopped, and Stopped of a zombie: its JSON means the other one to 4.3',
    before: '4.2',
    where: ['dumps', 'made'],
    encodes: 'otherwise',
    alter: (image, form) => renameStates(image, form, { Stopped: 'Zombie', Zombie: 'Stopped' }),
  },
  'flags of later versions': {
    reason: 'crit 4.1.1 has no names for some bits, and shows them in the number at the end',
    before: '4.2',
    where: ['fixtures', 'made'],
    encodes: 'image',
    alter: (image, form) => form !== 'plain' && anyMessage(image, unnameFlags),
  },
  'names of sockets': {
    reason: 'quoted-printable does not hold every name: fdgraft has the bytes in _wire beside it',
    where: ['made'],
    encodes: 'as crit',
    alter: (image) => anyMessage(image, (type, message) => type.name === 'unix_sk_entry' && remove(message, '_wire')),
  },
  'names that are not UTF-8, earlier': {
    reason: 'crit shows such a name as a literal of Python; fdgraft has the bytes in _wire beside it',
    before: '4.2',
    where: ['dumps'],
    encodes: 'as crit',
    alter: (image) => anyMessage(image, showAsLiteral),
  },
  'names that are not UTF-8, later': {
    reason: 'crit fails on such a name',
    since: '4.2',
    where: ['dumps'],
    encodes: 'as crit',
    alter: (image) => anyMessage(image, showAsLiteral) && /^UnicodeDecodeError/,
  },
  'images that crit cannot read': {
    reason: 'crit knows their magics and has no handler for them',
    where: ['made'],
    encodes: 'as crit',
    alter: ({ magic }) => UNKNOWN_TO_CRIT.has(magic as string) && /^Exception: No handler found/,
  },
  'shared memory among the pages': {
    reason: 'crit takes what follows such an entry for the memory, which is in the page images since 3.17',
    where: ['dumps'],
    encodes: 'otherwise',
    alter: ({ magic, entries }) =>
      magic === 'IPCNS_SHM' && (entries as JsonObject[]).some((entry) => entry.in_pagemaps === true) && 'garbage',
  },
  'show --nopl of BPF maps': {
    reason: 'crit fails, since it asks for a field that there is not',
    where: ['made'],
    encodes: 'image',
    alter: ({ magic }, form) => form === 'nopl' && magic === 'BPFMAP_DATA' && /^AttributeError/,
  },
};

/** Images without a handler in crit up to 4.3. */
const UNKNOWN_TO_CRIT = new Set(['SIGNAL', 'BINFMT_MISC', 'PIDFD']);

/** Kinds whose count crit info gets wrong, since it takes what follows an entry for the next one, and why it may. */
export const UNCOUNTED: ReadonlySet<string> = new Set([
  'PIPES_DATA',
  'FIFO_DATA',
  'SK_QUEUES',
  'TCP_STREAM',
  'BPFMAP_DATA',
  'IPCNS_SEM',
  'IPCNS_SHM',
  'IPCNS_MSG',
  'GHOST_FILE',
]);

/** The differences of the CRIU under test. */
export function knownDifferences(): [name: string, difference: Difference][] {
  const version = realVersion();
  return Object.entries(DIFFERENCES).filter(
    ([, { since, before }]) =>
      (since === undefined || atLeast(version, since)) && (before === undefined || !atLeast(version, before)),
  );
}

function remove(message: JsonObject, key: string): boolean {
  if (message[key] === undefined) return false;
  delete message[key];
  return true;
}

/** Renames in place, so that the order of keys stays. What had the new name goes. */
function rename(type: protobuf.Type, message: JsonObject, from: string, to: string): boolean {
  if (RENAMED[`${type.name}.compat_nr_pages`] === undefined || message[from] === undefined) return false;
  // With both, fdgraft and crit 4.2 have the same names.
  if (to === 'compat_nr_pages' && message[to] !== undefined) return false;
  const entries = Object.entries(message).filter(([key]) => key !== to);
  for (const key of Object.keys(message)) delete message[key];
  for (const [key, value] of entries) message[key === from ? to : key] = value;
  return true;
}

function dropNewer(image: JsonObject): boolean {
  const version = realVersion();
  return anyMessage(image, (type, message) => {
    const gone = Object.keys(message).filter((key) => !atLeast(version, NEWER[`${type.name}.${key}`] ?? '0'));
    for (const key of gone) delete message[key];
    return gone.length > 0;
  });
}

function renameStates(image: JsonObject, form: Form, names: { readonly [name: string]: Json }): boolean {
  if (form === 'plain') return false;
  return anyMessage(image, (type, message) => {
    if (type.name !== 'task_core_entry') return false;
    const other = names[message.task_state as string];
    if (other === undefined) return false;
    message.task_state = other;
    return true;
  });
}

const LATER_FLAGS: { readonly [table: string]: { readonly [name: string]: number } } = {
  'mmap.flags': { MAP_DROPPABLE: 0x8 },
  'mmap.status': { VMA_AREA_UPROBES: 0x20000, VMA_AREA_NOT_ACCOUNTABLE: 0x40000 },
  'pmap.flags': { PE_PAYLOAD_ALIGNED: 0x8 },
};

function unnameFlags(type: protobuf.Type, message: JsonObject): boolean {
  let altered = false;
  for (const [key, value] of Object.entries(message)) {
    const later = LATER_FLAGS[String(type.fields[key]?.options?.['(criu).flags'])];
    if (later === undefined || typeof value !== 'string') continue;
    const words = value.split(' | ');
    const bits = words.reduce((sum, word) => sum + (later[word] ?? (/^0x/.test(word) ? Number(word) : 0)), 0);
    if (!words.some((word) => word in later)) continue;
    const named = words.filter((word) => !(word in later) && !/^0x/.test(word));
    message[key] = [...named, `0x${bits.toString(16)}`].join(' | ');
    altered = true;
  }
  return altered;
}

function showAsLiteral(type: protobuf.Type, message: JsonObject): boolean {
  const { name } = message;
  if (type.fields.name?.type !== 'string' || typeof name !== 'string' || !/\\x[\da-f]{2}/.test(name)) return false;
  message.name = `b'${name}'`;
  return remove(message, '_wire');
}

/** Calls for every message of an image; true where one of the calls was. */
function anyMessage(image: JsonObject, alter: (type: protobuf.Type, message: JsonObject) => boolean): boolean {
  const kind = kindNamed(image.magic as string);
  if (kind === undefined) throw new Error(`no image is called ${image.magic}`);
  const first = { PAGEMAP: 'pagemap_head', GHOST_FILE: 'ghost_file_entry' }[image.magic as string] ?? kind.message;
  let altered = false;
  const visit = (type: protobuf.Type, message: JsonObject) => {
    altered = alter(type, message) || altered;
    for (const [key, value] of Object.entries(message)) {
      const inner = type.fields[key]?.resolve().resolvedType;
      if (inner === undefined || inner === null || !('fields' in inner)) continue;
      for (const item of Array.isArray(value) ? value : [value]) if (isObject(item)) visit(inner, item);
    }
  };
  (image.entries as JsonObject[]).forEach((entry, i) => {
    visit(messageType(i === 0 ? first : kind.message), entry);
  });
  return altered;
}
