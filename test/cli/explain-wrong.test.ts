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
  ['ls a b', /^ls takes SOURCE, and there is more: b$/, /^fdgraft batch ls takes many; fdgraft ls --help/],
  ['rewrite a fd[7]:/b -o c', /^rewrite takes SOURCE, and .*: fd\[7\]:\/b$/, /^write --inherit-fd before each spec; /],
  ['rewrite a fd7:/b', /^rewrite takes SOURCE, and .*: fd7:\/b$/, /^write --inherit-fd before each spec; /],
  [
    'rewrite a b fd[7]:/b -o c',
    /^rewrite takes SOURCE, and there is more: b, /,
    /^write --inherit-fd before each spec; /,
  ],
  [
    'rewrite --inherit-fd fd[7]:/b fd[8]:/c a',
    /^rewrite takes SOURCE, .*: a$/,
    /^write --inherit-fd before each spec; /,
  ],
  ['ls a fd[7]:pipe:[1]', /^ls takes SOURCE, and there is more: /, /^write --inherit-fd before each spec; /],
  ['decode a b -o c', /^decode takes SOURCE, and there is more: b$/, /^fdgraft batch decode takes many; /],
  ['info a b', /^info takes IMAGE, and there is more: b$/, /^fdgraft info --help/],
  ['rewrite a b', /^rewrite takes SOURCE, and there is more: b$/, /^write -o before the name of the result; fdgraft/],
  ['rewrite a b c -o d', /^rewrite takes SOURCE, and there is more: b, c$/, /^fdgraft batch rewrite takes many; /],
  ['diff a b c', /^diff takes BEFORE and AFTER, and there is more: c$/, /^write -o before the name of the result; /],
  ['completion cash', /^SHELL cannot be cash; there are: bash, zsh, fish$/, /completion --help/],
  ['rewrite a --to zip -o b', /^--to cannot be zip; there are: dir, tar, tar\.gz, tar\.zst$/, /rewrite --help/],
  ['rewrite a -o', /^-o lacks its value, OUT$/, /^write -o OUT; /],
  ['rewrite a --inherit-fd', /^--inherit-fd lacks its value, SPEC$/, /^write --inherit-fd SPEC; /],
  ['rewrite a -o -dash', /^-o lacks its value, OUT$/, /^for one that begins with -, write --out=-dash; /],
  ['rewrite -D a -o b', /^rewrite has no option -D$/, /^SOURCE is a word without an option: fdgraft rewrite a; /],
  ['ls -D', /^ls has no option -D$/, /^SOURCE is a word without an option; fdgraft ls --help/],
  ['ls --images-dir a', /^ls has no option --images-dir$/, /^SOURCE is a word without an option: fdgraft ls a; /],
  ['ls --images-dir=a', /^ls has no option --images-dir$/, /^SOURCE is a word without an option: fdgraft ls a; /],
  ['batch ls -D a', /^batch ls has no option -D; there are: /, /batch ls --help/],
  ['ls a -z', /^ls has no option -z; there are: external, /, /ls --help/],
  ['ls a -h', /^ls has no option -h; did you mean --help\?$/, /ls --help/],
  ['-h', /^fdgraft has no option -h; did you mean --help\?$/, /^fdgraft --help/],
  ['-V', /^fdgraft has no option -V; did you mean --version\?$/, /^fdgraft --help/],
  ['-v', /^fdgraft has no option -v; did you mean --version\?$/, /^fdgraft --help/],
  ['--helpp', /^fdgraft has no option --helpp; did you mean --help\?$/, /^fdgraft --help/],
  ['-D a ls', /^fdgraft has no option -D$/, /^a command comes first; fdgraft --help/],
  ['-D a rewrite -o b', /^fdgraft has no option -D$/, /^a command comes first; fdgraft --help/],
  ['', /^a command is missing$/, /^fdgraft --help/],
  ['version', /^there is no command version; did you mean --version\?$/, /^fdgraft --help/],
  ['frobnicate a', /^there is no command frobnicate; there are: ls, rewrite, /, /^fdgraft --help/],
  ['ckpt', /^there is no command ckpt; there are: ls, rewrite, /, /^fdgraft --help/],
  ['batch', /^batch lacks a command: rewrite, decode, diff or ls$/, /^fdgraft --help/],
  [
    'batch ck/* --out b --inherit-fd c',
    /^there is no command batch ck\/\*; there are: rewrite, decode, diff, ls$/,
    /^fdgr/,
  ],
  ['batch restore a', /^there is no command batch restore; there are: rewrite, decode, diff, ls$/, /^fdgraft --help/],
  ['batch --jobs 3', /^batch lacks a command: rewrite, decode, diff or ls$/, /^fdgraft --help/],
  ['rewrite a --output b', /^rewrite has no option --output; did you mean --out\?$/, /rewrite --help/],
  ['rewrite a --dry', /^rewrite has no option --dry; did you mean --dry-run\?$/, /rewrite --help/],
  ['ls a -- --exteral', /^ls takes SOURCE, and there is more: /, /ls --help/],
];

for (const [line, problem, hint] of WRONG) {
  test(`fdgraft ${line}`, async (t) => {
    const error = await t.throwsAsync(readByYargs(line.split(' ').filter((word) => word !== '')), { message: problem });
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
