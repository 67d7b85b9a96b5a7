import { MATCHED_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

/** Those of a batch, too. */
export const LS_OPTIONS = {
  external: {
    type: 'boolean',
    default: false,
    describe: 'List only pipes with one end missing, external files, unix sockets and terminals',
  },
  path: { type: 'string', requiresArg: true, value: 'GLOB', describe: 'List only files with this path or glob' },
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    value: 'SPEC',
    describe: 'List only entries that this spec matches. Repeat it for more specs',
  },
} as const;

export const LS_USAGE: Usage = {
  command: 'ls <source>',
  describe: 'List the entries that can be inherited, as specs to paste',
  usage: 'fdgraft ls SOURCE [--external] [--path GLOB] [--inherit-fd SPEC]... [--json]',
  positionals: { source: { type: 'string', demandOption: true, describe: 'Image directory or archive' } },
  options: { ...LS_OPTIONS },
  common: ['json', 'quiet', 'color'],
  examples: [
    [
      'fdgraft ls ckpt',
      'print a line for each entry: option to paste, type, access, state, descriptors as pid/fd (task)',
    ],
    ['fdgraft ls ckpt --external', 'list pipes and files that the checkpoint does not hold'],
    ["fdgraft ls ckpt --inherit-fd 'fd[7]:/var/log/**'", 'list the matches of a spec'],
    ["fdgraft ls ckpt --json | jq '.entries[].key'", 'use the JSON in a program'],
  ],
  exitCodes: MATCHED_OR_NOT,
};
