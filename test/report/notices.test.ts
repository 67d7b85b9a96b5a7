import test from 'ava';
import { noticeLines } from '../../src/report/notices';

test('notices of any number of members are a line a kind, with the first of each', (t) => {
  const count = 200_000;
  const notices = Array.from({ length: count }, (_none, i) => ({
    code: i % 2 === 0 ? ('SPECIAL_FILE_LEFT_OUT' as const) : ('OUTER_LINK_LEFT_OUT' as const),
    member: `m${i}`,
  }));
  t.deepEqual(
    noticeLines([...notices, { code: 'PARENT_MISSING', member: 'parent' }]).map((line) => line.slice(0, 58)),
    [
      'note: m0 (and 99999 more) is a socket, FIFO or device and ',
      'note: m1 (and 99999 more) is a link out of the directory, ',
      'note: parent leads to no directory that this user can see:',
    ],
  );
});
