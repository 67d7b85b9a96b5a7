import type { Option } from './usage';

/** The options of fdgraft-exec, for completion. native/src/help.c has the whole texts. */
export const EXECUTOR_OPTIONS: { readonly [name: string]: Option } = {
  plan: {
    type: 'string',
    value: 'OUT',
    describe: 'Read the plan of this image directory, archive or inherit-plan.img',
  },
  check: { type: 'boolean', describe: 'Validate the caller fds without running COMMAND' },
  plugins: { type: 'string', value: 'DIR', describe: 'Load the CRIU plugins of DIR beside fdgraft.so' },
  serve: { type: 'boolean', describe: 'Keep the descriptors for a CRIU that a service starts' },
  timeout: { type: 'string', value: 'N', describe: 'End COMMAND if nothing was fetched within N seconds' },
  task: { type: 'string', value: 'PID', describe: 'Run COMMAND with the inherited descriptors of this task' },
  pty: { type: 'string', value: '[=SOCKET]', describe: 'Show the restored terminal in this window or a later one' },
  attach: { type: 'string', value: 'SOCKET', describe: 'Show the terminal of --pty=SOCKET in this window' },
  stdio: { type: 'string', value: 'FDS', describe: 'Take descriptors A,B,C as 0, 1 and 2' },
  help: { type: 'boolean', describe: 'Print the help' },
  version: { type: 'boolean', describe: 'Print the version' },
};
