import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encodeImage } from '../support/images';
import { build, exec, helper, type RunOptions, run, type Variant } from '../support/native';
import type { Plan } from '../support/planfile';
import { complaints, file, installed, O, planned, scratch } from './support';

/** CRIU's plugins beside fdgraft.so: those that the dump needs, and what each is asked. */

const simple: Plan = { placeholders: [{ fileId: 1, callerFd: 5 }] };
const give = [file(5, O.RDONLY, '/dev/null')];
const RESTORE = '2';

/** A plan, and the plugins in the inventory beside it. */
function needing(t: ExecutionContext, ...plugins: string[]): { directory: string; plan: string } {
  const made = planned(t, simple);
  const record = { img_version: 2, ...(plugins.length > 0 && { plugins_entry: { plugins } }) };
  writeFileSync(join(made.directory, 'inventory.img'), encodeImage('inventory.img', [record]));
  return made;
}

/** A directory with files of these names. */
function directoryOf(t: ExecutionContext, files: Record<string, string>): string {
  const made = join(scratch(t), 'plugins');
  mkdirSync(made);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

/** Compiles a plugin that restores one file id into a directory. */
function addPlugin(directory: string, name: string, id: number): void {
  const defines = [`-DNAME="${name}"`, `-DOWN_ID=${id}`];
  const source = join(__dirname, 'other-plugin.c');
  execFileSync('cc', [
    '-std=c11',
    '-Wall',
    '-Werror',
    '-shared',
    '-fPIC',
    ...defines,
    '-o',
    join(directory, `${name}.so`),
    source,
  ]);
}

test('the first record of inventory.img counts alone, as for CRIU', async (t) => {
  const { plan, directory } = planned(t, simple);
  const record = (...plugins: string[]) => ({ img_version: 2, plugins_entry: { plugins } });
  const two = encodeImage('inventory.img', [record('fdgraft'), record('cuda_plugin')]);
  for (const more of ['', 'abc', '\0\0\0\xff']) {
    writeFileSync(join(directory, 'inventory.img'), Buffer.concat([two, Buffer.from(more, 'latin1')]));
    const result = await exec(['--plan', plan, '--check'], { give });
    t.deepEqual([result.code, result.stderr], [0, '']);
  }
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: a plugin that the dump needs and that would be hidden`, async (t) => {
    const { plan } = needing(t, 'cuda_plugin', 'fdgraft', 'other\x1b');
    const none = directoryOf(t, { 'cuda_plugin.so.1': '', 'my_cuda_plugin.so': 'cuda_plugin' });
    const start = ['--', 'sh', '-c', 'echo started'];
    const ask = (words: string[], options: RunOptions = {}) =>
      exec(['--plan', plan, ...words], { give, variant, ...options });
    const problems = (place: string) =>
      [
        ['cuda_plugin', 'cuda_plugin.so'],
        ['other\\x1b', 'other\\x1b.so'],
      ].map(
        ([name, so]) =>
          `inventory.img: the dump needs CRIU's plugin ${name}: it is not in ${place}; give the directory that holds ${so} to --plugins`,
      );
    const refused = async (words: string[], place: string, env = {}) => {
      for (const more of [['--check'], start]) {
        const result = await ask([...words, ...more], { env });
        t.deepEqual([result.code, result.stdout], [100, '']);
        t.deepEqual(complaints(t, result.stderr), problems(place));
      }
    };
    await refused(['--plugins', none], `--plugins ${none}`);
    await refused([], `CRIU_LIBS_DIR ${none}`, { CRIU_LIBS_DIR: none });
    await refused([], '/usr/lib/criu, /usr/lib64/criu, /usr/local/lib/criu or /usr/local/lib64/criu');

    // The second stands in a file of another name.
    const both = directoryOf(t, { 'cuda_plugin.so': '', 'second.so': 'before\0other\x1b\0after' });
    for (const more of [['--check'], start]) {
      for (const words of [['--plugins', both, ...more], more]) {
        const result = await ask(words, { env: words === more ? { CRIU_LIBS_DIR: both } : {} });
        t.deepEqual([result.code, result.stderr], [0, '']);
      }
    }
    // CRIU has no part in it, or another environment.
    t.is((await ask(['--task', '7', ...start])).code, 100);
    const served = await ask(['--serve', '--check', '--plugins', none, ...start]);
    t.is(served.code, 0);
    t.deepEqual(
      complaints(t, served.stderr),
      problems(`--plugins ${none}`).map((line) => `warning: ${line}`),
    );
    t.deepEqual((await ask(['--serve', '--check'])).stderr, '');
  });

test('--task has no need of plugins', async (t) => {
  const { directory, plan } = planned(t, {
    placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 9, pids: [7] }] }],
  });
  const record = { img_version: 2, plugins_entry: { plugins: ['cuda_plugin'] } };
  writeFileSync(join(directory, 'inventory.img'), encodeImage('inventory.img', [record]));
  const result = await exec(['--plan', plan, '--task', '7', '--', 'true'], { give });
  t.deepEqual([result.code, result.stderr], [0, '']);
});

test('an inventory that needs none, and one that cannot be read', async (t) => {
  const { directory, plan } = needing(t);
  t.is((await exec(['--plan', plan, '--check'], { give })).code, 0);
  const many = { img_version: 2, plugins_entry: { plugins: Array.from({ length: 65 }, (_, i) => `plugin-${i}`) } };
  const wrong: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /^inventory\.img: byte 0: not the magic number of an inventory image; write/],
    [encodeImage('pstree.img', []), /^inventory\.img: byte 4: not the magic number of an inventory image/],
    [encodeImage('inventory.img', [Buffer.from([0xff])]), /byte 4: the record is not an inventory_entry message/],
    [encodeImage('inventory.img', [{ img_version: 2 }]).subarray(0, 9), /byte 4: the record is cut short/],
    [encodeImage('inventory.img', [many]), /byte 4: plugins_entry names more plugins than the limit of 64/],
  ];
  for (const [bytes, expected] of wrong)
    for (const variant of ['plain', 'sanitized'] as Variant[]) {
      writeFileSync(join(directory, 'inventory.img'), bytes);
      const result = await exec(['--plan', plan, '--check'], { give, variant });
      t.is(result.code, 100);
      t.regex(complaints(t, result.stderr)[0] ?? '', expected);
    }
});

test('fdgraft.so comes once, whatever names lead to it', async (t) => {
  const { directory, plan } = planned(t, simple);
  const bin = installed(directory);
  const plugins = directoryOf(t, { 'fdgraft.so': 'of another version', 'other.so': '' });
  linkSync(join(bin, 'fdgraft.so'), join(plugins, 'hard.so'));
  symlinkSync(join(bin, 'fdgraft.so'), join(plugins, 'soft.so'));
  const look = 'cd "$CRIU_LIBS_DIR" && ls && readlink fdgraft.so';
  const words = [join(bin, 'fdgraft-exec'), '--plan', plan, '--plugins', plugins, '--', 'sh', '-c', look];
  const result = await run(words, { give });
  t.is(result.code, 0, result.stderr);
  t.is(result.stdout, `fdgraft.so\nother.so\n${join(bin, 'fdgraft.so')}\n`);
});

for (const host of ['host', 'host-options'] as const)
  test(`${host}: beside other plugins, with a plan and without one`, async (t) => {
    const { directory, plan } = planned(t, simple);
    const plugins = directoryOf(t, {});
    addPlugin(plugins, 'amdgpu_plugin', 20);
    addPlugin(plugins, 'zzz_plugin', 30);
    const steps = ['1', '20', '30', '40', 'late'];
    const play = (images: string) => [helper(host), plugins, images, RESTORE, ...steps];
    // What a plugin leaves in the second argument means nothing when it does not answer.
    const answers = (stdout: string) =>
      stdout
        .replace(/ retry \w+/g, '')
        .split('\n')
        .filter((line) => /^(init|hook|late|exit|.* (starts|ends)$)/.test(line));

    const without = await run(play(scratch(t)), { give });
    t.is(without.code, 0);
    copyFileSync(join(build(), 'fdgraft.so'), join(plugins, 'fdgraft.so'));
    const beside = await run(play(scratch(t)), { give });
    t.is(beside.code, 0);
    t.regex(beside.stdout, /^descriptor fdgraft /m);
    t.deepEqual(answers(beside.stdout), answers(without.stdout));

    const script = '"$0" "$CRIU_LIBS_DIR" "$@"';
    const [program = '', , ...rest] = play(directory);
    const command = ['--plan', plan, '--plugins', plugins, '--', 'sh', '-c', script, program, ...rest];
    const grafted = await exec(command, { give });
    t.is(grafted.code, 0, grafted.stderr + grafted.stdout);
    t.is(grafted.stdout.match(/^descriptor fdgraft /gm)?.length, 1);
    const opened = answers(grafted.stdout).flatMap(
      (line) => /^hook (\d+) .* (fd \S+|error \S+)/.exec(line)?.slice(1) ?? [],
    );
    t.deepEqual(opened, ['1', 'fd /dev/null', '20', 'fd /dev/null', '30', 'fd /dev/null', '40', 'error ENOTSUP']);
    t.deepEqual(
      answers(grafted.stdout).filter((line) => /plugin/.test(line)),
      answers(without.stdout).filter((line) => /plugin/.test(line)),
    );
  });

for (const before of [undefined, 'directory'])
  for (const others of [false, true])
    test(`CRIU_LIBS_DIR is what it was, for what CRIU starts: ${before ?? 'unset'}${others ? ', beside others' : ''}`, async (t) => {
      const { directory, plan } = planned(t, simple);
      const plugins = directoryOf(t, {});
      if (others) addPlugin(plugins, 'other_plugin', 20);
      const env: Record<string, string> = before === undefined ? {} : { CRIU_LIBS_DIR: plugins };
      const names = ['CRIU_LIBS_DIR', 'FDGRAFT_LIBS_DIR', 'FDGRAFT_LIBS_DIR_BEFORE', 'FDGRAFT_SOCKET'];
      const steps = ['1', ...names.map((name) => `environment=${name}`)];
      const play = [helper('host'), directory, RESTORE, ...steps];
      const after = [env.CRIU_LIBS_DIR ?? 'unset', 'unset', 'unset', 'unset'];
      const seen = ({ stdout }: { stdout: string }) =>
        [...stdout.matchAll(/^environment (.*)$/gm)].map(([, value]) => value);
      const criu = '"$0" "$CRIU_LIBS_DIR" "$@"';
      const words = ['--plan', plan, '--plugins', plugins];
      const [host = '', ...rest] = play;
      const once = await exec([...words, '--', 'sh', '-c', criu, host, ...rest], { give, env });
      t.is(once.code, 0, once.stderr + once.stdout);
      t.deepEqual(seen(once), after);
      // One that somebody sets in between is left alone.
      const own = `L="$CRIU_LIBS_DIR"; CRIU_LIBS_DIR=/own "$0" "$L" "$@"`;
      const set = await exec([...words, '--', 'sh', '-c', own, host, ...rest], { give, env });
      t.deepEqual(seen(set), ['/own', ...after.slice(1)]);
    });

test('a COMMAND restores, and starts fdgraft-exec again', async (t) => {
  const { directory, plan } = planned(t, simple);
  const plugins = directoryOf(t, {});
  addPlugin(plugins, 'other_plugin', 20);
  const again =
    'E="$1"; P="$2"; shift 2; "$0" "$CRIU_LIBS_DIR" "$@" && exec "$E" --plan "$P" -- sh -c \'ls "$CRIU_LIBS_DIR"\' 5</dev/null';
  const command = ['sh', '-c', again, helper('host'), join(build(), 'fdgraft-exec'), plan, directory, RESTORE, '1'];
  const result = await exec(['--plan', plan, '--', ...command], { give, env: { CRIU_LIBS_DIR: plugins } });
  t.is(result.code, 0, result.stderr);
  t.regex(result.stdout, /exit\nfdgraft\.so\nother_plugin\.so\n$/);
  // A task has nothing to do with CRIU, and gets the environment of the first start.
  const tasks = planned(t, { placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 9, pids: [7] }] }] });
  const task = 'exec "$0" --plan "$1" --task 7 -- sh -c \'echo "$CRIU_LIBS_DIR"\' 5</dev/null';
  const inner = ['sh', '-c', task, join(build(), 'fdgraft-exec'), tasks.plan];
  const nested = await exec(['--plan', plan, '--', ...inner], { give, env: { CRIU_LIBS_DIR: plugins } });
  t.is(nested.stdout, `${plugins}\n`, nested.stderr);
});
