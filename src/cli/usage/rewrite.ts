import { LINK_MODES } from '../../storage/link-mode';
import { epilogue } from '../help';
import { TO_OPTION, type Usage } from './usage';

/** Those of a batch, too. */
export const REWRITE_OPTIONS = {
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    describe:
      'fd[N]:KEY or debug[N]:TEXT; can be given again. KEY: pipe:[ID], pipe:[ID]:read, file[MNT:INO], /proc/PID/fd/N, a path, a glob',
  },
  specs: {
    type: 'string',
    requiresArg: true,
    describe: 'file with specs and their options as JSON (schemas/specs.schema.json)',
  },
  'from-descriptors': {
    type: 'boolean',
    default: false,
    describe: "specs from the source's descriptors.json, as runc and crun mean it",
  },
  to: TO_OPTION,
  'dry-run': { type: 'boolean', default: false, describe: 'write no directory, only say what would be' },
  link: {
    choices: LINK_MODES,
    requiresArg: true,
    describe:
      'how unchanged images get to OUT; auto, the default: reflink, else a hard link for pages and a copy for the rest',
  },
  'allow-unmatched': { type: 'boolean', default: false, describe: 'go on where a spec matches nothing' },
  'drop-in-flight': { type: 'boolean', default: false, describe: 'lose unread bytes of inherited pipes' },
} as const;

export const REWRITE_USAGE: Usage = {
  command: 'rewrite <source>',
  describe: 'Make a checkpoint whose named entries are restored from the fds of the caller',
  usage: "fdgraft rewrite SOURCE (-o OUT | --in-place) --inherit-fd 'fd[N]:KEY' [--inherit-fd SPEC]... [options]",
  positionals: {
    source: {
      type: 'string',
      demandOption: true,
      describe: 'an image directory of CRIU, or an archive',
    },
  },
  options: {
    out: { alias: 'o', type: 'string', requiresArg: true, describe: 'the directory or archive to make' },
    'in-place': {
      type: 'boolean',
      default: false,
      describe: 'put the result in the place of SOURCE, in one step',
    },
    ...REWRITE_OPTIONS,
    'save-plan': { type: 'string', requiresArg: true, describe: 'write the plan as JSON too; - is stdout' },
  },
  epilogue: epilogue([
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[5]:pipe:[22653]'", 'a pipe'],
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[7]:/var/log/app.log'", 'a log'],
    ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[8]:/proc/14716/fd/5'", 'whatever is open there'],
    ['fdgraft rewrite ckpt -o out --specs specs.json', 'with options for each spec'],
    ["fdgraft rewrite ckpt --in-place --inherit-fd 'fd[7]:/var/log/app.log'", 'without a second directory'],
    ['fdgraft-exec --plan out -- criu restore -D out -d 5>&1 7>>new.log', 'restores the result'],
    [
      "fdgraft rewrite ckpt.tar.gz -o out.tar.gz --inherit-fd 'fd[7]:/var/log/app.log'",
      'an archive, as podman makes it',
    ],
    [
      "fdgraft rewrite ckpt.tar.gz --to dir -o out --inherit-fd 'fd[7]:/var/log/app.log'",
      'the same, unpacked: what CRIU restores is out/checkpoint',
    ],
  ]),
};
