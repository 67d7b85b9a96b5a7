import test from 'ava';
import fc from 'fast-check';
import type { EpollWatch } from '../../src/checkpoint/descriptor-names';
import { EpollWatches } from '../../src/checkpoint/epoll-watches';

const small = fc.nat(4);
const watch = fc.record({ epoll: small, fd: small, inode: fc.constantFrom(undefined, 7n, 8n) });
const named = ({ epoll, fd, inode }: EpollWatch) => `${epoll} ${fd} ${inode}`;

function made(watches: readonly EpollWatch[], epolls: readonly (readonly [number, number])[]): EpollWatches {
  const all = new EpollWatches();
  for (const one of watches) all.add(one);
  for (const [table, epoll] of epolls) all.addEpoll(table, epoll);
  return all;
}

test('the watches of a descriptor are those of the epolls that its table has', (t) => {
  fc.assert(
    fc.property(fc.array(watch), fc.array(fc.tuple(small, small)), small, small, (watches, epolls, table, fd) => {
      const expected = watches.filter(
        (one) => one.fd === fd && epolls.some(([of, epoll]) => of === table && epoll === one.epoll),
      );
      const found = [...made(watches as EpollWatch[], epolls).of(table, fd)];
      t.deepEqual(found.map(named).sort(), [...new Set(expected.map((one) => named(one as EpollWatch)))].sort());
      t.deepEqual(
        found.map(({ epoll }) => epoll),
        found.map(({ epoll }) => epoll).sort(),
      );
    }),
    { numRuns: 2000 },
  );
});

test('a watch counts once', (t) => {
  const all = new EpollWatches();
  t.true(all.isEmpty);
  t.deepEqual(
    [
      { epoll: 1, fd: 5 },
      { epoll: 1, fd: 5 },
      { epoll: 1, fd: 5, inode: 7n },
      { epoll: 2, fd: 5 },
    ].map((one) => all.add(one)),
    [true, false, true, true],
  );
  t.false(all.isEmpty);
});

const COUNT = 2000;
const many = Array.from({ length: COUNT }, (_none, i) => i);

for (const [what, watchOf] of [
  ['many epolls watch a number, and many tables have one of them', (i: number) => ({ epoll: i, fd: 5 })],
  ['an epoll of many tables watches many numbers', (i: number) => ({ epoll: 0, fd: i })],
] as const)
  test(`${what}: no look-up goes over all`, (t) => {
    const all = made(
      many.map(watchOf),
      many.map((table) => [table, 0] as const),
    );
    let found = 0;
    for (const table of many) found += [...all.of(table, 5)].length;
    t.is(found, COUNT);
    t.true(all.looks <= 2 * COUNT, `${all.looks} looks`);
  });
