import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FdgraftError } from '../../../src';
import { readConfigFiles, wordsOfConfig } from '../../../src/cli/criu/config-files';
import { readRestoreLine } from '../../../src/cli/criu/restore-line';
import { temporaryDirectory } from '../../support/directories';

const NO_CONFIG = '--no-default-config';

function config(t: ExecutionContext, ...lines: string[]): string {
  const file = path.join(temporaryDirectory(t), 'criu.conf');
  fs.writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

test('what criu gets as it is, and what it does not', (t) => {
  const words = [
    '-dv4',
    '--inherit-fd',
    'fd[5]:pipe:[1]',
    '-D',
    'a',
    '--pidf',
    'pid',
    '-jDb',
    NO_CONFIG,
    '--',
    'sh',
    '-D',
  ];
  const line = readRestoreLine(words);
  t.deepEqual(line.rest, ['-d', '-v4', '--pidf', 'pid', '-j', NO_CONFIG]);
  t.deepEqual(line.behind, ['--', 'sh', '-D']);
  t.is(line.images, 'b', 'the last one counts');
  t.false(line.hasWorkDir);
  t.deepEqual(line.specs, ['fd[5]:pipe:[1]']);
});

test('--pty goes to fdgraft-exec', (t) => {
  t.deepEqual(readRestoreLine([NO_CONFIG]).pty, []);
  const bare = readRestoreLine([NO_CONFIG, '--pty', '-D', 'a']);
  t.deepEqual([bare.pty, bare.images, bare.rest], [['--pty'], 'a', [NO_CONFIG]]);
  t.deepEqual(readRestoreLine([NO_CONFIG, '--pty=a b']).pty, ['--pty=a b']);
});

test('the image directory is the current one by default', (t) => {
  t.is(readRestoreLine([NO_CONFIG]).images, '.');
});

test('a work directory is set by each option and each configuration file', (t) => {
  const file = config(t, '# none', 'tcp-established', 'work-dir /w # there');
  for (const words of [['-W', 'x'], ['-Wx'], ['--work', 'x'], ['--work-dir=x']]) {
    t.true(readRestoreLine([NO_CONFIG, ...words]).hasWorkDir, words.join(' '));
  }
  t.true(readRestoreLine(['--config', file]).hasWorkDir);
  t.true(readRestoreLine([`--config=${file}`]).hasWorkDir);
  t.false(readRestoreLine([NO_CONFIG, '--conf', file]).hasWorkDir, 'criu reads no file by an option that is cut short');
  t.is(readRestoreLine(['--config', config(t, 'images-dir "/a b"')]).images, '/a b');
  t.is(readRestoreLine(['--config', config(t, 'images-dir /a'), '-D', 'c']).images, 'c');
});

test('the files that criu reads', (t) => {
  const home = temporaryDirectory(t);
  fs.mkdirSync(path.join(home, '.criu'));
  fs.writeFileSync(path.join(home, '.criu/default.conf'), 'work-dir /w\n');
  const named = config(t, 'shell-job');
  const paths = (words: string[], env: NodeJS.ProcessEnv) =>
    readConfigFiles(words, env).flatMap(({ path: file }) => (file.startsWith('/etc') ? [] : file));
  t.deepEqual(paths([], { HOME: home }), [path.join(home, '.criu/default.conf')]);
  t.deepEqual(paths([NO_CONFIG], { HOME: home }), []);
  t.deepEqual(paths(['--', '--config', named], { HOME: home }), [named], 'whatever stands before it');
  t.deepEqual(paths([NO_CONFIG], { HOME: home, CRIU_CONFIG_FILE: named }), [named]);
  t.deepEqual(paths(['--config', '/nonexistent'], { HOME: home }), []);
});

test('the options that criu has in the end', (t) => {
  const named = config(t, 'shell-job', 'tcp-established');
  const on = (...words: string[]) => [...readRestoreLine(words).switches].sort();
  t.deepEqual(on(NO_CONFIG, '-jdl'), ['file-locks', 'restore-detached', 'shell-job']);
  t.deepEqual(on(NO_CONFIG, '-j', '--no-shell-job'), []);
  t.deepEqual(on('--config', named, '--no-tcp-established', '-x'), ['config', 'ext-unix-sk', 'shell-job']);
});

test('messages name the command once', (t) => {
  for (const words of [['--foo'], ['-S'], ['--stream'], ['-h'], ['-o'], ['--no'], ['-D', 'a', '--quiet=1']]) {
    const { message } = t.throws(() => readRestoreLine([NO_CONFIG, ...words]), {
      instanceOf: FdgraftError,
    }) as FdgraftError;
    t.regex(message, /^restore: /, words.join(' '));
  }
});

test('lines of a configuration file', (t) => {
  t.deepEqual(wordsOfConfig('work-dir  /w\n\n # no\nlog-file "a b" # no\nroot "a\\"b"\nshell-job\n'), [
    '--work-dir',
    '/w',
    '--log-file',
    'a b',
    '--root',
    'a"b',
    '--shell-job',
  ]);
});

test('what cannot be done in one step is refused with the reason', (t) => {
  const refused = (words: string[], message: RegExp) =>
    t.throws(() => readRestoreLine([NO_CONFIG, ...words]), { instanceOf: FdgraftError, message });
  refused(['-S'], /-S \(--restore-sibling\) would make the restored tree a child of fdgraft/);
  refused(['-dS'], /--restore-sibling/);
  refused(['--restore-s'], /--restore-sibling/);
  t.notThrows(() => readRestoreLine([NO_CONFIG, '-S', '--no-restore-sibling']));
  t.throws(() => readRestoreLine(['--config', config(t, 'restore-sibling')]), { message: /criu\.conf: -S/ });
  refused(['--stream'], /criu-image-streamer/);
  refused(['--pty', '--pty=a'], /--pty was given 2 times/);
  refused(['--pty='], /--pty= has no path/);
  refused(['-h'], /print its help/);
  refused(['--plugins', 'a', '-L', 'b'], /--plugins and -L were given both/);
  refused(['-D', 'a\ufffd'], /not UTF-8/);
  t.is(readRestoreLine([NO_CONFIG, '-L', 'b']).plugins, 'b');
});
