/** What a terminal shows of a command that takes long. Each waits for an input that comes when its progress was seen. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bin } from '../support/command';
import { fileEntry, smallCheckpoint, temporaryDirectory } from '../support/directories';
import { encodeImage } from '../support/images';

const CLEAR = '\r\u001b[K';
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

interface Shown {
  /** What the terminal got. */
  readonly text: string;
  readonly status: number | null;
}

/** Runs a shell's line at a terminal, and feeds the FIFO `feed` in it once `seen` says so of what was shown. */
async function atTerminal(
  directory: string,
  line: string,
  feed: string,
  halves: readonly [Buffer, Buffer],
  isSeen: (shown: string) => boolean,
): Promise<Shown> {
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    cwd: directory,
    env: { ...process.env, TERM: 'xterm', PAGER: 'cat' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => {
    text += String(data);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const writer = await fs.promises.open(path.join(directory, feed), 'w');
  await writer.write(halves[0]);
  while (!isSeen(text) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  await writer.write(halves[1]);
  await writer.close();
  return { status: await ended, text };
}

function arrange(t: ExecutionContext): { directory: string; halves: [Buffer, Buffer] } {
  const directory = temporaryDirectory(t);
  const image = encodeImage('files.img', smallCheckpoint()['files.img'] as never);
  fs.writeFileSync(path.join(directory, 'whole.img'), image);
  return { directory, halves: [image.subarray(0, 30), image.subarray(30)] };
}

async function fifo(directory: string): Promise<void> {
  const child = spawn('mkfifo', [path.join(directory, 'feed')]);
  await new Promise((resolve) => child.once('close', resolve));
}

const fdgraft = `${quoted(process.execPath)} ${quoted(bin)}`;

test('a command that takes long says on a terminal what it reads, and erases that before results', async (t) => {
  const { directory, halves } = arrange(t);
  await fifo(directory);
  const { status, text } = await atTerminal(directory, `${fdgraft} show - <feed`, 'feed', halves, (shown) =>
    shown.includes('30 bytes'),
  );
  t.is(status, 0);
  t.true(text.startsWith(`${CLEAR}Reading`), text);
  const [, results] = /30 bytes\r\u001b\[K((?!Reading)[\s\S]*)$/.exec(text) ?? [];
  t.true(results?.startsWith('{'), text);
  t.notRegex(results ?? '', /\u001b\[K/, 'nothing is drawn over the results');
});

test('results in a file do not stop it, and an error comes in its place', async (t) => {
  const { directory, halves } = arrange(t);
  await fifo(directory);
  const broken: [Buffer, Buffer] = [halves[0], halves[1].subarray(0, 5)];
  const { status, text } = await atTerminal(directory, `${fdgraft} show - <feed >out`, 'feed', broken, (shown) =>
    shown.includes('30 bytes'),
  );
  t.is(status, 2);
  t.regex(text, /30 bytes\r\u001b\[Kfdgraft: [^\u001b]*$/);
});

for (const [title, line] of [
  ['with --quiet', `${fdgraft} show --quiet - <feed >out`],
  ['off a terminal', `${fdgraft} show - <feed >out 2>said`],
  ['on a terminal that cannot', `TERM=dumb ${fdgraft} show - <feed >out`],
] as const) {
  test(`nothing is shown ${title}`, async (t) => {
    const { directory, halves } = arrange(t);
    await fifo(directory);
    const started = Date.now();
    const { status, text } = await atTerminal(directory, line, 'feed', halves, () => Date.now() - started > 1800);
    t.is(status, 0);
    t.is(text, '');
    if (line.includes('2>said')) t.is(fs.readFileSync(path.join(directory, 'said'), 'utf8'), '');
  });
}

test('results in a pipe stop it, since a pager may show them', async (t) => {
  const directory = temporaryDirectory(t);
  await fifo(directory);
  const image = encodeImage(
    'files.img',
    Array.from({ length: 9000 }, (_, i) => fileEntry(i + 1, `/log/${i}`, 1)),
  );
  const line = `${fdgraft} show - <feed | { dd bs=1 count=1 2>/dev/null; sleep 1.5; cat >/dev/null; }`;
  const halves: [Buffer, Buffer] = [image.subarray(0, 30), image.subarray(30)];
  const { text } = await atTerminal(directory, line, 'feed', halves, (shown) => shown.includes('30 bytes'));
  t.regex(text, /30 bytes\r\u001b\[K\{$/);
});

test('nothing is shown in the background of a terminal, whose line another program has', async (t) => {
  const { directory, halves } = arrange(t);
  await fifo(directory);
  fs.writeFileSync(
    path.join(directory, 'job.sh'),
    `set -m; stty tostop; ${fdgraft} show - <feed >out & wait $!; echo $?`,
  );
  const started = Date.now();
  const { text } = await atTerminal(directory, 'bash job.sh', 'feed', halves, () => Date.now() - started > 1800);
  t.is(text, '0\r\n');
  t.true(fs.statSync(path.join(directory, 'out')).size > 0);
});
