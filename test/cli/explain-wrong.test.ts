import test from 'ava';
import { readByYargs } from '../../src/cli/line';

/** A wrong line is explained by what is wrong with it, not by what the parser missed because of that. */

const WRONG: readonly (readonly [line: string, problem: RegExp, hint: RegExp])[] = [
  ['ls --exteral DIR', /^ls has no option --exteral; did you mean --external\?$/, /^fdgraft ls --help lists/],
  ['ls DIR --jso', /did you mean --json\?$/, /^fdgraft ls --help/],
  ['rewrite DIR --no-inplace', /^rewrite has no option --no-inplace; did you mean --in-place\?$/, /rewrite --help/],
  ['ls DIR --zzzzzz', /^ls has no option --zzzzzz; there are: external, path, /, /ls --help/],
  ['batch ls --jbs 3', /^batch ls has no option --jbs; did you mean --jobs\?$/, /batch ls --help/],
  ['ls', /^SOURCE is missing$/, /ls --help/],
  ['diff a', /^AFTER is missing$/, /diff --help/],
  ['diff', /^BEFORE is missing$/, /diff --help/],
  ['batch ls', /^PATTERNS is missing$/, /batch ls --help/],
  ['lss', /^there is no command lss; did you mean ls\?$/, /^fdgraft --help/],
  ['batch lss a', /^there is no command batch lss; did you mean ls\?$/, /^fdgraft --help/],
  ['ls a b', /^Unknown argument: b$/, /ls --help/],
  ['completion cash', /^Invalid values: Argument: shell, Given: "cash"/, /completion --help/],
  ['ls a -- --exteral', /^Unknown argument: /, /ls --help/],
];

for (const [line, problem, hint] of WRONG) {
  test(`fdgraft ${line}`, async (t) => {
    const error = await t.throwsAsync(readByYargs(line.split(' ')), { message: problem });
    t.regex((error as Error & { hint: string }).hint, hint);
  });
}

test('fdgraft help COMMAND is fdgraft COMMAND --help', async (t) => {
  for (const words of [[], ['ls'], ['batch', 'rewrite']]) {
    const { told } = await readByYargs(['help', ...words]);
    t.is(told, (await readByYargs([...words, '--help'])).told);
    t.regex(told, /^fdgraft /);
  }
});
