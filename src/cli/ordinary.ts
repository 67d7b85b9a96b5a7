import parse = require('yargs-parser');

import type { Options } from 'yargs';
import { COMMON_OPTIONS, switchesOf, type Texts, type Usage } from './usage/usage';
import { prepareWords } from './words-of-line';

/** How words become values, for yargs and for its parser alone. */
export const PARSING = {
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'dot-notation': false,
} as const;

/**
 * Reads the words after a command by the parser of yargs alone, without yargs, which takes as long as a short command.
 * Undefined where the words are not ordinary: help is wanted, or something is wrong, which yargs then explains.
 */
export function readOrdinary(usage: Usage, words: readonly string[]): object | undefined {
  const options: Usage['options'] = { ...COMMON_OPTIONS, ...usage.options };
  // --inheritFd is --inherit-fd to yargs, but its parser does not see that a value of it is missing.
  if (words.some((word) => /^--[a-z-]*[A-Z]/.test(word))) return undefined;
  const prepared = prepare(words, switchesOf(options));
  if (prepared === undefined) return undefined;
  const { argv, aliases, error } = parse.detailed(prepared, { ...parserOptions(options), configuration: PARSING });
  const { _: positionals, ...named } = argv;
  if (error !== null) return undefined;
  const known = new Set(Object.keys(options).flatMap((name) => [name, ...(aliases[name] ?? [])]));
  if (Object.keys(named).some((name) => !known.has(name))) return undefined;
  if (Object.entries(options).some(([name, option]) => !isChoice(named[name], option))) return undefined;
  if (isJsonUseless(usage, named)) return undefined;
  const placed = place(usage, positionals.map(String));
  return placed === undefined ? undefined : { ...named, ...placed };
}

/** Whether the line has a --json that the command does not use. */
export function isJsonUseless({ common }: Pick<Texts, 'common'>, args: object): boolean {
  return !common.includes('json') && (args as { json?: unknown }).json === true;
}

function prepare(words: readonly string[], switches: readonly string[]): string[] | undefined {
  try {
    return prepareWords(words, switches);
  } catch {
    return undefined;
  }
}

/** The options as the parser takes them. */
function parserOptions(options: Usage['options']): parse.Options {
  const all = Object.entries(options);
  const pick = <Value>(value: (option: Options) => Value | undefined): { [name: string]: Value } =>
    Object.fromEntries(
      all.flatMap(([name, option]) => {
        const picked = value(option);
        return picked === undefined ? [] : [[name, picked]];
      }),
    );
  return {
    alias: pick(({ alias }) => (alias === undefined ? undefined : [alias].flat())),
    boolean: switchesOf(options),
    string: all.flatMap(([name, { type }]) => (type === 'string' ? name : [])),
    default: pick((option) => option.default),
    // As yargs tells its parser of an option that takes at least one word.
    narg: pick(({ nargs, requiresArg }) => nargs ?? (requiresArg ? Number.NaN : undefined)),
  };
}

function isChoice(value: unknown, { choices }: Options): boolean {
  return value === undefined || choices === undefined || [value].flat().every((one) => choices.includes(one as string));
}

/** The words that are no options, by name; undefined for too few, too many, and those that yargs reads in a way of its own. */
function place({ command, positionals }: Usage, words: readonly string[]): { [name: string]: string } | undefined {
  const names = Object.keys(positionals);
  const needed = command.match(/</g)?.length ?? 0;
  if (words.length < needed || words.length > names.length) return undefined;
  if (words.some((word) => word === '' || word.startsWith('-'))) return undefined;
  const placed = words.map((word, i) => [names[i] as string, word] as const);
  if (placed.some(([name, word]) => !isChoice(word, positionals[name] as Options))) return undefined;
  return Object.fromEntries(placed);
}
