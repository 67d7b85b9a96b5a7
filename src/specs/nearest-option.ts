import { nearest } from '../json/nearest';

/** Advice for a name that is no option: the one that was meant, if one comes close, else all. */
export function nearestOption(name: string, options: readonly string[]): string {
  const near = optionMeant(name, options);
  return near === undefined ? `there are: ${options.join(', ')}` : `did you mean ${near}?`;
}

/** The option that was meant, most likely; undefined if none comes close. */
export function optionMeant(name: string, options: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, '');
  const longer = options.filter((option) => isBeginning(option, name) || isBeginning(name, option));
  return (
    options.find((option) => plain(option) === plain(name)) ??
    (longer.length === 1 ? longer[0] : undefined) ??
    nearest(name, options)
  );
}

/** Whether a word is a larger part of another one than its first letters. */
function isBeginning(word: string, of: string): boolean {
  return word.length > 2 && of.startsWith(word);
}
