import { messages } from '../errors/messages';
import { nearestOption } from '../specs/nearest-option';
import { USAGES, wordOf } from './usage/all';
import { COMMON_OPTIONS, type Usage } from './usage/usage';
import { optionOf } from './words-of-line';

const HELP = 'fdgraft --help and fdgraft COMMAND --help say what there is';
/** Of yargs: words that are no options are missing. */
const TOO_FEW = /^Not enough non-option arguments: got (\d+)/;

/**
 * The error for a line that yargs refuses with `message`. A wrong option comes first, since it may have taken the word
 * that yargs misses.
 */
export function explainWrong(words: readonly string[], message: string): Error {
  const found = findUsage(words);
  if (found === undefined) {
    const meant = /^Did you mean (.*)\?$/.exec(message)?.[1];
    const wrong = words.slice(0, USAGES.some(({ command }) => wordOf(command) === words[0]) ? 2 : 1).join(' ');
    return messages.usage(meant === undefined ? message : `there is no command ${wrong}; did you mean ${meant}?`, HELP);
  }
  const { usage, name } = found;
  const hint = `fdgraft ${name} --help lists what it takes`;
  const known = ['help', 'version', ...namesOf({ ...COMMON_OPTIONS, ...usage.options })];
  const wrong = optionsIn(words).find((option) => !known.includes(optionOf(`--${option}`)));
  if (wrong !== undefined) {
    const near = nearestOption(wrong, [...Object.keys(usage.options), ...usage.common]);
    return messages.usage(`${name} has no option --${wrong}; ${near.replace(/^did you mean /, '$&--')}`, hint);
  }
  const got = TOO_FEW.exec(message)?.[1];
  const missing = got === undefined ? undefined : Object.keys(usage.positionals)[Number(got)];
  return messages.usage(missing === undefined ? message : `${missing.toUpperCase()} is missing`, hint);
}

/** The command that the first words name, with these words. */
function findUsage([first = '', second = '']: readonly string[]): { usage: Usage; name: string } | undefined {
  const usage = USAGES.find((one) => wordOf(one.command) === first);
  if (usage === undefined || !('several' in usage)) return usage && { usage, name: first };
  const below = usage.several.find((one) => wordOf(one.command) === second);
  return below && { usage: below, name: `${first} ${second}` };
}

const namesOf = (options: Usage['options']) =>
  Object.entries(options).flatMap(([name, { alias }]) => [name, ...(alias === undefined ? [] : [alias].flat())]);

const optionsIn = (words: readonly string[]) =>
  words
    .slice(0, words.includes('--') ? words.indexOf('--') : undefined)
    .flatMap((word) => /^--([a-z][\w-]*)/.exec(word)?.[1] ?? []);
