import test from 'ava';
import { FdgraftError } from '../../src';
import type { Claim } from '../../src/rewrite/assign';
import { decideBytes } from '../../src/rewrite/decide-bytes';
import type { Placeholder } from '../../src/rewrite/decision';
import { refuseUndeliverable } from '../../src/rewrite/refuse-undeliverable';
import type { Survey } from '../../src/rewrite/survey';
import { parseInheritSpec } from '../../src/specs/parse-spec';

const [CLAIMS, RECORDS] = [1000, 1000];

test('many records of a pipe are not compared with many ends of it', (t) => {
  let looks = 0;
  const claims = Array.from({ length: CLAIMS }, (_none, id) => {
    const match = { id, type: { name: 'PIPE' }, facts: { key: 'pipe:[7]', flags: id === 3 ? 0 : 1, pipeId: 7 } };
    return Object.defineProperty({ spec: 0, references: { descriptors: [], scmRights: [] } }, 'match', {
      get: () => {
        looks += 1;
        return match;
      },
    }) as unknown as Claim;
  });
  const record = { image: 'pipes-data.img', pipe: 'PIPE 7', offset: 0, bytes: 1 };
  const unread = Array.from({ length: RECORDS }, (_none, entry) => ({ ...record, entry }));
  const planned = decideBytes(
    claims,
    { unread } as unknown as Survey,
    [parseInheritSpec('fd[5]:pipe:[7]')],
    false,
    new Set(),
  );
  t.deepEqual([...planned.keys()], [claims[3]]);
  t.deepEqual(
    planned.get(claims[3] as Claim)?.map(({ entry, fate }) => [entry, fate]),
    unread.map(({ entry }) => [entry, 'REPLAY']),
  );
  t.true(looks < 10 * (CLAIMS + RECORDS), `${looks} looks`);
});

test('the records of a pipe together are no more than a pipe holds, if they are delivered', (t) => {
  const spec = parseInheritSpec('fd[5]:pipe:[4711]');
  const MOST = 2 ** 31 - 1;
  const placeholder = (fate: string, ...bytes: number[]) => ({
    match: { facts: { key: 'pipe:[4711]' } },
    spec: 0,
    unread: bytes.map((count, entry) => ({ image: 'pipes-data.img', entry, offset: 0, bytes: count, fate })),
  });
  const refuse = (given: object) => () => refuseUndeliverable([given as Placeholder], [spec], []);
  t.notThrows(refuse(placeholder('REPLAY', MOST - 1, 1)));
  t.notThrows(refuse(placeholder('DROP', MOST, 1)));
  const error = t.throws(refuse(placeholder('REPLAY', MOST - 1, 1, 1)), { instanceOf: FdgraftError });
  t.like(error, { code: 'PLAN_LIMIT', file: 'pipes-data.img', entry: 2, field: 'pipe_data_entry.bytes' });
  t.regex(
    error.message,
    /spec 'fd\[5\]:pipe:\[4711\]' .* would have to hold 2147483648 bytes: a pipe holds at most 2147483647/,
  );
});
