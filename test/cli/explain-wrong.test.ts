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
  ['ls a b', /^ls takes SOURCE, and there is more: b$/, /^fdgraft ls --help/],
  ['rewrite a b', /^rewrite takes SOURCE, and there is more: b$/, /^write -o before the name of the result; fdgraft/],
  ['rewrite a b c -o d', /^rewrite takes SOURCE, and there is more: b, c$/, /^fdgraft rewrite --help/],
  ['diff a b c', /^diff takes BEFORE and AFTER, and there is more: c$/, /^write -o before the name of the result; /],
  ['completion cash', /^SHELL cannot be cash; there are: bash, zsh, fish$/, /completion --help/],
  ['rewrite a --to zip -o b', /^--to cannot be zip; there are: dir, tar, tar\.gz, tar\.zst$/, /rewrite --help/],
  ['rewrite a -o', /^-o lacks its value, OUT$/, /^write -o OUT; /],
  ['rewrite a --inherit-fd', /^--inherit-fd lacks its value, SPEC$/, /^write --inherit-fd SPEC; /],
  ['rewrite a -o -dash', /^-o lacks its value, OUT$/, /^for one that begins with -, write --out=-dash; /],
  ['rewrite -D a -o b', /^rewrite has no option -D; there are: out, /, /rewrite --help/],
  ['rewrite a --output b', /^rewrite has no option --output; did you mean --out\?$/, /rewrite --help/],
  ['rewrite a --dry', /^rewrite has no option --dry; did you mean --dry-run\?$/, /rewrite --help/],
  ['ls a -- --exteral', /^ls takes SOURCE, and there is more: /, /ls --help/],
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
