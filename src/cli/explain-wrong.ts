import { messages } from '../errors/messages';
import { nearestOption } from '../specs/nearest-option';
import { USAGES, wordOf } from './usage/all';
import { COMMON_OPTIONS, type Option, type Usage } from './usage/usage';
import { optionOf } from './words-of-line';

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
    const meant = /^Did you mean (.*)\?$/.exec(message)?.[1];
    const wrong = words.slice(0, USAGES.some(({ command }) => wordOf(command) === words[0]) ? 2 : 1).join(' ');
    return messages.usage(meant === undefined ? message : `there is no command ${wrong}; did you mean ${meant}?`, HELP);
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

function explainOption({ words, usage, name }: Wrong): Explanation | undefined {
  const known = ['help', 'version', ...Object.entries(optionsOf(usage)).flatMap(namesOf)];
  const wrong = optionsIn(words).find(
    (option) => !known.includes(isLetter(option) ? option.slice(1) : optionOf(option)),
  );
  if (wrong === undefined) return undefined;
  const all = [...Object.keys(usage.options), ...usage.common];
  const advice = isLetter(wrong) ? `there are: ${all.join(', ')}` : nearestOption(wrong.slice(2), all);
  return { problem: `${name} has no option ${wrong}; ${advice.replace(/^did you mean /, '$&--')}` };
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
  return { problem, hint: lacksOut ? 'write -o before the name of the result' : undefined };
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
