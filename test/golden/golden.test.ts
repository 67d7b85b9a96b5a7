import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

/** `npm run golden` writes the expected outputs anew; look at the difference before it is committed. */
const renew = process.env.FDGRAFT_GOLDEN === 'renew';

const top = path.join(__dirname, '../..');
const images = 'fixtures/images';
const expected = path.join(__dirname, 'expected');

function fdgraft(args: readonly string[]): string {
  const command = ['-r', 'ts-node/register/transpile-only', 'src/cli/bin.ts', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: top, encoding: 'utf8' });
  // A new version changes no output but this.
  const text = stdout.replace(/"fdgraft \d+\.\d+\.\d+[^"]*"/g, '"fdgraft VERSION"');
  return `${text}--- exit ${status}, on stderr:\n${stderr}`;
}

/** Every key of a fixture that a rewrite takes, as its own ls lists them. */
function specsOf(name: string): string[] {
  const { entries } = JSON.parse(fdgraft(['ls', `${images}/${name}`, '--json']).replace(/--- exit[\s\S]*$/, ''));
  const keys = new Set<string>(entries.flatMap(({ key }: { key?: string }) => key ?? []));
  const skipped = /ghost|moved|\/log$|^pipe/;
  const good = [...keys].filter(
    (key) => !['deleted_logs', 'forked_map', 'many_types'].includes(name) || !skipped.test(key),
  );
  return good.flatMap((key, i) => ['--inherit-fd', `fd[${5 + i}]:${key}`]);
}

const COMMANDS: { [file: string]: (name: string) => string[] } = {
  'ls.txt': (name) => ['ls', `${images}/${name}`],
  'ls.json': (name) => ['ls', `${images}/${name}`, '--json'],
  'rewrite.txt': (name) => ['rewrite', `${images}/${name}`, '--dry-run', '--drop-in-flight', ...specsOf(name)],
  'plan.json': (name) => [
    'rewrite',
    `${images}/${name}`,
    '--dry-run',
    '--drop-in-flight',
    '--quiet',
    '--save-plan',
    '-',
    ...specsOf(name),
  ],
};

for (const name of fs.readdirSync(path.join(top, images))) {
  for (const [file, args] of Object.entries(COMMANDS)) {
    test(`${name}: ${file}`, (t) => {
      const place = path.join(expected, name, file);
      const output = fdgraft(args(name));
      if (renew) {
        fs.mkdirSync(path.dirname(place), { recursive: true });
        fs.writeFileSync(place, output);
      }
      t.is(output, fs.readFileSync(place, 'utf8'));
    });
  }
}

test('nothing is expected of a fixture that is gone', (t) => {
  t.deepEqual(fs.readdirSync(expected).sort(), fs.readdirSync(path.join(top, images)).sort());
});
