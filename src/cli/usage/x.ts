import type { ExploredWhat } from '../../index';
import { epilogue } from '../help';
import type { Usage } from './usage';

const WHAT: { readonly [what in ExploredWhat]: string } = {
  ps: 'the tree of tasks',
  fds: 'what each task has open, its working directory and its root',
  mems: 'the executable of each task, and what it has mapped',
  rss: 'the pages of each task that the dump has, and the mappings that they lie in',
};
/** What can be asked for. */
export const WORDS = Object.keys(WHAT);
export const USAGE = `fdgraft x SOURCE ${WORDS.join('|')} [--json]`;

export const X_USAGE: Usage = {
  command: 'x <source> [what]',
  describe: 'Explore the tasks: tree, descriptors, mappings, pages (crit x)',
  usage: USAGE,
  positionals: {
    source: {
      type: 'string',
      demandOption: true,
      describe: 'an image directory of CRIU, or an archive',
    },
    what: { type: 'string', choices: WORDS, describe: 'what to tell of its tasks' },
  },
  options: {},
  epilogue: epilogue([
    ...Object.entries(WHAT).map(([what, told]) => [`fdgraft x ckpt ${what}`, told] as const),
    ["fdgraft x ckpt fds --json | jq '.tasks[].descriptors[].key'", 'for programs'],
  ]),
};
