import type { Options, PositionalOptions } from 'yargs';
import { FORMS } from '../../storage/form';

/** An option as yargs has it, with the word that stands for its value in man pages. */
export interface Option extends Options {
  readonly value?: string;
}

export type ExitCodes = readonly (readonly [code: string, meaning: string])[];

/** The texts of a command, for its help and its man page. */
export interface Texts {
  /** The word, and what follows it: `<name>` is needed, `[name]` is not. */
  readonly command: string;
  readonly describe: string;
  /** The synopsis, a form a line. */
  readonly usage: string;
  /** Paragraphs about the command, apart by empty lines. */
  readonly about?: string;
  /** Those common options that do something here. */
  readonly common: readonly CommonName[];
  /** Each a command line, and its purpose. */
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly exitCodes: ExitCodes;
}

/**
 * The words that a command takes: the one table for help, man pages, completion, and all who read the words of a line.
 * Data alone, so that help and completion load nothing of what commands do.
 */
export interface Usage extends Texts {
  readonly positionals: { readonly [name: string]: PositionalOptions };
  readonly options: { readonly [name: string]: Option };
}

/** A command that is one of several, by its second word. */
export interface UsageOfSeveral extends Texts {
  readonly several: readonly Usage[];
  /** The error if the second word is missing. */
  readonly missing: string;
}

/**
 * The common options. A command reads all of them, so that a shell alias can have them. Its help has only those that
 * do something there, and it refuses a --json that would do nothing.
 */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', describe: 'Print JSON', default: false },
  quiet: { type: 'boolean', describe: 'Print errors only', default: false },
  color: {
    type: 'boolean',
    describe: 'Use colour on a terminal. --no-color and NO_COLOR turn it off',
    default: true,
  },
} as const satisfies Usage['options'];

export type CommonName = keyof typeof COMMON_OPTIONS;

/** The form of OUT, for all commands that make one. */
export const TO_OPTION = {
  choices: FORMS,
  requiresArg: true,
  value: 'FORM',
  describe:
    'Make OUT a directory or an archive of this form. Default: the form of SOURCE; a directory becomes an archive if OUT ends in .tar, .tar.gz or .tar.zst',
} as const;

/** The names of options without a value, aliases apart. */
export function switchesOf(options: Usage['options']): string[] {
  return Object.entries(options).flatMap(([name, { type }]) => (type === 'boolean' ? name : []));
}
