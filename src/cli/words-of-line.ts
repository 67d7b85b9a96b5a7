import { messages } from '../errors/messages';

/** Stands for - where it is no value of an option: yargs makes an empty word of that. It is also what it means. */
export const STANDARD_STREAM_WORD = '/dev/stdin';

/**
 * The words of the command line as yargs takes them the way they are meant: after -- they are names, whatever they
 * begin with; - is a word; `switches`, options that are there or not, have no value but true and false. Throws
 * FdgraftError (USAGE).
 */
export function prepareWords(words: readonly string[], switches: readonly string[]): string[] {
  const end = words.indexOf('--');
  const options = end === -1 ? words : words.slice(0, end);
  const names = end === -1 ? [] : words.slice(end + 1);
  for (const word of options) refuseValueOfSwitch(word, switches);
  return [
    ...options.map((word, i) => (word === '-' && !takesValue(options[i - 1], switches) ? STANDARD_STREAM_WORD : word)),
    // All such words are paths.
    ...names.map((word) => (word === '-' ? STANDARD_STREAM_WORD : word.startsWith('-') ? `./${word}` : word)),
  ];
}

function refuseValueOfSwitch(word: string, switches: readonly string[]): void {
  const [, name = '', value] = /^--(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
  if (!switches.includes(name) || value === 'true' || value === 'false') return;
  throw messages.usage(`--${name} takes no value, or true or false`, `write --${name}`);
}

/** Whether the word before is an option that takes the next one. */
function takesValue(word: string | undefined, switches: readonly string[]): boolean {
  if (word === undefined || !/^-./.test(word) || word.includes('=')) return false;
  return !switches.includes(optionOf(word));
}

/** The option that a word is: yargs takes --ignoreIds for --ignore-ids, and --no-NAME for a NAME that is off. */
export function optionOf(word: string): string {
  return word.replace(/^--(no-)?/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
