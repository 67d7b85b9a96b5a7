import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { bin as command, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';

const TEXT = fs.readFileSync(path.join(top, 'docs/DIFF.md'), 'utf8');

test('git shows what changed in an image with the lines of docs/DIFF.md', (t) => {
  const directory = temporaryDirectory(t);
  const repository = path.join(directory, 'repository');
  const bin = path.join(directory, 'bin');
  for (const name of [repository, bin]) fs.mkdirSync(name);
  const script = `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`;
  fs.writeFileSync(path.join(bin, 'fdgraft'), script, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, GIT_CONFIG_GLOBAL: '/dev/null', HOME: directory };
  const sh = (line: string) => execFileSync('sh', ['-c', line], { cwd: repository, env, encoding: 'utf8' });
  const [, lines = ''] = /```sh\n(git config [^`]*)```/.exec(TEXT) ?? [];
  const author = 'git -c user.name=a -c user.email=a@example.org';
  sh('git init -q');
  sh(lines);
  fs.copyFileSync(path.join(top, 'fixtures/images/two_logs/files.img'), path.join(repository, 'files.img'));
  sh(`git add . && ${author} commit -qm first`);
  fs.copyFileSync(path.join(top, 'fixtures/images/two_paths/files.img'), path.join(repository, 'files.img'));
  const shown = sh('git diff');
  t.regex(shown, /^-\s+"name": "\/srv\/fdgraft\/two_logs",\n\+\s+"name": "\/srv\/fdgraft\/two_paths",$/m);
  t.notRegex(shown, /Binary files/);
});
