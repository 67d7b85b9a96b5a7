import { BATCH_USAGE } from './batch';
import { COMPLETION_USAGE } from './completion';
import { DECODE_USAGE } from './decode';
import { DIFF_USAGE } from './diff';
import { ENCODE_USAGE } from './encode';
import { EXIT_CODES } from './exit-codes';
import { INFO_USAGE } from './info';
import { LS_USAGE } from './ls';
import { RESTORE_USAGE } from './restore';
import { REWRITE_USAGE } from './rewrite';
import { SHOW_USAGE } from './show';
import type { Texts, Usage, UsageOfSeveral } from './usage';
import { X_USAGE } from './x';

/** The texts of fdgraft without a command. */
export const FDGRAFT: Pick<Texts, 'describe' | 'usage' | 'exitCodes'> = {
  describe: 'Prepares CRIU checkpoints so that restored descriptors come from the caller.',
  usage: 'COMMAND SOURCE [options]',
  exitCodes: EXIT_CODES,
};

/** All commands, in the order of the help. */
export const USAGES: readonly (Usage | UsageOfSeveral)[] = [
  LS_USAGE,
  REWRITE_USAGE,
  RESTORE_USAGE,
  DIFF_USAGE,
  DECODE_USAGE,
  ENCODE_USAGE,
  INFO_USAGE,
  SHOW_USAGE,
  X_USAGE,
  BATCH_USAGE,
  COMPLETION_USAGE,
];

/** The word of a command, without its positionals. */
export function wordOf(command: string): string {
  return command.split(' ')[0] as string;
}
