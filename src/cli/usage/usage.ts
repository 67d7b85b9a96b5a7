import type { Options, PositionalOptions } from 'yargs';
import { FORMS } from '../../storage/form';

/**
 * What a command takes, as yargs has it: the one table for who reads the words of a line, and for who explains it.
 * Data alone, so that help and completion load nothing of what commands do.
 */
export interface Usage {
  /** The word, and what follows it: `<name>` is needed, `[name]` is not. */
  readonly command: string;
  readonly describe: string;
  readonly usage: string;
  readonly positionals: { readonly [name: string]: PositionalOptions };
  readonly options: { readonly [name: string]: Options };
  readonly epilogue: string;
}

/** A command that is one of several, by its second word. */
export interface UsageOfSeveral extends Pick<Usage, 'command' | 'describe' | 'usage' | 'epilogue'> {
  readonly several: readonly Usage[];
  /** What to say where the second word is missing. */
  readonly missing: string;
}

/** What all commands take. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', describe: 'print JSON', default: false },
  quiet: { type: 'boolean', describe: 'print errors only', default: false },
  color: { type: 'boolean', describe: 'colour on a terminal (also off by NO_COLOR)', default: true },
} as const satisfies Usage['options'];

/** What OUT is to be, for all who make one. */
export const TO_OPTION = {
  choices: FORMS,
  requiresArg: true,
  describe: 'what OUT is to be; what SOURCE is by default',
} as const;

/** The names of options that are there or not, aliases apart. */
export function switchesOf(options: Usage['options']): string[] {
  return Object.entries(options).flatMap(([name, { type }]) => (type === 'boolean' ? name : []));
}
