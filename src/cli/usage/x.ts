import type { ExploredWhat } from '../../index';
import { DONE_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

const WHAT: { readonly [what in ExploredWhat]: string } = {
  ps: 'print the tree of tasks',
  fds: 'print the open files, the working directory and the root of each task',
  mems: 'print the executable and the mappings of each task',
  rss: 'print the dumped pages of each task, and the mappings that they lie in',
};
/** The words after SOURCE. */
export const WORDS = Object.keys(WHAT);
export const USAGE = `fdgraft x SOURCE ${WORDS.join('|')} [--json]`;

export const X_USAGE: Usage = {
  command: 'x <source> [what]',
  describe: 'Explore the tasks: tree, descriptors, mappings, pages (crit x)',
  usage: USAGE,
  positionals: {
    source: { type: 'string', demandOption: true, describe: 'Image directory or archive' },
    what: { type: 'string', choices: WORDS, describe: 'Part of the tasks to print' },
  },
  options: {},
  common: ['json', 'quiet'],
  examples: [
    ...Object.entries(WHAT).map(([what, told]) => [`fdgraft x ckpt ${what}`, told] as const),
    ["fdgraft x ckpt fds --json | jq '.tasks[].descriptors[].key'", 'use the JSON in a program'],
  ],
  exitCodes: DONE_OR_NOT,
};
