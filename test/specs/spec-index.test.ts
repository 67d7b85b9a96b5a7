import test from 'ava';
import { FD_TYPES, FILE_ENTRY_FIELDS, PIPE_ENTRY_FIELDS } from '../../src/schema/generated/images';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { SpecIndex } from '../../src/specs/spec-index';
import { encodeVarintField } from '../../src/wire/encode';

test('specs come as they were given, exact keys before globs', (t) => {
  const specs = ['fd[1]:/a/*', 'fd[2]:/a/b', 'fd[3]:/**', 'fd[4]:pipe:[7]'].map((text) => parseInheritSpec(text));
  const index = new SpecIndex(specs, new Map([[9, [0, 3]]]), new Map());
  t.deepEqual(index.inOrder([3, 2, 1, 0]), [1, 3, 0, 2]);
  t.deepEqual(index.inOrder([0, 1]), [1, 0]);
  const given = [2, 1];
  index.inOrder(given);
  t.deepEqual(given, [2, 1]);
  t.deepEqual(index.ofDescriptors(9), [0, 3]);
  t.deepEqual(index.ofDescriptors(8), []);
});

test('an entry whose type and member differ is of no key', (t) => {
  const index = new SpecIndex([parseInheritSpec('fd[1]:pipe:[7]')], new Map(), new Map());
  const pipe = encodeVarintField(PIPE_ENTRY_FIELDS.pipe_id, 7);
  const lookUp = (type: number, member: number) => index.lookUp(1, type, member, pipe, 0, pipe.length);
  t.deepEqual(lookUp(FD_TYPES.PIPE, FILE_ENTRY_FIELDS.pipe), [0]);
  t.deepEqual(lookUp(FD_TYPES.REG, FILE_ENTRY_FIELDS.pipe), []);
  t.deepEqual(lookUp(FD_TYPES.PIPE, FILE_ENTRY_FIELDS.reg), []);
});
