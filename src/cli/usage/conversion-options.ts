import { LINK_MODES } from '../../storage/link-mode';

/** The options that decode and encode have in common. */
export const IN_OPTION = {
  alias: 'i',
  type: 'string',
  requiresArg: true,
  value: 'FILE',
  describe: 'Read FILE, as SOURCE does; crit has this option',
} as const;
export const LINK_OPTION = {
  choices: LINK_MODES,
  requiresArg: true,
  value: 'MODE',
  describe: 'Link or copy raw files into OUTDIR this way. Default: auto',
} as const;
