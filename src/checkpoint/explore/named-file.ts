import { decode } from '../../schema/decode';
import { FD_TYPES, FILE_ENTRY_FIELDS, UNIX_SK_ENTRY } from '../../schema/generated/images';
import { describeEntry, type PathlessEntry, readPathless } from '../describe-entry';
import { type EntryFacts, fileKind, MAX_KEY_BYTES } from '../entry-facts';
import { INHERITABLE_TYPES, typeName } from '../entry-types';
import type { FileEntryView } from '../file-entry';
import { entryKey } from '../listing/entry-key';

/** What refers to an entry names it by its id, and knows its type. */
export interface FileReference {
  readonly id: number;
  /** Number in CRIU's fd_types. */
  readonly type: number;
}

/** An entry, as far as one needs to know it to name it. */
export interface NamedFile {
  readonly id: number;
  /** Name in CRIU's fd_types. */
  readonly type: string;
  /**
   * Its key, as `inspect` gives it, or the path of a directory, escaped alike; undefined where there is none of either.
   */
  readonly name?: string;
  /** How many bytes the name has, where `name` is only the beginning of it and so no key. */
  readonly nameBytes?: number;
  /** It cannot be inherited, so that its name is no key. */
  readonly isDirectory?: true;
  /** `name`: only its beginning where it is longer than any key. */
  readonly socket?: { readonly ino: number; readonly peer: number; readonly name: Buffer };
}

/** The types of which an entry says more than its id does. */
export const TELLING_TYPES: ReadonlySet<number> = new Set([
  ...INHERITABLE_TYPES.map(({ number }) => number),
  FD_TYPES.UNIXSK,
]);

/** All that is known without the entry. */
export const unnamedFile = ({ id, type }: FileReference): NamedFile => ({ id, type: typeName(type) });

/** An entry that has its path in another one. */
export interface Pathless {
  readonly reference: FileReference;
  readonly entry: PathlessEntry;
  /** Key of the other one. */
  readonly path: number;
}

/** What an entry says. Throws WireFault. */
export function readName(view: FileEntryView): NamedFile | Pathless {
  const { id, type, member, bytes, start, end } = view;
  if (type === FD_TYPES.UNIXSK && member === FILE_ENTRY_FIELDS.usk) {
    const { ino, peer, name } = decode(UNIX_SK_ENTRY, bytes, start, end);
    return { ...unnamedFile(view), socket: { ino, peer, name: Buffer.from(name.subarray(0, MAX_KEY_BYTES)) } };
  }
  const facts = describeEntry(view);
  // Others have no name for crit.
  if (facts !== undefined) {
    return type === FD_TYPES.REG || type === FD_TYPES.PIPE ? nameOf(view, facts) : unnamedFile(view);
  }
  const entry = readPathless(view);
  if (entry === undefined || type === FD_TYPES.TTY) return unnamedFile(view);
  return { reference: { id, type }, entry, path: entryKey(entry.pathId, FD_TYPES.REG) };
}

/** The name of an entry, where the facts of the other one are known. */
export function nameByPath({ reference, entry: { type, decoded } }: Pathless, path: EntryFacts): NamedFile {
  return nameOf(reference, type.describe(decoded, path));
}

function nameOf(reference: FileReference, facts: EntryFacts): NamedFile {
  const { key, nameBytes } = facts;
  const long = nameBytes === undefined ? {} : { nameBytes };
  const isDirectory = fileKind(facts) === 'directory';
  const name = isDirectory ? withoutSlash(key) : key;
  return { ...unnamedFile(reference), name, ...long, ...(isDirectory ? { isDirectory: true } : {}) };
}

/** Keys of directories end in a slash, their names do not. */
function withoutSlash(key: string): string {
  return key.length > 1 && key.endsWith('/') ? key.slice(0, -1) : key;
}
