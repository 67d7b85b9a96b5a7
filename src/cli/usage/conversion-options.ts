import { LINK_MODES } from '../../storage/link-mode';

/** The options that decode and encode have in common. */
export const IN_OPTION = {
  alias: 'i',
  type: 'string',
  requiresArg: true,
  describe: 'the same, as crit has it',
} as const;
export const LINK_OPTION = {
  choices: LINK_MODES,
  requiresArg: true,
  describe: 'how raw files get to OUTDIR',
} as const;
