import path from 'node:path';
import test from 'ava';
import { inspect, openSource } from '../../src';

const IMAGES = path.join(__dirname, '../../fixtures/images');

/** Keys of what `ls --path` lists of a fixture. */
async function listed(fixture: string, filter: string): Promise<string[]> {
  const keys: string[] = [];
  const source = await openSource(path.join(IMAGES, fixture));
  for await (const { facts } of inspect(source, { path: filter })) keys.push(facts?.path ?? facts?.key ?? '');
  return keys;
}

for (const fixture of ['many_types', 'net_sockets', 'memfds', 'pidfd', 'two_sessions', 'scm_rights'])
  test(`a glob lists what has a path, and nothing else: ${fixture}`, async (t) => {
    const all = await listed(fixture, '**');
    t.deepEqual(
      all.filter((key) => !key.startsWith('/') || key.startsWith('/memfd:')),
      [],
    );
    for (const filter of ['socket:*', 'tcp:*', 'memfd:*', 'tty*', '@*', 'proc/*/fd/*'])
      t.deepEqual(await listed(fixture, filter), [], filter);
  });

test('files, FIFOs, terminals and unix sockets have paths', async (t) => {
  t.deepEqual(await listed('fifo', '**'), ['/dev/null', '/srv/fdgraft/queue', '/srv/fdgraft/queue']);
  t.deepEqual(await listed('terminal', 'dev/pts/*'), ['/dev/pts/0', '/dev/pts/0']);
  t.deepEqual(await listed('server', '**/app.sock'), ['/srv/fdgraft/app.sock']);
});
