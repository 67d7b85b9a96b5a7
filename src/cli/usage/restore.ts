import type { Usage } from './usage';

export const RESTORE_USAGE: Usage = {
  command: 'restore',
  describe: 'Run criu restore with the matched entries from caller fds',
  usage: "fdgraft restore [options of criu restore] --inherit-fd 'fd[N]:KEY'... [-D DIR]",
  about: `The command takes the options of criu restore. It writes the rewritten image directory into a
new directory below /run/fdgraft or $XDG_RUNTIME_DIR/fdgraft, made of links. It starts criu by
fdgraft-exec, and removes the directory when criu ends.

DIR stays the work directory of criu (restore.log, --pidfile), unless -W or a configuration file
sets another.

Here are the options that fdgraft itself reads. criu restore --help lists all others.`,
  positionals: {},
  options: {
    'images-dir': {
      alias: 'D',
      type: 'string',
      requiresArg: true,
      value: 'DIR',
      describe: 'Read this image directory. Default: .',
    },
    'inherit-fd': {
      type: 'string',
      nargs: 1,
      requiresArg: true,
      value: 'SPEC',
      describe: 'Restore matches of fd[N]:KEY from caller fd N, or write debug[N]:TEXT, as fdgraft rewrite does',
    },
    specs: {
      type: 'string',
      requiresArg: true,
      value: 'FILE',
      describe: 'Read specs and their options from a JSON file, - for stdin',
    },
    'from-descriptors': { type: 'boolean', default: false, describe: 'Read specs from descriptors.json of DIR' },
    'allow-unmatched': { type: 'boolean', default: false, describe: 'Continue if a spec matches nothing' },
    'drop-in-flight': { type: 'boolean', default: false, describe: 'Drop unread bytes of inherited pipes' },
    pty: {
      type: 'string',
      value: '[=SOCKET]',
      describe:
        'Show the restored terminal in this window, or with --pty=SOCKET in a later one; see fdgraft-exec --help',
    },
    plugins: {
      type: 'string',
      requiresArg: true,
      value: 'DIR',
      describe: 'Load the CRIU plugins of DIR beside fdgraft.so; -L DIR means the same',
    },
  },
  common: ['quiet'],
  examples: [
    ["fdgraft restore -D ckpt -d --inherit-fd 'fd[5]:pipe:[22653]' 5>&1", 'inherit a pipe'],
    [
      "fdgraft restore -D ckpt --shell-job --pidfile pid --inherit-fd 'fd[7]:/var/log/app.log' 7>>new.log",
      'inherit a log; criu writes the pid to ckpt/pid',
    ],
    ["fdgraft restore -D ckpt --pty --inherit-fd 'fd[5]:/dev/pts/3'", 'continue a shell in this window'],
  ],
  exitCodes: [
    ['0', 'criu restored the tasks'],
    ['1', 'a spec matched nothing, or criu failed'],
    ['2', 'criu was not started: wrong usage, unusable images, or caller fds that do not fit'],
    ['128+N', 'signal N ended criu'],
    ['other', 'the exit code of criu'],
  ],
};
