import { pushTo } from '../bytes/groups';
import { inheritableType } from '../checkpoint/entry-types';
import { type EndName, pathKey, startOfPath } from '../checkpoint/key-text';
import { accessOf } from '../checkpoint/open-flags';
import { decodeInPlace } from '../schema/decode';
import { FD_TYPES, FILE_ENTRY_FIELDS, PIPE_ENTRY_FIELDS, REG_FILE_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import type { Glob } from './glob';
import type { InheritSpec } from './spec';

const NONE: readonly number[] = [];
/** More are not looked for one by one. */
const MAX_NEEDLES = 8;
const SLASH = 0x2f;

/**
 * Tells which specs name an entry, without decoding it: asked a million times, answered "none" nearly
 * as often. Specs are numbered as they were given; an answer is in that order, but exact keys come before
 * globs. Which entries the specs that name descriptors and memfds mean is given: specs by file id and by key, ascending.
 * Terminals by their device are found by others.
 */
export class SpecIndex {
  private readonly pipes = new Map<number, { readonly number: number; readonly end: EndName | undefined }[]>();
  private readonly paths = new Map<string, number[]>();
  private readonly externals = new Map<string, number[]>();
  /** By the keys that types of entries make themselves. */
  private readonly named = new Map<string, number[]>();
  private readonly globs: { readonly number: number; readonly glob: Glob }[] = [];
  private readonly globNumbers = new Set<number>();
  private readonly lengths = new Set<number>();
  private readonly cursor = new FieldCursor();
  /** Bytes of which a name has one at least, if a key of a path or of an external file names it. */
  private readonly needles: readonly Buffer[] | undefined;
  /** Where they are in the buffer that `prepare` was called for last, ascending; undefined where that is not known. */
  private hits: readonly number[] | undefined;
  private nextHit = 0;
  private prepared: Uint8Array | undefined;

  constructor(
    specs: readonly InheritSpec[],
    private readonly specsOfId: ReadonlyMap<number, readonly number[]>,
    memfds: ReadonlyMap<string, readonly number[]>,
  ) {
    for (const [name, numbers] of memfds) for (const number of numbers) pushTo(this.named, name, number);
    specs.forEach(({ key }, number) => {
      if (key.kind === 'descriptor' || key.kind === 'memfd' || key.kind === 'terminal') return;
      if (key.kind === 'pipe') pushTo(this.pipes, key.id, { number, end: key.end });
      else if (key.kind === 'socket') pushTo(this.named, key.name, number);
      else if (key.kind === 'external') pushTo(this.externals, key.name, number);
      else if (key.kind === 'glob') {
        this.globs.push({ number, glob: key.glob });
        this.globNumbers.add(number);
      } else {
        pushTo(this.paths, key.path.toString('latin1'), number);
        pushTo(this.named, pathKey(key.path), number);
        const name = key.name.toString('latin1');
        pushTo(this.externals, name, number);
        // No key is empty, so that a name that is has this one.
        if (name === '/') pushTo(this.externals, '', number);
      }
    });
    for (const name of [...this.paths.keys(), ...this.externals.keys()]) {
      // With and without the leading slash.
      this.lengths.add(name.length);
      this.lengths.add(name.length + 1);
    }
    this.needles = this.findNeedles();
  }

  /** Undefined where a name can match without having any certain bytes, or where looking for them does not pay. */
  private findNeedles(): Buffer[] | undefined {
    const names = [...this.paths.keys(), ...this.externals.keys()].map((name) => Buffer.from(name, 'latin1'));
    const needles = [...names, ...this.globs.map(({ glob }) => glob.prefix)].map(withoutSlashes);
    return needles.length > MAX_NEEDLES || needles.some(({ length }) => length === 0) ? undefined : needles;
  }

  /**
   * Looks for the keys in `bytes[start, end)`, in which `count` entries lie: in one go, since nearly none has one.
   * What is found somewhere need not be a name.
   */
  prepare(bytes: Uint8Array, start: number, end: number, count: number): void {
    this.prepared = bytes;
    this.nextHit = 0;
    this.hits = this.needles && findAll(bytes.subarray(0, end), start, this.needles, count);
  }

  /** True where none of the keys can be the name of the entry whose member lies at `bytes[start, end)`. Ask in their order. */
  isOfNoKey(bytes: Uint8Array, start: number, end: number): boolean {
    const { hits } = this;
    if (hits === undefined || bytes !== this.prepared) return false;
    while (this.nextHit < hits.length && (hits[this.nextHit] as number) < start) this.nextHit += 1;
    return this.nextHit === hits.length || (hits[this.nextHit] as number) >= end;
  }

  private isGlob(number: number): boolean {
    return this.globNumbers.has(number);
  }

  /** The specs that name a descriptor of the entry with this id, whatever its type. */
  ofDescriptors(id: number): readonly number[] {
    return this.specsOfId.size === 0 ? NONE : (this.specsOfId.get(id) ?? NONE);
  }

  /**
   * The specs that name the entry of type `type` with this id, whose member of file_entry is number `member`
   * and lies at `bytes[start, end)`. Throws WireFault.
   */
  lookUp(id: number, type: number, member: number, bytes: Uint8Array, start: number, end: number): readonly number[] {
    const byKey = this.lookUpKey(type, member, bytes, start, end);
    const byDescriptor = this.ofDescriptors(id);
    if (byDescriptor.length === 0) return byKey;
    return this.inOrder([...byDescriptor, ...byKey]);
  }

  /** Numbers of specs as they were given, exact keys before globs. */
  inOrder(numbers: readonly number[]): number[] {
    return [...numbers].sort((a, b) => Number(this.isGlob(a)) - Number(this.isGlob(b)) || a - b);
  }

  private lookUpKey(type: number, member: number, bytes: Uint8Array, start: number, end: number): readonly number[] {
    if (type === FD_TYPES.PIPE && member === FILE_ENTRY_FIELDS.pipe) return this.lookUpPipe(bytes, start, end);
    if (type === FD_TYPES.REG && member === FILE_ENTRY_FIELDS.reg) return this.lookUpRegularFile(bytes, start, end);
    return this.named.size === 0 ? NONE : this.lookUpNamed(type, member, bytes, start, end);
  }

  /** Such entries are few, and their keys are of several fields. */
  private lookUpNamed(type: number, member: number, bytes: Uint8Array, start: number, end: number): readonly number[] {
    const named = inheritableType({ type, member });
    if (named?.keys === undefined) return NONE;
    const keys = named.keys(decodeInPlace(named.schema, bytes, start, end) as never);
    const numbers = new Set(keys.flatMap((key) => this.named.get(key) ?? NONE));
    return [...numbers].sort((a, b) => a - b);
  }

  private lookUpPipe(bytes: Uint8Array, start: number, end: number): readonly number[] {
    if (this.pipes.size === 0) return NONE;
    const { cursor } = this;
    let id = -1;
    let flags = 0;
    cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number === PIPE_ENTRY_FIELDS.pipe_id) id = cursor.uint32();
      else if (cursor.number === PIPE_ENTRY_FIELDS.flags) flags = cursor.uint32();
    }
    const named = this.pipes.get(id);
    if (named === undefined) return NONE;
    const access = accessOf(flags);
    return named.flatMap(({ number, end }) => (end === undefined || access[end] ? [number] : []));
  }

  private lookUpRegularFile(bytes: Uint8Array, start: number, end: number): readonly number[] {
    if (this.lengths.size === 0 && this.globs.length === 0) return NONE;
    const { cursor } = this;
    let nameStart = 0;
    let nameEnd = 0;
    let external = false;
    cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number === REG_FILE_ENTRY_FIELDS.name) {
        cursor.expect(WIRE_TYPE.BYTES);
        nameStart = cursor.valueStart;
        nameEnd = cursor.end;
      } else if (cursor.number === REG_FILE_ENTRY_FIELDS.ext) external = cursor.uint64AsNumber() !== 0;
    }
    const length = nameEnd - nameStart;
    if (!external) nameStart = startOfPath(bytes, nameStart, nameEnd);
    const exact = this.lengths.has(length) ? this.lookUpExactly(bytes, nameStart, nameEnd, external) : NONE;
    if (external || this.globs.length === 0) return exact;
    const matching = this.globs.filter(({ glob }) => glob.matches(bytes, nameStart, nameEnd));
    return matching.length === 0 ? exact : [...exact, ...matching.map(({ number }) => number)];
  }

  private lookUpExactly(bytes: Uint8Array, start: number, end: number, external: boolean): readonly number[] {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    return (external ? this.externals : this.paths).get(name) ?? NONE;
  }
}

/** An entry can have a path with or without its slash. */
function withoutSlashes(name: Buffer): Buffer {
  let start = 0;
  while (name[start] === SLASH) start += 1;
  return name.subarray(start);
}

/** Positions from `start` on, ascending; undefined if there are more than `most`. */
function findAll(bytes: Uint8Array, start: number, needles: readonly Buffer[], most: number): number[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const hits: number[] = [];
  for (const needle of needles) {
    for (let at = buffer.indexOf(needle, start); at !== -1; at = buffer.indexOf(needle, at + 1)) {
      if (hits.push(at) > most) return undefined;
    }
  }
  return hits.sort((a, b) => a - b);
}
