import { shellWord } from '../bytes/shell-word';
import { messages } from '../errors/messages';
import { optionMeant } from '../specs/nearest-option';
import { USAGES, wordOf } from './usage/all';
import { BATCH_USAGE } from './usage/batch';
import { COMMON_OPTIONS, type Option, type Usage } from './usage/usage';
import { optionOf } from './words-of-line';

/** Letters of other programs, criu among them. */
const OF_OTHERS: { readonly [letter: string]: string } = { '-h': 'help', '-v': 'version', '-V': 'version' };
/** The image directory, as criu has it. */
const IMAGES_OPTIONS: readonly string[] = ['-D', '--images-dir'];

const HELP = 'fdgraft --help and fdgraft COMMAND --help say what there is';

/** A line for one command, and what yargs has against it. */
interface Wrong {
  readonly words: readonly string[];
  readonly usage: Usage;
  /** The command's words. */
  readonly name: string;
  readonly message: string;
}

interface Explanation {
  readonly problem: string;
  /** Besides the command's help. */
  readonly hint?: string | undefined;
}

/**
 * In order: a wrong option may have taken the word that yargs misses. Each but that of options knows one message of
 * yargs.
 */
const EXPLAINERS: readonly ((wrong: Wrong) => Explanation | undefined)[] = [
  explainMissingValue,
  explainOption,
  explainChoice,
  explainMissingWord,
  explainExtraWord,
];

/** The error for a line that yargs refuses with `message`. */
export function explainWrong(words: readonly string[], message: string): Error {
  const found = findUsage(words);
  if (found === undefined) {
    const { problem, hint } = explainNoCommand(words, message);
    return messages.usage(problem, hint === undefined ? HELP : `${hint}; ${HELP}`);
  }
  const wrong: Wrong = { words, message, ...found };
  let explained: Explanation | undefined;
  for (const explain of EXPLAINERS) explained ??= explain(wrong);
  const help = `fdgraft ${found.name} --help lists what it takes`;
  const { problem, hint } = explained ?? { problem: message };
  return messages.usage(problem, hint === undefined ? help : `${hint}; ${help}`);
}

/** The command that the first words name, with these words. */
function findUsage([first = '', second = '']: readonly string[]): { usage: Usage; name: string } | undefined {
  const usage = USAGES.find((one) => wordOf(one.command) === first);
  if (usage === undefined || !('several' in usage)) return usage && { usage, name: first };
  const below = usage.several.find((one) => wordOf(one.command) === second);
  return below && { usage: below, name: `${first} ${second}` };
}

/** Of a line that names no command. `message`: what yargs says of it. */
function explainNoCommand(words: readonly string[], message: string): Explanation {
  const [first] = optionsIn(words);
  const word = words.find((one) => !one.startsWith('-'));
  if (first !== undefined && words[0]?.startsWith('-') && !isKnown(first, COMMON_OPTIONS)) {
    const near = nearestTo(first, ['help', 'version', ...Object.keys(COMMON_OPTIONS)]);
    const problem = `fdgraft has no option ${first}`;
    return near === undefined ? { problem, hint: 'a command comes first' } : { problem: `${problem}; ${near}` };
  }
  if (word === undefined) return { problem: message };
  if (isKnown(`--${word}`, {})) return { problem: `there is no command ${word}; did you mean --${word}?` };
  const several = USAGES.find(({ command }) => wordOf(command) === word);
  const second = words[words.indexOf(word) + 1];
  if (several !== undefined && (second === undefined || second.startsWith('-'))) return { problem: message };
  const [name, usages] =
    several !== undefined && 'several' in several ? [`${word} ${second}`, several.several] : [word, USAGES];
  const meant = /^Did you mean (.*)\?$/.exec(message)?.[1];
  const all = usages.map(({ command }) => wordOf(command)).join(', ');
  const advice = meant === undefined ? `there are: ${all}` : `did you mean ${meant}?`;
  return { problem: `there is no command ${name}; ${advice}` };
}

function explainOption({ words, usage, name }: Wrong): Explanation | undefined {
  const wrong = optionsIn(words).find((option) => !isKnown(option, optionsOf(usage)));
  if (wrong === undefined) return undefined;
  const problem = `${name} has no option ${wrong}`;
  const [place] = Object.keys(usage.positionals);
  if (IMAGES_OPTIONS.includes(wrong) && place === 'source') {
    const value = valueBehind(wrong, words);
    const line = value === undefined ? '' : `: fdgraft ${name} ${shellWord(value)}`;
    return { problem, hint: `SOURCE is a word without an option${line}` };
  }
  const all = [...Object.keys(usage.options), ...usage.common];
  const advice = nearestTo(wrong, ['help', 'version', ...all]) ?? `there are: ${all.join(', ')}`;
  return { problem: `${problem}; ${advice}` };
}

/** Advice if an option comes close to another one. */
function nearestTo(wrong: string, all: readonly string[]): string | undefined {
  const name = isLetter(wrong) ? OF_OTHERS[wrong] : optionMeant(wrong.slice(2), all);
  return name === undefined ? undefined : `did you mean --${name}?`;
}

function isKnown(option: string, options: { readonly [name: string]: Option }): boolean {
  const known = ['help', 'version', ...Object.entries(options).flatMap(namesOf)];
  return known.includes(isLetter(option) ? option.slice(1) : optionOf(option));
}

/** The value of an option that yargs does not know. */
function valueBehind(option: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word.startsWith(option));
  const [, attached] = words[at]?.split(/=(.*)/s) ?? [];
  const value = attached ?? words[at + 1];
  return value === undefined || value === '' || value.startsWith('-') ? undefined : value;
}

function explainMissingValue({ message, words, usage }: Wrong): Explanation | undefined {
  const given = /^Not enough arguments following: (\S+)$/.exec(message)?.[1];
  if (given === undefined) return undefined;
  const word = given.length === 1 ? `-${given}` : `--${given}`;
  const [name, { value = 'VALUE' }] = findOption(usage, isLetter(word) ? given : optionOf(word)) ?? [given, {}];
  const following = words[words.indexOf(word) + 1];
  const hint = following?.startsWith('-')
    ? `for one that begins with -, write --${name}=${following}`
    : `write ${word} ${value}`;
  return { problem: `${word} lacks its value, ${value}`, hint };
}

function explainChoice({ message, usage }: Wrong): Explanation | undefined {
  const [, name = '', given] = /^Invalid values: Argument: (\S+), Given: "(.*?)", Choices: /s.exec(message) ?? [];
  if (given === undefined) return undefined;
  const { choices = [] } = findOption(usage, name)?.[1] ?? usage.positionals[name] ?? {};
  const word = name in usage.positionals ? name.toUpperCase() : `--${name}`;
  return { problem: `${word} cannot be ${given}; there are: ${choices.join(', ')}` };
}

function explainMissingWord({ message, usage }: Wrong): Explanation | undefined {
  const got = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  const missing = got === undefined ? undefined : Object.keys(usage.positionals)[Number(got)];
  return missing === undefined ? undefined : { problem: `${missing.toUpperCase()} is missing` };
}

function explainExtraWord({ message, words, usage, name }: Wrong): Explanation | undefined {
  const extra = /^Unknown arguments?: (.*)$/s.exec(message)?.[1];
  if (extra === undefined) return undefined;
  const taken = Object.keys(usage.positionals).map((one) => one.toUpperCase());
  const problem = `${name} takes ${taken.length === 0 ? 'no word' : taken.join(' and ')}, and there is more: ${extra}`;
  const lacksOut = 'out' in usage.options && !words.some((word) => /^(?:-o|--out\b)/.test(word));
  // As it comes from the shell: with brackets, or without.
  const isSpec = (word: string) => /^(?:fd|debug)(?:\[\d+\]|\d+):/.test(word);
  const hasLoneSpec = words.some((word, at) => isSpec(word) && words[at - 1] !== '--inherit-fd');
  if ('inherit-fd' in usage.options && hasLoneSpec) {
    return { problem, hint: 'write --inherit-fd before each spec' };
  }
  if (lacksOut) return { problem, hint: 'write -o before the name of the result' };
  const hasBatch = taken.length === 1 && BATCH_USAGE.several.some(({ command }) => wordOf(command) === name);
  return { problem, hint: hasBatch ? `fdgraft batch ${name} takes many` : undefined };
}

const optionsOf = (usage: Usage): { readonly [name: string]: Option } => ({ ...COMMON_OPTIONS, ...usage.options });

function findOption(usage: Usage, word: string): [name: string, option: Option] | undefined {
  return Object.entries(optionsOf(usage)).find((option) => namesOf(option).includes(word));
}

/** The name and the aliases of an option. */
function namesOf([name, { alias }]: [string, Option]): string[] {
  return [name, ...(alias === undefined ? [] : [alias].flat())];
}

const isLetter = (option: string) => option[1] !== '-';

/** Each as given, without its value; of letters behind one dash, the first. */
function optionsIn(words: readonly string[]): string[] {
  return words
    .slice(0, words.includes('--') ? words.indexOf('--') : undefined)
    .flatMap((word) => /^(?:--[a-zA-Z][\w-]*|-[a-zA-Z])/.exec(word)?.[0] ?? []);
}
