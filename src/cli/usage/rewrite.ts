import { LINK_MODES } from '../../storage/link-mode';
import { WRITTEN_OR_NOT } from './exit-codes';
import { TO_OPTION, type Usage } from './usage';

/** Those of a batch, too. */
export const REWRITE_OPTIONS = {
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    value: 'SPEC',
    describe:
      'Restore matches of the spec fd[N]:KEY from caller fd N, or write a text with debug[N]:TEXT. Repeat it for more specs. KEY: pipe:[ID], file[MNT:INO], /proc/PID/fd/N, a path, a glob and others',
  },
  specs: {
    type: 'string',
    requiresArg: true,
    value: 'FILE',
    describe: 'Read specs and their options from a JSON file (schemas/specs.schema.json), - for stdin',
  },
  'from-descriptors': {
    type: 'boolean',
    default: false,
    describe: 'Read specs from descriptors.json of SOURCE, which runc and crun write',
  },
  to: TO_OPTION,
  'dry-run': { type: 'boolean', default: false, describe: 'Print the result without writing OUT' },
  link: {
    choices: LINK_MODES,
    requiresArg: true,
    value: 'MODE',
    describe:
      'Link or copy unchanged images to OUT this way. Default: auto, which tries a reflink, then hard links for pages and copies for the rest',
  },
  'allow-unmatched': { type: 'boolean', default: false, describe: 'Continue if a spec matches nothing' },
  'drop-in-flight': { type: 'boolean', default: false, describe: 'Drop unread bytes of inherited pipes' },
} as const;

export const REWRITE_USAGE: Usage = {
  command: 'rewrite <source>',
  describe: 'Write a checkpoint whose matched entries are restored from caller fds',
  usage: "fdgraft rewrite SOURCE (-o OUT | --in-place) --inherit-fd 'fd[N]:KEY'... [options]",
  positionals: { source: { type: 'string', demandOption: true, describe: 'Image directory or archive' } },
  options: {
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      value: 'OUT',
      describe: 'Write the result to this new directory or archive',
    },
    'in-place': {
      type: 'boolean',
      default: false,
      describe: 'Replace SOURCE by the result in one atomic step',
    },
    ...REWRITE_OPTIONS,
    'save-plan': {
      type: 'string',
      requiresArg: true,
      value: 'FILE',
      describe: 'Write the plan as JSON to FILE too; - is stdout',
    },
  },
  common: ['json', 'quiet'],
  examples: [
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[5]:pipe:[22653]'", 'inherit a pipe'],
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[7]:/var/log/app.log'", 'inherit a log'],
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[8]:/proc/14716/fd/5'", 'inherit the open file of a descriptor'],
    ['fdgraft rewrite ckpt -o out --specs specs.json', 'give options to specs'],
    ["fdgraft rewrite ckpt --in-place --inherit-fd 'fd[7]:/var/log/app.log'", 'make no second directory'],
    ['fdgraft-exec --plan out -- criu restore -D out -d 5>&1 7>>new.log', 'restore the result'],
    ["fdgraft rewrite ckpt.tar.gz -o out.tar.gz --inherit-fd 'fd[7]:/var/log/app.log'", 'rewrite an archive of podman'],
    [
      "fdgraft rewrite ckpt.tar.gz --to dir -o out --inherit-fd 'fd[7]:/var/log/app.log'",
      'unpack it too; CRIU restores out/checkpoint',
    ],
  ],
  exitCodes: WRITTEN_OR_NOT,
};
