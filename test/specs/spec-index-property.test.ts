import test from 'ava';
import fc from 'fast-check';
import {
  FD_TYPES,
  FILE_ENTRY_FIELDS,
  PIPE_ENTRY_FIELDS,
  REG_FILE_ENTRY_FIELDS,
} from '../../src/schema/generated/images';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import type { InheritSpec } from '../../src/specs/spec';
import { SpecIndex } from '../../src/specs/spec-index';
import { encodeBytesField, encodeVarintField } from '../../src/wire/encode';
import { expand, matchesSlowly } from '../support/slow-glob';

/** The index finds what a look at each spec finds, among the entries of one buffer, and its short ways leave out no match. */

interface Entry {
  readonly name: string;
  readonly isExternal: boolean;
}

const names = fc
  .array(fc.constantFrom('a', 'b', '/', 'a/b', '.', 'file[1:2]'), { maxLength: 4 })
  .map((pieces) => pieces.join(''));
const entries = fc.array(fc.record({ name: names, isExternal: fc.boolean() }), { minLength: 1, maxLength: 12 });
const keys = fc.oneof(
  fc
    .array(fc.constantFrom('a', 'b', '/', '.'), { minLength: 1, maxLength: 4 })
    .map((pieces) => pieces.join(''))
    .filter((key) => !key.startsWith('./')),
  fc.constantFrom('file[1:2]', '/*', '**/b', 'a*', '{a,b}', '/a/*', '/', '.', '/a/b', 'a/b'),
);
const specs = fc
  .array(keys, { maxLength: 9 })
  .map((all) => all.map((key, number) => parseInheritSpec(`fd[${number}]:${key}`)));

/** Whether the spec names the entry, by its text alone. */
function isNamed({ keyText: key, key: { kind } }: InheritSpec, { name, isExternal }: Entry): boolean {
  if (kind === 'external') return isExternal && name === key;
  if (isExternal) return kind === 'path' && (name === key || (key === '/' && name === ''));
  const path = name === '.' ? '' : name.replace(/^\//, '');
  if (kind === 'glob') return expand(key.replace(/^\//, '')).some((one) => matchesSlowly(one, path));
  const named = key.length > 1 ? key.replace(/\/$/, '') : key;
  return path === (named === '.' ? '' : named.replace(/^\//, ''));
}

function encode({ name, isExternal }: Entry): Buffer {
  const parts = [encodeBytesField(REG_FILE_ENTRY_FIELDS.name, Buffer.from(name))];
  if (isExternal) parts.push(encodeVarintField(REG_FILE_ENTRY_FIELDS.ext, 1));
  return Buffer.concat(parts);
}

test('the index finds what a look at each spec finds', (t) => {
  fc.assert(
    fc.property(specs, entries, fc.boolean(), (all, files, isPrepared) => {
      const index = new SpecIndex(all, new Map(), new Map());
      const members = files.map(encode);
      const before = Buffer.from('/a/b');
      const bytes = Buffer.concat([before, ...members.flatMap((member) => [member, Buffer.from([0])])]);
      if (isPrepared) index.prepare(bytes, before.length, bytes.length, files.length);
      let start = before.length;
      for (const [i, entry] of files.entries()) {
        const end = start + (members[i] as Buffer).length;
        const named = all.flatMap((spec, number) => (isNamed(spec, entry) ? [number] : []));
        const isGlob = (number: number) => all[number]?.key.kind === 'glob';
        const expected = [...named.filter((one) => !isGlob(one)), ...named.filter(isGlob)];
        if (index.isOfNoKey(bytes, start, end)) t.deepEqual([entry, expected], [entry, []]);
        const found = index.lookUp(i, FD_TYPES.REG, FILE_ENTRY_FIELDS.reg, bytes, start, end);
        t.deepEqual([entry, [...found]], [entry, expected]);
        start = end + 1;
      }
    }),
    { numRuns: 1000 },
  );
});

test('nearly no entry is looked at, if few keys are somewhere in the buffer', (t) => {
  const index = new SpecIndex([parseInheritSpec('fd[1]:/var/log/a')], new Map(), new Map());
  const members = Array.from({ length: 100 }, (_none, i) =>
    encode({ name: `/var/log/${i === 50 ? 'a' : 'b'}`, isExternal: false }),
  );
  const bytes = Buffer.concat(members);
  const size = (members[0] as Buffer).length;
  const kept = (hasPrepared: boolean) => {
    if (hasPrepared) index.prepare(bytes, 0, bytes.length, members.length);
    return members.flatMap((_member, i) => (index.isOfNoKey(bytes, i * size, (i + 1) * size) ? [] : [i]));
  };
  t.is(kept(false).length, 100);
  t.deepEqual(kept(true), [50]);
  const other = Buffer.from(bytes);
  t.false(index.isOfNoKey(other, 0, size), 'another buffer');
});

test('an end of a pipe is named alone, both by the number', (t) => {
  const all = ['fd[1]:pipe:[7]:read', 'fd[2]:pipe:[7]', 'fd[3]:pipe:[7]:write', 'fd[4]:pipe:[8]'].map((text) =>
    parseInheritSpec(text),
  );
  const index = new SpecIndex(all, new Map([[9, [3]]]), new Map());
  const found = (id: number, pipe: number, flags: number) => {
    const bytes = Buffer.concat([
      encodeVarintField(PIPE_ENTRY_FIELDS.pipe_id, pipe),
      encodeVarintField(PIPE_ENTRY_FIELDS.flags, flags),
    ]);
    return index.lookUp(id, FD_TYPES.PIPE, FILE_ENTRY_FIELDS.pipe, bytes, 0, bytes.length);
  };
  t.deepEqual(found(1, 7, 0), [0, 1]);
  t.deepEqual(found(1, 7, 1), [1, 2]);
  t.deepEqual(found(1, 7, 2), [0, 1, 2]);
  t.deepEqual(found(1, 8, 1), [3]);
  t.deepEqual(found(1, 9, 1), []);
  t.deepEqual(found(9, 7, 0), [0, 1, 3], 'one of its descriptors is named, too');
});
