import { messages } from '../errors/messages';

/** Options that are there or not. */
const SWITCHES = new Set([
  'allow-unmatched',
  'color',
  'drop-in-flight',
  'dry-run',
  'external',
  'fail-fast',
  'from-descriptors',
  'help',
  'in-place',
  'json',
  'nopl',
  'payload',
  'pretty',
  'quiet',
  'resume',
  'version',
]);

/** Stands for - where it is no value of an option: yargs makes an empty word of that. It is also what it means. */
export const STANDARD_STREAM_WORD = '/dev/stdin';

/**
 * The words of the command line as yargs takes them the way they are meant: after -- they are names, whatever they
 * begin with; - is a word; a switch has no value but true and false. Throws FdgraftError (USAGE).
 */
export function prepareWords(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  const options = end === -1 ? words : words.slice(0, end);
  const names = end === -1 ? [] : words.slice(end + 1);
  for (const word of options) refuseValueOfSwitch(word);
  return [
    ...options.map((word, i) => (word === '-' && !takesValue(options[i - 1]) ? STANDARD_STREAM_WORD : word)),
    // All such words are paths.
    ...names.map((word) => (word === '-' ? STANDARD_STREAM_WORD : word.startsWith('-') ? `./${word}` : word)),
  ];
}

function refuseValueOfSwitch(word: string): void {
  const [, name = '', value] = /^--(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? [];
  if (!SWITCHES.has(name) || value === 'true' || value === 'false') return;
  throw messages.usage(`--${name} takes no value, or true or false`, `write --${name}`);
}

/** Whether the word before is an option that takes the next one. */
function takesValue(word: string | undefined): boolean {
  if (word === undefined || !/^-./.test(word) || word.includes('=')) return false;
  return !SWITCHES.has(word.replace(/^--(no-)?/, ''));
}
