import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, type Helper, helper, type Result, type RunOptions, run, type Variant } from '../support/native';
import { imageOf, type Plan, writePlan } from '../support/planfile';
import { file, gone, O, planned, scratch } from './support';

/** The plugin, in a program that plays CRIU. */

const RESTORE = '2';

interface Played {
  lines: string[];
  result: Result;
}

/** fdgraft-exec, and the program in place of CRIU. */
async function play(
  plan: string,
  ids: number[],
  options: RunOptions & { host?: Helper; images?: string; stage?: string; words?: string[] } = {},
): Promise<Played> {
  const { host = 'host', images = join(plan, '..'), stage = RESTORE, words = [], variant = 'plain', ...rest } = options;
  const plugin = join(build(variant), 'fdgraft.so');
  const command = [helper(host, variant), plugin, images, stage, ...ids.map(String)];
  const result = await exec(['--plan', plan, ...words, '--', ...command], { ...rest, variant });
  return { lines: result.stdout.trimEnd().split('\n'), result };
}

/** The program in place of CRIU alone. */
async function playAlone(images: string, env: Record<string, string> = {}, host: Helper = 'host'): Promise<Played> {
  const result = await run([helper(host), join(build(), 'fdgraft.so'), images, RESTORE, '1'], { env, give: [] });
  return { lines: result.stdout.trimEnd().split('\n'), result };
}

function errors(lines: string[]): string[] {
  return lines.filter((line) => line.startsWith('log 1 Error (fdgraft): ')).map((line) => line.slice(23));
}

function fails(t: ExecutionContext, { lines, result }: Played, expected: RegExp) {
  t.is(result.code, 1, result.stderr);
  t.true(lines.includes('init -1'), lines.join('\n'));
  t.regex(errors(lines).join('\n'), expected);
}

test('it exports its descriptor and nothing else, and links libc and libprotobuf-c only', (t) => {
  const plugin = join(build(), 'fdgraft.so');
  const symbols = execFileSync('nm', ['-D', '--defined-only', plugin], { encoding: 'utf8' });
  t.deepEqual(
    symbols
      .trim()
      .split('\n')
      .map((line) => line.split(' ').pop()),
    ['CR_PLUGIN_DESC'],
  );
  const dynamic = execFileSync('readelf', ['-d', plugin], { encoding: 'utf8' });
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name).sort();
  t.deepEqual(needed, ['libc.so.6', 'libprotobuf-c.so.1']);
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  for (const host of ['host', 'host-options'] as const) {
    const retry = host === 'host' ? 'a5' : '00';
    test(`${variant}, ${host}: dups, reopened files and unknown ids`, async (t) => {
      const { directory, plan } = planned(t, {
        placeholders: [
          { fileId: 10, callerFd: 5, flags: O.WRONLY, apply: 'dup' },
          { fileId: 11, callerFd: 6, flags: O.RDWR },
          { fileId: 12, callerFd: 6, flags: O.WRONLY | O.APPEND },
          { fileId: 13, callerFd: 5, flags: O.WRONLY, apply: 'dup' },
          { fileId: 0xfffffff0, callerFd: 7, offset: 2, position: 'saved' },
        ],
      });
      const path = join(directory, 'six');
      const seven = join(directory, 'seven');
      writeFileSync(seven, '0123');
      writeFileSync(path, '0123456789');
      const out = join(directory, 'five');
      const give = [file(5, O.WRONLY | O.CREAT, out), file(6, O.RDWR, path), '6=seek:3', file(7, O.RDONLY, seven)];
      const { lines, result } = await play(plan, [10, 11, 12, 13, 0xfffffff0 - 2 ** 32, 10, 99, 0], {
        host,
        give,
        variant,
      });
      t.is(result.code, 0, `${result.stderr}${result.stdout}`);
      t.deepEqual(lines, [
        'descriptor fdgraft 200 10',
        'has hook 3',
        'has hook 9',
        'stored //fdgraft/fd/5',
        'stored //fdgraft/id/11',
        'stored //fdgraft/id/12',
        'stored //fdgraft/id/4294967280',
        'init 0',
        'variable unset',
        'open after-init',
        `hook 10 retry ${retry} clean fd ${out} flags 1 offset 0`,
        `hook 11 retry ${retry} clean fd ${path} flags 2 offset 3`,
        `hook 12 retry ${retry} clean fd ${path} flags 2001 offset 3`,
        `hook 13 retry ${retry} clean fd ${out} flags 1 offset 4`,
        `hook -16 retry ${retry} clean fd ${seven} flags 0 offset 2`,
        `hook 10 retry ${retry} clean fd ${out} flags 1 offset 8`,
        `hook 99 retry ${retry} clean error ENOTSUP`,
        `hook 0 retry ${retry} clean error ENOTSUP`,
        'open before-exit',
        'exit',
      ]);
      t.is(readFileSync(out, 'utf8'), '<10><13><10>');
      t.is(readFileSync(path, 'utf8'), '012<11>789<12>');
    });
  }

test('O_ASYNC is set on what is opened again, and on nothing of the caller', async (t) => {
  const pipe = { type: 'PIPE', flags: O.ASYNC } as const;
  const { plan } = planned(t, {
    placeholders: [
      { ...pipe, fileId: 1, callerFd: 5, apply: 'reopen' },
      { ...pipe, fileId: 2, callerFd: 6, flags: O.ASYNC | O.NONBLOCK },
      { ...pipe, fileId: 3, callerFd: 7 },
      { ...pipe, fileId: 4, callerFd: 8, apply: 'reopen', flags: 0 },
    ],
  });
  const give = ['5=pipe:15', '6=pipe:16', '7=pipe:17', '8=pipe:18', '8=async', '10=dup:5', '11=dup:6', '12=dup:7'];
  const { lines } = await play(plan, [1, 2, 3, 4], { give });
  const flags = lines.flatMap((line) => /^hook .* flags (\d+)/.exec(line)?.[1] ?? []);
  t.deepEqual(flags, ['20000', '24000', '0', '0']);
});

for (const host of ['host', 'host-options'] as const) {
  test(`${host}: without a plan in the directory it does nothing`, async (t) => {
    const { lines, result } = await playAlone(scratch(t), {}, host);
    t.is(result.code, 0);
    t.deepEqual(lines.slice(3), [
      'init 0',
      'variable unset',
      'open after-init',
      `hook 1 retry ${host === 'host' ? 'a5' : '00'} clean error ENOTSUP`,
      'open before-exit',
      'exit',
    ]);
  });
}

test('without a plan in the directory, but started by fdgraft-exec', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  fails(
    t,
    await play(plan, [1], { images: scratch(t), give: [file(5, O.RDONLY, '/dev/null')] }),
    /no inherit-plan\.img in the image directory, so nothing would be inherited; give the directory of/,
  );
});

test('in other stages it does nothing', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  for (const stage of ['0', '1']) {
    const { lines } = await play(plan, [1], { stage, give: [file(5, O.RDONLY, '/dev/null')] });
    t.deepEqual(lines.slice(3), [
      'init 0',
      'variable set',
      'open after-init',
      'hook 1 retry a5 clean error ENOTSUP',
      'open before-exit',
      'exit',
    ]);
  }
});

test('a plan, and CRIU started without fdgraft-exec', async (t) => {
  const { directory } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  fails(
    t,
    await playAlone(directory),
    /FDGRAFT_SOCKET is not set, and no fdgraft-exec --serve has this plan\); start CRIU through `fdgraft-exec --plan/,
  );
});

test('another plan than the launcher’s', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const other = planned(t, { placeholders: [{ fileId: 2, callerFd: 5 }] });
  const played = await play(plan, [], { images: other.directory, give: [file(5, O.RDONLY, '/dev/null')] });
  fails(t, played, /is not the one that fdgraft-exec was started with .*the same directory to --plan and to -D/);
});

test('images that were changed after the start', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'files.img'), 'as it was');
  const plan: Plan = { images: [imageOf(own, 'files.img')], placeholders: [{ fileId: 1, callerFd: 5 }] };
  const other = scratch(t);
  writeFileSync(join(other, 'files.img'), 'changed');
  writePlan(other, plan);
  const played = await play(writePlan(own, plan), [], { images: other, give: [file(5, O.RDONLY, '/dev/null')] });
  fails(t, played, /image files\.img of inherit-plan\.img: SHA-256 is .*changed after the rewrite/);
});

test('a broken plan in the directory', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'inherit-plan.img'), 'no plan at all');
  fails(t, await playAlone(own), /inherit-plan\.img: not a plan/);
});

test('a CRIU without the functions that the plugin needs', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const played = await play(plan, [], { host: 'host-no-store', give: [file(5, O.RDONLY, '/dev/null')] });
  fails(t, played, /this CRIU does not export inherit_fd_add/);
});

test('the directory of links goes with exit, and with an init that fails', async (t) => {
  const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  writeFileSync(join(plugins, 'other.so'), 'other');
  const start = async (images: string, step = '1') => {
    const show = 'echo "$CRIU_LIBS_DIR"; ls "$CRIU_LIBS_DIR"; "$0" "$@"; echo "ended $?"; ls "$CRIU_LIBS_DIR"';
    const command = ['sh', '-c', show, helper('host'), join(build(), 'fdgraft.so'), images, RESTORE, step];
    const result = await exec(['--plan', plan, '--plugins', plugins, '--', ...command], {
      give: [file(5, O.RDONLY, '/dev/null')],
    });
    const lines = result.stdout.trimEnd().split('\n');
    t.deepEqual(lines.slice(1, 3), ['fdgraft.so', 'other.so']);
    return { made: lines[0] ?? '', after: lines.slice(lines.findIndex((line) => line.startsWith('ended'))) };
  };
  const fetched = await start(directory);
  t.deepEqual(fetched.after, ['ended 0']);
  t.false(existsSync(dirname(fetched.made)));
  // Only the next start can remove what a CRIU leaves that is killed.
  const killed = await start(directory, 'die');
  t.is(killed.after[0], 'ended 137');
  const refused = await start(planned(t, {}).directory);
  t.deepEqual(refused.after, ['ended 1', 'fdgraft.so', 'other.so'], 'the restore may be tried again');
  t.false(existsSync(dirname(killed.made)));
  await gone(t, dirname(refused.made));
  t.is(readFileSync(join(plugins, 'other.so'), 'utf8'), 'other');
});

test('four thousand reopened entries', async (t) => {
  const placeholders = Array.from({ length: 4096 }, (_, fileId) => ({ fileId, callerFd: 5 }));
  const { plan } = planned(t, { specs: [{ text: 'fd[5]:x', callerFd: 5 }], placeholders });
  const { lines, result } = await play(plan, [0, 4095, 4096], {
    give: [file(5, O.RDONLY, '/dev/null'), '4400=limit', '1024=soft-limit'],
  });
  t.is(result.code, 0, lines.slice(-5).join('\n'));
  t.is(lines.filter((line) => line.startsWith('stored //fdgraft/id/')).length, 4096);
  t.is(lines.filter((line) => line.startsWith('hook')).length, 3);
});
