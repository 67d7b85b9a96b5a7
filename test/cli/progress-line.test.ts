import test from 'ava';
import { ProgressLine, timeText } from '../../src/cli/batch/progress-line';

test('the line says how far, how fast and how long yet, and is never wider than it may be', (t) => {
  const line = new ProgressLine();
  t.is(line.draw({ total: 40, done: 0, failed: 0 }, 1000, 80), `[${'-'.repeat(20)}]  0/40`);
  t.is(
    line.draw({ total: 40, done: 10, failed: 1 }, 2000, 80),
    `[${'#'.repeat(5)}${'-'.repeat(15)}]  10/40  10/s  3 s left  1 failed`,
  );
  t.is(line.draw({ total: 40, done: 10, failed: 1 }, 2000, 40), '10/40  10/s  3 s left  1 failed');
  for (let width = 0; width < 60; width += 1) {
    t.true(line.draw({ total: 40, done: 10, failed: 1 }, 2000, width).length <= Math.max(0, width - 1));
  }
  t.is(new ProgressLine().draw({ total: 0, done: 0, failed: 0 }, 0, 80), `[${'#'.repeat(20)}]  0/0`);
});

test('the rate is that of the last while: what was done before goes by in no time', (t) => {
  const line = new ProgressLine();
  line.draw({ total: 10_000, done: 0, failed: 0 }, 900, 80);
  line.draw({ total: 10_000, done: 5000, failed: 0 }, 1000, 80);
  t.regex(line.draw({ total: 10_000, done: 5100, failed: 0 }, 11_000, 80), / 10\/s {2}8 min 10 s left$/);
});

test('times in two units at most', (t) => {
  const of = [0, 0.2, 59, 60, 61, 3600, 3661, 90_000, 200_000].map(timeText);
  t.deepEqual(of, ['0 s', '1 s', '59 s', '1 min', '1 min 1 s', '1 h', '1 h 1 min', '1 d 1 h', '2 d 7 h']);
});
