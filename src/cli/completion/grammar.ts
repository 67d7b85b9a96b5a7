import { USAGES, wordOf } from '../usage/all';
import { EXECUTOR_OPTIONS } from '../usage/executor';
import { COMMON_OPTIONS, type Option, type Usage } from '../usage/usage';

/** The kind of word that a value is. */
export type Kind = 'none' | 'file' | 'directory' | 'spec' | 'choice';

export interface CompletedOption {
  /** As on a line: `-o`, `--out`. */
  readonly names: readonly string[];
  readonly describe: string;
  /** Undefined: the option has no value. */
  readonly value?: Value;
  readonly isRepeatable: boolean;
}

export interface Value {
  readonly name: string;
  readonly kind: Kind;
  readonly choices: readonly string[];
  /** It stands behind = or nowhere. */
  readonly isOptional: boolean;
}

export interface CompletedCommand {
  /** `rewrite`, `batch rewrite`. */
  readonly words: readonly string[];
  readonly describe: string;
  readonly options: readonly CompletedOption[];
  /** In their order; the last one can be repeated if `isOpen`. */
  readonly positionals: readonly Value[];
  readonly isOpen: boolean;
}

/** By the word that stands for a value in the help. */
const KINDS: { readonly [value: string]: Kind } = {
  SPEC: 'spec',
  FILE: 'file',
  OUT: 'file',
  PLAN: 'file',
  SOCKET: 'file',
  '[=SOCKET]': 'file',
  DIR: 'directory',
  ROOT: 'directory',
  ROOT2: 'directory',
  GLOB: 'none',
  N: 'none',
  PART: 'none',
  PID: 'none',
  FDS: 'none',
};

const HELP: Usage['options'] = { help: { type: 'boolean', describe: 'Print the help' } };

/** All commands; of batch, each below it. */
export function completedCommands(): CompletedCommand[] {
  return USAGES.flatMap((usage) => {
    if (!('several' in usage)) return [completed(usage, [])];
    return usage.several.map((one) => completed(one, [wordOf(usage.command)]));
  });
}

export function executorOptions(): CompletedOption[] {
  return optionsOf(EXECUTOR_OPTIONS);
}

/** The words that can stand first, and those that can stand after `batch`. */
export function firstWords(): { readonly word: string; readonly describe: string }[] {
  return USAGES.map(({ command, describe }) => ({ word: wordOf(command), describe }));
}

function completed(usage: Usage, before: readonly string[]): CompletedCommand {
  const common = Object.fromEntries(usage.common.map((name) => [name, COMMON_OPTIONS[name]]));
  return {
    words: [...before, wordOf(usage.command)],
    describe: usage.describe,
    options: optionsOf({ ...usage.options, ...common, ...HELP }),
    positionals: Object.entries(usage.positionals).map(([name, { choices }]) => {
      const words = (choices ?? []) as readonly string[];
      return {
        name: name.toUpperCase(),
        kind: words.length > 0 ? 'choice' : 'file',
        choices: words,
        isOptional: false,
      };
    }),
    isOpen: usage.command.includes('..'),
  };
}

function optionsOf(options: Usage['options']): CompletedOption[] {
  return Object.entries(options).flatMap(([name, option]) =>
    option.hidden === true ? [] : [completedOption(name, option)],
  );
}

function completedOption(name: string, option: Option): CompletedOption {
  const aliases = [option.alias ?? []].flat().map((one) => (one.length === 1 ? `-${one}` : `--${one}`));
  // A switch that is on by default is there to be turned off.
  const shown = option.type === 'boolean' && option.default === true ? `--no-${name}` : `--${name}`;
  return {
    names: [...aliases, shown],
    describe: option.describe ?? '',
    ...(option.type === 'boolean' ? {} : { value: readValue(name, option) }),
    isRepeatable: option.nargs === 1,
  };
}

function readValue(name: string, { value = '', choices }: Option): Value {
  const words = (choices ?? []) as readonly string[];
  const kind = words.length > 0 ? 'choice' : KINDS[value];
  if (kind === undefined) throw new Error(`--${name}: no kind of word for the value ${value}`);
  return { name: value.replace(/\W/g, ''), kind, choices: words, isOptional: value.startsWith('[') };
}
