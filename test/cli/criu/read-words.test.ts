import test from 'ava';
import fc from 'fast-check';
import { FdgraftError } from '../../../src';
import { LONG_OPTIONS, SHORT_OPTIONS } from '../../../src/cli/criu/options';
import { readCriuWords } from '../../../src/cli/criu/read-words';
import { holds } from '../../support/properties';

/** [name, value] of each option, and what is none. */
function read(...words: string[]) {
  const { options, operands, behind } = readCriuWords(words, 'test');
  return [options.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)), operands, behind];
}

test('all spellings of getopt_long', (t) => {
  for (const words of [
    ['-D', 'a'],
    ['-Da'],
    ['--images-dir', 'a'],
    ['--images-dir=a'],
    ['--images', 'a'],
    ['--images=a'],
  ]) {
    t.deepEqual(read(...words), [['images-dir=a'], [], undefined], words.join(' '));
  }
  t.deepEqual(read('-dsj', '-vD', 'x')[0], ['restore-detached', 'leave-stopped', 'shell-job', 'verbosity=D']);
  t.deepEqual(read('-dvD', 'x')[1], ['x'], '-v takes what follows in its word');
  t.deepEqual(read('-v', '4')[1], ['4'], 'and no other word');
  t.deepEqual(read('-dD', 'x', 'y', '-W', '-d'), [
    ['restore-detached', 'images-dir=x', 'work-dir=-d'],
    ['y'],
    undefined,
  ]);
  t.deepEqual(read('-D', '--', '--', '-d', '--'), [['images-dir=--'], [], ['-d', '--']]);
  t.deepEqual(read('--verbosity', '--manage-cgroups=ignore', '--pidfile=', '-'), [
    ['verbosity', 'manage-cgroups=ignore', 'pidfile='],
    ['-'],
    undefined,
  ]);
  t.deepEqual(read('--tcp-e', '--no-tcp-e', '--ext-unix', '--tls')[0], [
    'tcp-established',
    'no-tcp-established',
    'ext-unix-sk',
    'tls',
  ]);
});

test('an option that shares its word with others is passed on alone', (t) => {
  const { options } = readCriuWords(['-djv4', '-oD', '--log-f', 'x'], 'test');
  t.deepEqual(
    options.map(({ words }) => words),
    [['-d'], ['-j'], ['-v4'], ['-oD'], ['--log-f', 'x']],
  );
});

test('what getopt_long refuses', (t) => {
  const wrong: readonly (readonly [words: string[], message: string])[] = [
    [['-D'], 'test: -D needs a value'],
    [['--images-dir'], 'test: --images-dir needs a value'],
    [['--tcp'], 'test: --tcp is cut too short: it can be --tcp-established, --tcp-close'],
    [['--restore-detached=1'], "test: --restore-detached takes no value, and has '1'"],
    [['--nothing'], 'test: criu has no option --nothing'],
    [['-dk'], 'test: criu has no option -k'],
    [['--constructor'], 'test: criu has no option --constructor'],
  ];
  for (const [words, message] of wrong) t.throws(() => read(...words), { instanceOf: FdgraftError, message });
});

test('options of our own have full names alone', (t) => {
  const own = new Map([['specs', 'required']] as const);
  t.is(readCriuWords(['--specs', 'x'], 'test', own).options[0]?.value, 'x');
  t.throws(() => readCriuWords(['--spec', 'x'], 'test', own), { message: 'test: criu has no option --spec' });
});

test('each short option has a long one with the same kind of value', (t) => {
  for (const [letter, { name, value }] of Object.entries(SHORT_OPTIONS)) t.is(LONG_OPTIONS.get(name), value, letter);
});

test('random lines: what is passed on reads the same again', async (t) => {
  const words = [...LONG_OPTIONS.keys()].flatMap((name) => [`--${name}`, `--${name}=v`, `--${name.slice(0, -1)}`]);
  const letters = Object.keys(SHORT_OPTIONS);
  const word = fc.oneof(
    fc.constantFrom(...words, 'x', '-', '--', ''),
    fc.array(fc.constantFrom(...letters, 'v', 'd'), { minLength: 1, maxLength: 4 }).map((some) => `-${some.join('')}`),
  );
  await holds(
    t,
    fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (line) => {
      let once: ReturnType<typeof readCriuWords>;
      try {
        once = readCriuWords(line, 'test');
      } catch (error) {
        return error instanceof FdgraftError;
      }
      const tail = once.behind === undefined ? [] : ['--', ...once.behind];
      const again = readCriuWords(
        [...once.options.flatMap((option) => option.words), ...once.operands, ...tail],
        'test',
      );
      t.deepEqual(again, once);
      return true;
    }),
    1000,
  );
});
