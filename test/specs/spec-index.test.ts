import test from 'ava';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { SpecIndex } from '../../src/specs/spec-index';

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
