import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, helper } from '../support/native';
import type { Plan } from '../support/planfile';
import { file, O, planned, scratch } from './support';

// Pages that another checkpoint has, too, in a program that plays CRIU. The launcher cannot see that CRIU has auto-dedup
// if no word of COMMAND says so.

const simple: Plan = { placeholders: [{ fileId: 1, callerFd: 5 }] };

interface Seen {
  /** What each open said: while the plugin is there, and again without it. */
  opens: string[];
  errors: string[];
}

async function play(
  t: ExecutionContext,
  prepare: (own: string, other: string) => void,
  steps: string[],
): Promise<Seen> {
  const { directory, plan } = planned(t, simple);
  const other = scratch(t);
  for (const at of [directory, other]) {
    writeFileSync(join(at, 'pages-1.img'), 'pages', { mode: 0o644 });
    utimesSync(join(at, 'pages-1.img'), 0, 0);
  }
  prepare(directory, other);
  const command = [helper('host'), join(build(), 'fdgraft.so'), directory, '2', ...steps];
  const { code, stdout, stderr } = await exec(['--plan', plan, '--', ...command], {
    give: [file(5, O.RDONLY, '/dev/null')],
  });
  t.is(code, 0, stderr + stdout);
  const lines = stdout.split('\n');
  return {
    opens: lines.filter((line) => /^\S+\.img: /.test(line)),
    errors: lines.flatMap((line) => /^log 1 Error \(fdgraft\): (.*)/.exec(line)?.[1] ?? []),
  };
}

const OPEN = 'open, mode 644, access 2';
const REFUSED = 'Operation not permitted';

test('pages of its own can be opened for writing', async (t) => {
  const { opens, errors } = await play(t, () => {}, ['update=pages-1.img']);
  t.deepEqual(opens, [`pages-1.img: ${OPEN}`, `pages-1.img: ${OPEN}`]);
  t.deepEqual(errors, []);
});

for (const [name, link] of Object.entries({ hard: linkSync, soft: symlinkSync }))
  test(`pages that are a ${name} link can only be read, until the plugin is gone`, async (t) => {
    const steps = ['update=pages-2.img', 'read=pages-2.img'];
    const { opens, errors } = await play(
      t,
      (own, other) => link(join(other, 'pages-1.img'), join(own, 'pages-2.img')),
      steps,
    );
    const read = 'pages-2.img: open, mode 644, access 0';
    t.deepEqual(opens, [`pages-2.img: ${REFUSED}`, read, `pages-2.img: ${OPEN}`, read]);
    t.deepEqual(errors, [
      'auto-dedup is on, by RPC or by a configuration file, and pages-2.img is a link: restoring would punch holes into the pages of the source; switch auto-dedup off, or rewrite with --link copy',
    ]);
  });

test('pages of the previous dump cannot be opened for writing', async (t) => {
  const prepare = (own: string, other: string) => symlinkSync(other, join(own, 'parent'));
  const { opens, errors } = await play(t, prepare, ['parent=pages-1.img']);
  t.deepEqual(opens, [`pages-1.img: ${REFUSED}`, `pages-1.img: ${OPEN}`]);
  t.deepEqual(errors, [
    'auto-dedup is on, by RPC or by a configuration file, and pages-1.img is of the previous dump, to which parent leads: restoring would punch holes into its pages; switch auto-dedup off',
  ]);
});

test('other images are opened and made as CRIU asks, with its mode', async (t) => {
  const prepare = (own: string, other: string) => {
    linkSync(join(other, 'pages-1.img'), join(own, 'files.img'));
    mkdirSync(join(own, 'pages-3.img'));
  };
  const { opens, errors } = await play(t, prepare, [
    'update=files.img',
    'make=stats.img',
    'update=none.img',
    'read=pages-3.img',
  ]);
  t.deepEqual(opens.slice(0, 4), [
    `files.img: ${OPEN}`,
    'stats.img: open, mode 640, access 2',
    'none.img: No such file or directory',
    'pages-3.img: open, mode 755, access 0',
  ]);
  t.deepEqual(errors, []);
});
