/** Many memfds, and memfds of many entries, as no program makes them. */
import test from 'ava';
import type { Assignment } from '../../src/rewrite/assign';
import { decideMemfds } from '../../src/rewrite/decide-memfds';
import type { MappedMemfd } from '../../src/rewrite/find-mapped-memfds';
import type { Survey } from '../../src/rewrite/survey';
import { parseInheritSpec } from '../../src/specs/parse-spec';

const SPECS = [parseInheritSpec('fd[5]:/memfd:one')];
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const memory = { record: 0, name: 'fdgraft.1', pids: [7], bytes: 1n, writes: false };

test('as many looks at entries without descriptors as there are', (t) => {
  const count = 2000;
  let looks = 0;
  const notOpen = numbers(count).map((id) => ({
    specs: [0],
    get id() {
      looks += 1;
      return id;
    },
  }));
  const mappedMemfds = new Map(
    numbers(count).map((id) => [id, { mapped: [{ id, memory }], held: new Set<number>(), isHuge: false }]),
  ) as unknown as Map<number, MappedMemfd>;
  const found = { mappedMemfds, notOpen, references: new Map() } as unknown as Survey;
  const taken = decideMemfds({ claims: [] } as unknown as Assignment, found, SPECS);
  t.is(taken.length, count);
  t.true(looks <= 2 * count, `${looks} looks`);
});

test('a memfd of more entries than a call takes arguments', (t) => {
  const count = 500_000;
  const one = { descriptors: [{}], scmRights: [] };
  const claims = numbers(count).map((id) => ({ match: { id }, spec: 0, references: one }));
  const memfd = { mapped: [{ id: 0, memory }], held: new Set(numbers(count)), isHuge: false };
  const found = {
    mappedMemfds: new Map(numbers(count).map((id) => [id, memfd])),
    notOpen: [],
    references: new Map(numbers(count).map((id) => [id, one])),
  } as unknown as Survey;
  t.is(decideMemfds({ claims } as unknown as Assignment, found, SPECS).length, 1);
});
