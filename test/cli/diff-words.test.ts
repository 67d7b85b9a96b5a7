/** What `diff` says in words: its verdict on a plan, the hint at --ignore-ids, descriptors in order. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { runCommand, top } from '../support/command';
import { descriptor, fileEntry, temporaryDirectory, writeCheckpoint } from '../support/directories';

const images = path.join(top, 'fixtures/images');
const EXPLAINED = 'The plan explains every difference.';
const HINT = /dumps of different runs.*--ignore-ids/;

const SPEC = 'fd[5]:pipe:[126920]';

/** Whether the report has the hints. They are on stderr in any case. */
const FORMATS = [
  ['text', false],
  ['json', false],
  ['markdown', true],
  ['html', true],
] as const;

test('with a plan that explains all, each format for people says so in one line', async (t) => {
  const source = path.join(images, 'pipe_outside');
  const out = path.join(temporaryDirectory(t), 'out');
  t.is((await runCommand(['rewrite', source, '-o', out, '--inherit-fd', SPEC])).code, 0);
  for (const format of ['text', 'markdown', 'html']) {
    const { stdout, stderr, code } = await runCommand(['diff', source, out, '--plan', out, '--format', format]);
    t.is(stdout.split(EXPLAINED).length, 2, format);
    t.deepEqual([stderr, code], ['', 0], format);
    const without = await runCommand(['diff', source, out, '--format', format]);
    t.false(without.stdout.includes(EXPLAINED), format);
    const other = await runCommand(['diff', path.join(images, 'two_logs'), out, '--plan', out, '--format', format]);
    t.regex(other.stdout, /[Tt]he plan does not explain \d+ /, format);
    t.false(other.stdout.includes(EXPLAINED), format);
    t.notRegex(other.stdout + other.stderr, HINT, format);
  }
});

test('dumps of different runs get the hint, unless ids are ignored', async (t) => {
  const pair = ['diff', path.join(images, 'two_logs'), path.join(images, 'two_paths')];
  for (const [format, isInReport] of FORMATS) {
    const { stdout, stderr, code } = await runCommand([...pair, '--format', format]);
    t.regex(stderr, HINT, format);
    t.is(HINT.test(stdout), isInReport, format);
    t.is(code, 1);
    const ignored = await runCommand([...pair, '--format', format, '--ignore-ids']);
    t.notRegex(ignored.stdout + ignored.stderr, HINT, format);
  }
  t.is((await runCommand([...pair, '--quiet'])).stderr, '');
});

test('a plan that does not explain what criu restore wrote: the reason is told', async (t) => {
  const directory = temporaryDirectory(t);
  const [source, out] = [path.join(images, 'pipe_outside'), path.join(directory, 'out')];
  t.is((await runCommand(['rewrite', source, '-o', out, '--inherit-fd', SPEC])).code, 0);
  const restore = { pages_compared: 0, pages_skipped_cow: 0, forking_time: 1, restore_time: 2, pages_restored: 3 };
  const written = writeCheckpoint(directory, { 'stats-restore': [{ restore }] });
  fs.copyFileSync(path.join(written, 'stats-restore'), path.join(out, 'stats-restore'));
  fs.writeFileSync(path.join(out, 'restore.log'), 'log');
  for (const [format, isInReport] of FORMATS) {
    const { stdout, stderr, code } = await runCommand(['diff', source, out, '--plan', out, '--format', format]);
    t.regex(stderr, /^note: criu restore wrote its statistics into the second directory.* with -W\.\n$/, format);
    t.is(stdout.includes('criu restore wrote its statistics'), isInReport, format);
    t.is(code, 1);
    const without = await runCommand(['diff', source, out, '--format', format]);
    t.notRegex(without.stdout + without.stderr, /criu restore wrote/, format);
  }
});

test('descriptors are in order of pid and fd, not of tables', async (t) => {
  const PIDS = [10, 9, 100];
  const write = (flags: number, closed: boolean) =>
    writeCheckpoint(temporaryDirectory(t), {
      'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
      'pstree.img': PIDS.map((pid) => ({ pid, ppid: 0, pgid: 10, sid: 10, threads: [pid] })),
      'files.img': [fileEntry(1, '/var/log/app.log', flags), fileEntry(2, '/var/log/other.log', 1)],
      ...Object.fromEntries(
        PIDS.flatMap((pid, i) => [
          [`ids-${pid}.img`, [{ vm_id: i + 1, files_id: i + 1, fs_id: i + 1, sighand_id: i + 1 }]],
          [
            `fdinfo-${i + 1}.img`,
            [descriptor(1, 11, 'REG'), descriptor(1, 3, 'REG'), ...(closed ? [] : [descriptor(2, 4, 'REG')])],
          ],
        ]),
      ),
    });
  const [a, b] = [write(1, false), write(2, true)];
  const { stdout } = await runCommand(['diff', a, b]);
  t.true(stdout.includes('/var/log/app.log (9/3, 9/11, 10/3, 10/11, 100/3, 100/11): '), stdout);
  t.deepEqual(
    [...stdout.matchAll(/^(\d+)\/4: closed/gm)].map(([, pid]) => pid),
    ['9', '10', '100'],
  );
});
