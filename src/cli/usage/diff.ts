import { DIFF_FORMATS } from '../../report/write-diff';
import { epilogue } from '../help';
import type { Usage } from './usage';

/** Those of a batch, too. */
export const DIFF_OPTIONS = {
  format: { choices: DIFF_FORMATS, requiresArg: true, describe: 'text, the default; --json is json' },
  payload: {
    type: 'boolean',
    default: false,
    describe: 'show buffers and payload too, which may be secrets',
  },
  'ignore-ids': {
    type: 'boolean',
    default: false,
    describe: 'compare ids that the dump or the kernel made up by what they stand for, not as numbers',
  },
} as const;

export const DIFF_USAGE: Usage = {
  command: 'diff <before> <after>',
  describe: 'Say what differs between two checkpoints, or two images, by what it means',
  usage: 'fdgraft diff A B [--format text|json|markdown|html] [--plan PLAN] [--ignore-ids] [--payload] [-o FILE]',
  positionals: {
    before: {
      type: 'string',
      demandOption: true,
      describe: 'an image directory, an archive, or an image',
    },
    after: { type: 'string', demandOption: true, describe: 'the other one' },
  },
  options: {
    ...DIFF_OPTIONS,
    plan: {
      type: 'string',
      requiresArg: true,
      describe: 'the plan of the rewrite that made B: what it does not explain is told apart',
    },
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      describe: 'where to write it (stdout by default)',
    },
  },
  epilogue: epilogue([
    ['fdgraft diff ckpt out', 'what a rewrite changed: first what it means, then entry by entry'],
    [
      'fdgraft diff ckpt out --plan out',
      'a proof that it did only what its plan says: exit code 0, or 1 with the rest',
    ],
    ['fdgraft diff monday tuesday --ignore-ids', 'two dumps of one program: its files, whatever their ids'],
    ['fdgraft diff monday tuesday --format markdown', 'for a pull request'],
    ['fdgraft diff ckpt out --format html -o diff.html', 'one page with a picture, for a browser'],
    ['fdgraft diff ckpt.tar.gz out.tar.gz', 'two archives; one of them may be a directory'],
    ['fdgraft diff a/files.img b/files.img', 'two images'],
  ]),
};
