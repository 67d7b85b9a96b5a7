import { epilogue } from '../help';
import type { Usage } from './usage';

const EXIT_CODES_OF_RESTORE = `Exit codes:
  1      a spec matches nothing, or criu failed
  2      criu was not started: wrong usage, unusable images, descriptors that do not fit
  128+N  signal N ended criu
  other  criu's own`;

export const RESTORE_USAGE: Usage = {
  command: 'restore',
  describe: 'Do what criu restore does, with named entries from the fds of the caller',
  usage: `fdgraft restore [options of criu restore] --inherit-fd 'fd[N]:KEY' [--inherit-fd SPEC]... [-D DIR]

Takes the words of criu restore. Rewrites the image directory into a directory of its own in
/run/fdgraft or $XDG_RUNTIME_DIR/fdgraft, made of links, starts criu by fdgraft-exec, and removes the
directory when criu ends. DIR stays criu's work directory (restore.log, --pidfile), unless -W or a
configuration file sets another.

The options here are those that fdgraft looks at. criu restore --help lists all others.`,
  positionals: {},
  options: {
    'images-dir': { alias: 'D', type: 'string', requiresArg: true, describe: 'image directory of criu. Default: .' },
    'inherit-fd': {
      type: 'string',
      nargs: 1,
      requiresArg: true,
      describe: 'fd[N]:KEY or debug[N]:TEXT, as fdgraft rewrite has them',
    },
    specs: { type: 'string', requiresArg: true, describe: 'file with specs and their options as JSON' },
    'from-descriptors': { type: 'boolean', default: false, describe: 'specs from descriptors.json of DIR' },
    'allow-unmatched': { type: 'boolean', default: false, describe: 'go on where a spec matches nothing' },
    'drop-in-flight': { type: 'boolean', default: false, describe: 'lose unread bytes of inherited pipes' },
    pty: {
      type: 'string',
      describe:
        'show the restored terminal in this window, or with --pty=SOCKET in a later one; see fdgraft-exec --help',
    },
    plugins: {
      type: 'string',
      requiresArg: true,
      describe: 'CRIU plugins to load beside fdgraft.so; -L DIR means the same',
    },
  },
  epilogue: epilogue(
    [
      ["fdgraft restore -D ckpt -d --inherit-fd 'fd[5]:pipe:[22653]' 5>&1", 'a pipe'],
      [
        "fdgraft restore -D ckpt --shell-job --pidfile pid --inherit-fd 'fd[7]:/var/log/app.log' 7>>new.log",
        'a log; ckpt/pid gets the pid',
      ],
      ["fdgraft restore -D ckpt --pty --inherit-fd 'fd[5]:/dev/pts/3'", 'a shell comes back in this window'],
    ],
    EXIT_CODES_OF_RESTORE,
  ),
};
