import { DIFF_FORMATS } from '../../report/write-diff';
import { SAME_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

/** Those of a batch, too. */
export const DIFF_OPTIONS = {
  format: {
    choices: DIFF_FORMATS,
    requiresArg: true,
    value: 'FORMAT',
    describe: 'Write the report in this format. Default: text; --json means json',
  },
  payload: {
    type: 'boolean',
    default: false,
    describe: 'Show buffers and payload too. They may hold secrets',
  },
  'ignore-ids': {
    type: 'boolean',
    default: false,
    describe: 'Compare ids that the dump or the kernel assigned by their meaning, not as numbers',
  },
} as const;

export const DIFF_USAGE: Usage = {
  command: 'diff <before> <after>',
  describe: 'Compare two checkpoints, or two images, by meaning',
  usage: 'fdgraft diff A B [--format FORMAT] [--plan PLAN] [--ignore-ids] [--payload] [-o FILE]',
  positionals: {
    before: { type: 'string', demandOption: true, describe: 'Image directory, archive or image' },
    after: { type: 'string', demandOption: true, describe: 'The one to compare it with' },
  },
  options: {
    ...DIFF_OPTIONS,
    plan: {
      type: 'string',
      requiresArg: true,
      value: 'PLAN',
      describe: 'Report separately each difference that this plan of the rewrite of B does not explain',
    },
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      value: 'FILE',
      describe: 'Write the report to FILE. Default: stdout',
    },
  },
  common: ['json', 'quiet', 'color'],
  examples: [
    ['fdgraft diff ckpt out', 'print the changes of a rewrite: first their meaning, then each entry'],
    ['fdgraft diff ckpt out --plan out', 'prove that the rewrite did only what its plan says'],
    ['fdgraft diff monday tuesday --ignore-ids', 'compare two dumps of one program'],
    ['fdgraft diff monday tuesday --format markdown', 'write a report for a pull request'],
    ['fdgraft diff ckpt out --format html -o diff.html', 'write a page with a picture for a browser'],
    ['fdgraft diff ckpt.tar.gz out.tar.gz', 'compare two archives; either can be a directory'],
    ['fdgraft diff a/files.img b/files.img', 'compare two images'],
  ],
  exitCodes: SAME_OR_NOT,
};
