import { nearest } from '../json/nearest';

/** Advice for a name that is no option: the one that was meant, if one comes close, else all. */
export function nearestOption(name: string, options: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, '');
  const near = options.find((option) => plain(option) === plain(name)) ?? nearest(name, options);
  return near === undefined ? `there are: ${options.join(', ')}` : `did you mean ${near}?`;
}
