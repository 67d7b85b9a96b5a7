import { escapeBytes } from '../bytes/escape';
import { eachFileEntry } from '../checkpoint/each-entry';
import { MAX_KEY_BYTES, typeName } from '../checkpoint/entry-types';
import type { FileEntryView } from '../checkpoint/file-entry';
import { decode } from '../schema/decode';
import {
  FD_TYPES,
  FIFO_ENTRY_FIELDS,
  INET_SK_ENTRY_FIELDS,
  PIPE_ENTRY_FIELDS,
  REG_FILE_ENTRY,
  type RegFileEntry,
  UNIX_SK_ENTRY_FIELDS,
} from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import type { ResolvedDescriptors } from './resolve-descriptors';
import type { Survey } from './survey';

/** This many specs are explained; each is compared with every entry. */
const MAX_EXPLAINED = 10;
/** A spec gets this many suggestions at most. */
const MAX_SUGGESTIONS = 3;

/** Numbers by which entries of a type are known to users, and the field that holds them. */
const INODE_FIELDS = new Map<number, { field: number; what: string }>([
  [FD_TYPES.FIFO, { field: FIFO_ENTRY_FIELDS.pipe_id, what: 'an open FIFO' }],
  [FD_TYPES.UNIXSK, { field: UNIX_SK_ENTRY_FIELDS.ino, what: 'a unix socket' }],
  [FD_TYPES.INETSK, { field: INET_SK_ENTRY_FIELDS.ino, what: 'an inet socket' }],
]);

export interface Unmatched {
  readonly text: string;
  /** What may have been meant, a sentence each. */
  readonly near: readonly string[];
}

/** Reads files.img once more and tells of each spec (by number) that matched nothing what comes close to it. */
export async function explainUnmatched(
  source: Source,
  found: Survey,
  specs: readonly InheritSpec[],
  resolved: ResolvedDescriptors,
  unmatched: readonly number[],
  signal?: AbortSignal,
): Promise<Unmatched[]> {
  const explained = unmatched.slice(0, MAX_EXPLAINED);
  const suggestions = new Map(explained.map((number) => [number, new Set<string>()]));
  const suggest = (number: number, text: string) => {
    const known = suggestions.get(number);
    if (known !== undefined && known.size < MAX_SUGGESTIONS) known.add(text);
  };
  for (const number of explained) {
    const why = resolved.explain(number);
    if (why !== undefined) suggest(number, why);
  }
  for (const { specs: named, facts, id } of found.notOpen) {
    const remapped = found.remaps.some(({ linkedId }) => linkedId === id);
    const holders = [...(found.holders.get(id) ?? []), ...(remapped ? ['the stand-in for a removed file'] : [])];
    const as = holders.length === 0 ? '' : `, only as ${holders.join(', ')}`;
    for (const number of named) suggest(number, `${facts.key} is there${as}, but no descriptor refers to it`);
  }
  const compared = explained.filter((number) => specs[number]?.key.kind !== 'descriptor');
  const see = (view: FileEntryView) => {
    for (const number of compared) {
      const text = compare(specs[number] as InheritSpec, view);
      if (text !== undefined) suggest(number, text);
    }
  };
  if (compared.length > 0) await eachFileEntry(source, see, signal);
  return unmatched.map((number) => ({
    text: (specs[number] as InheritSpec).text,
    near: [...(suggestions.get(number) ?? [])],
  }));
}

function compare(spec: InheritSpec, view: FileEntryView): string | undefined {
  if (view.member === 0) return undefined;
  if (view.type === FD_TYPES.REG) {
    const file = decode(REG_FILE_ENTRY, view.bytes, view.start, view.end);
    return spec.key.kind === 'pipe' ? undefined : compareFile(spec, file);
  }
  return spec.key.kind === 'pipe' ? comparePipe(spec.key.id, view) : undefined;
}

function comparePipe(id: number, view: FileEntryView): string | undefined {
  const known = INODE_FIELDS.get(view.type);
  if (known !== undefined && readNumber(view, known.field) === id) {
    return `${id} is the number of ${known.what} (${typeName(view.type)})`;
  }
  if (view.type !== FD_TYPES.PIPE) return undefined;
  const pipe = readNumber(view, PIPE_ENTRY_FIELDS.pipe_id);
  if (pipe === Number.parseInt(String(id), 16))
    return `did you mean pipe:[${pipe}]? ${id} is that number in hexadecimal`;
  return undefined;
}

function compareFile(spec: InheritSpec, file: RegFileEntry): string | undefined {
  if (file.name.length > MAX_KEY_BYTES) return undefined;
  const name = escapeBytes(file.name);
  if (spec.key.kind === 'external') {
    const inode = spec.key.name.replace(/^.*:/, '');
    if (file.ext === true && name.endsWith(`:${inode}`)) return `did you mean ${name}? It has the same inode`;
    return undefined;
  }
  if (spec.key.kind !== 'path' || file.ext === true) return undefined;
  const wanted = spec.key.path;
  const path = file.name[0] === 0x2f ? file.name.subarray(1) : file.name;
  if (path.equals(wanted)) return undefined;
  const baseName = wanted.subarray(wanted.lastIndexOf(0x2f) + 1);
  if (baseName.length > 0 && path.subarray(path.lastIndexOf(0x2f) + 1).equals(baseName)) return `did you mean ${name}?`;
  return undefined;
}

function readNumber(view: FileEntryView, field: number): number | undefined {
  let number: number | undefined;
  const cursor = new FieldCursor().over(view.bytes, view.start, view.end);
  while (cursor.next()) if (cursor.number === field) number = cursor.uint32();
  return number;
}
