import { epilogue } from '../help';
import type { Usage } from './usage';

/** Those of a batch, too. */
export const LS_OPTIONS = {
  external: {
    type: 'boolean',
    default: false,
    describe: 'only what comes from outside: pipes with one end missing, external files, unix sockets, terminals',
  },
  path: { type: 'string', requiresArg: true, describe: 'only files of this path or glob' },
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    describe: 'only what this spec would take; can be given again',
  },
} as const;

export const LS_USAGE: Usage = {
  command: 'ls <source>',
  describe: 'List what can be inherited, as specs to paste',
  usage: 'fdgraft ls SOURCE [--external] [--path GLOB] [--inherit-fd SPEC]... [--json]',
  positionals: {
    source: {
      type: 'string',
      demandOption: true,
      describe: 'an image directory of CRIU, or an archive',
    },
  },
  options: { ...LS_OPTIONS },
  epilogue: epilogue([
    ['fdgraft ls ckpt', 'a line each: option to paste, type, access, state, descriptors as pid/fd (task)'],
    ['fdgraft ls ckpt --external', 'the pipes and files that the checkpoint does not hold'],
    ["fdgraft ls ckpt --inherit-fd 'fd[7]:/var/log/**'", 'what that spec would take'],
    ["fdgraft ls ckpt --json | jq '.entries[].key'", 'for programs'],
  ]),
};
