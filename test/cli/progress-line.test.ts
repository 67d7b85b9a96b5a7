import test from 'ava';
import { BYTES, ProgressLine, sizeText, timeText, type Unit } from '../../src/cli/progress-line';

const JOBS: Unit = { amount: ({ done, total }) => `${done}/${total}`, rate: (perSecond) => `${perSecond}/s` };

test('the line says how far, how fast and how long yet, and is never wider than it may be', (t) => {
  const line = new ProgressLine(JOBS);
  t.is(line.draw({ total: 40, done: 0 }, [], 1000, 80), `[${'-'.repeat(20)}]  0/40`);
  t.is(
    line.draw({ total: 40, done: 10 }, ['1 failed'], 2000, 80),
    `[${'#'.repeat(5)}${'-'.repeat(15)}]  10/40  10/s  3 s left  1 failed`,
  );
  t.is(line.draw({ total: 40, done: 10 }, ['1 failed'], 2000, 40), '10/40  10/s  3 s left  1 failed');
  for (let width = 0; width < 60; width += 1) {
    t.true(line.draw({ total: 40, done: 10 }, ['1 failed'], 2000, width).length <= Math.max(0, width - 1));
  }
  t.is(new ProgressLine(JOBS).draw({ total: 0, done: 0 }, [], 0, 80), `[${'#'.repeat(20)}]  0/0`);
});

test('without a total it says how much, and how fast', (t) => {
  const line = new ProgressLine(BYTES);
  t.is(line.draw({ total: undefined, done: 0 }, [], 0, 80), '0 bytes');
  t.is(line.draw({ total: undefined, done: 3_000_000 }, [], 2000, 80), '3.0 MB  1.5 MB/s');
  t.is(line.draw({ total: undefined, done: 3_000_000 }, [], 2000, 5), '3.0 ');
});

test('more than there was to do, as of a file that grows, is no fault, and what begins again has a new rate', (t) => {
  const line = new ProgressLine(BYTES);
  line.draw({ total: 1000, done: 0 }, [], 0, 80);
  t.is(line.draw({ total: 1000, done: 2000 }, [], 1000, 80), `[${'#'.repeat(20)}]  2.0 kB of 1.0 kB`);
  t.is(line.draw({ total: 1000, done: 0 }, [], 2000, 80), `[${'-'.repeat(20)}]  0 bytes of 1.0 kB`);
  t.is(
    line.draw({ total: 1000, done: 500 }, [], 3000, 80),
    `[${'#'.repeat(10)}${'-'.repeat(10)}]  500 bytes of 1.0 kB  500 bytes/s  1 s left`,
  );
});

test('the rate is that of the last while: what was done before goes by in no time', (t) => {
  const line = new ProgressLine(JOBS);
  line.draw({ total: 10_000, done: 0 }, [], 900, 80);
  line.draw({ total: 10_000, done: 5000 }, [], 1000, 80);
  t.regex(line.draw({ total: 10_000, done: 5100 }, [], 11_000, 80), / 10\/s {2}8 min 10 s left$/);
});

test('times in two units at most', (t) => {
  const of = [0, 0.2, 59, 60, 61, 3600, 3661, 90_000, 200_000].map(timeText);
  t.deepEqual(of, ['0 s', '1 s', '59 s', '1 min', '1 min 1 s', '1 h', '1 h 1 min', '1 d 1 h', '2 d 7 h']);
});

test('sizes in decimal units', (t) => {
  const of = [0, 999, 1000, 1499, 99_940, 99_960, 999_499, 999_500, 2e10, 3e18].map(sizeText);
  t.deepEqual(of, [
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '1.5 kB',
    '99.9 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '20.0 GB',
    '3000 PB',
  ]);
});
