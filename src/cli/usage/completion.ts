import { DONE_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const COMPLETION_USAGE: Usage = {
  command: 'completion [shell]',
  describe: 'Print a completion script for your shell',
  usage: `fdgraft completion [${SHELLS.join('|')}]`,
  positionals: {
    shell: { type: 'string', choices: SHELLS, describe: 'Shell that reads the script. Default: the one in $SHELL' },
  },
  options: {},
  common: [],
  examples: [
    ['source <(fdgraft completion bash)', 'complete in this bash; ~/.bashrc can have the line'],
    ['fdgraft completion zsh > ~/.zfunc/_fdgraft', 'complete in zsh, if $fpath has ~/.zfunc'],
    ['fdgraft completion fish > ~/.config/fish/completions/fdgraft.fish', 'complete in fish'],
  ],
  exitCodes: DONE_OR_NOT,
};
