import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { command as argv, bin, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';

const images = path.join(top, 'fixtures/images');

// script(1) of util-linux gives a command a terminal and hands its exit code on.
const canTest = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;
const terminalTest = canTest ? test : test.skip;

const HINT = /note: These are dumps of different runs, .*--ignore-ids .*\n/;

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

async function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv) {
  const command = quoted([...argv, ...args]);
  const { PAGER: _pager, LESS: _less, LV: _lv, ...others } = process.env;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...others, TERM: 'xterm', SHELL: '/bin/sh', ...env },
  });
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  const all = (await text(child.stdout)).replaceAll('\r\n', '\n');
  // The dumps that are compared are of different runs.
  return { shown: all.replace(HINT, ''), all, code: await code };
}

const PAIR = ['diff', path.join(images, 'two_logs'), path.join(images, 'two_paths')];
const LINE = 'task 14716 (two_logs): registers differ';
const plain = (shown: string) => shown.replace(/\u001b\[\d+m/g, '');

terminalTest('text on a terminal goes through the pager, and the exit code stays', async (t) => {
  const { shown, code } = await onTerminal(PAIR, { PAGER: 'tr a-z A-Z' });
  t.true(plain(shown).toUpperCase().includes(LINE.toUpperCase()));
  t.notRegex(plain(shown), /[a-z]{3}/);
  t.is(code, 1);
});

terminalTest('less is told what git tells it, unless the user told it something', async (t) => {
  const PAGER = 'echo "<$LESS $LV>"; cat >/dev/null';
  t.regex((await onTerminal(PAIR, { PAGER })).shown, /^<FRX -c>\n$/);
  t.regex((await onTerminal(PAIR, { PAGER, LESS: 'i', LV: '' })).shown, /^<i >\n$/);
});

terminalTest('the hint at --ignore-ids comes behind the pager', async (t) => {
  const { all } = await onTerminal(PAIR, { PAGER: 'cat >/dev/null; echo the pager ends' });
  t.true(all.startsWith('the pager ends\nnote: '), all);
  t.regex(all, HINT);
});

terminalTest('without PAGER it is less', async (t) => {
  const bin = temporaryDirectory(t);
  fs.writeFileSync(path.join(bin, 'less'), '#!/bin/sh\necho this is less\ncat >/dev/null\n', { mode: 0o755 });
  const { shown, code } = await onTerminal(PAIR, { PATH: `${bin}:${process.env.PATH}` });
  t.deepEqual([shown, code], ['this is less\n', 1]);
});

for (const [what, PAGER] of [
  ['an empty PAGER', ''],
  ['cat', 'cat'],
  ['a PAGER that is not there', '/no/such/pager'],
] as const) {
  terminalTest(`with ${what} the text is printed`, async (t) => {
    const { shown, code } = await onTerminal(PAIR, { PAGER });
    t.true(plain(shown).includes(LINE), shown);
    t.is(code, 1);
  });
}

terminalTest('what is not text, not for the terminal, or nothing at all has no pager', async (t) => {
  const env = { PAGER: 'echo paged; cat' };
  const out = path.join(temporaryDirectory(t), 'out.txt');
  const [json, quiet, same, file] = [
    await onTerminal([...PAIR, '--json'], env),
    await onTerminal([...PAIR, '--quiet'], env),
    await onTerminal(['diff', path.join(images, 'two_logs'), path.join(images, 'two_logs')], env),
    await onTerminal([...PAIR, '-o', out], env),
  ];
  t.is(JSON.parse(json.shown).format, 'fdgraft.diff');
  t.deepEqual([quiet.shown, same.shown, file.shown], ['', '', '']);
  t.deepEqual([json.code, quiet.code, same.code, file.code], [1, 1, 0, 1]);
  const command = [bin, ...PAIR];
  const piped = spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...process.env, ...env } });
  t.is(piped.stdout, fs.readFileSync(out, 'utf8'));
});

terminalTest('a pager that ends early ends the command, silently', async (t) => {
  for (const PAGER of ['true', 'head -n 1 | wc -l']) {
    const { shown, code } = await onTerminal([...PAIR, '--payload'], { PAGER });
    t.deepEqual([shown.trim(), code], [PAGER === 'true' ? '' : '1', 1], PAGER);
  }
});

terminalTest('an error is told without a pager', async (t) => {
  const { shown, code } = await onTerminal(['diff', images, '/no/such/directory'], { PAGER: 'echo paged; cat' });
  t.regex(shown, /^fdgraft: \/no\/such\/directory: cannot be read/);
  t.is(code, 2);
});

terminalTest('Ctrl-C is for the pager: the command waits for it', async (t) => {
  const PAGER = 'trap "" INT; cat >/dev/null; kill -INT $PPID; sleep 0.3; echo the pager goes on';
  const { shown, code } = await onTerminal(PAIR, { PAGER });
  t.deepEqual([shown, code], ['the pager goes on\n', 1]);
});

terminalTest('another signal ends the pager too', async (t) => {
  const PAGER = 'trap "echo told; exit" TERM; cat >/dev/null; kill -TERM $PPID; while :; do sleep 0.1; done';
  const { shown } = await onTerminal(PAIR, { PAGER });
  t.is(shown, 'told\n');
});

test('a reader that has seen enough does not change the answer', async (t) => {
  const child = spawn(process.execPath, [bin, ...PAIR], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  const [code, said] = await Promise.all([
    new Promise<number | null>((resolve) => child.on('close', resolve)),
    text(child.stderr),
  ]);
  t.deepEqual([code, said], [1, '']);
});
