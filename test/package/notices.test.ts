import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { top } from '../support/command';

/** The command is bundled: the licenses of what is in it ask to be told with it. */

test('the notices have every package that the command is made of, with its license', (t) => {
  const text = fs.readFileSync(path.join(top, 'dist/NOTICES.txt'), 'utf8');
  const [, ...notices] = text.split(`\n${'-'.repeat(80)}\n\n`);
  const names = notices.map((one) => /^(\S+) \d/.exec(one)?.[1]);
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) t.true(names.includes(name), name);
  t.deepEqual([...new Set(names)], names);
  for (const one of notices) t.regex(one, /permission|redistribut|licensed? /i, one.slice(0, 40));
});
