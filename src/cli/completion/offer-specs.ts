import { statSync } from 'node:fs';
import { inspectBlocks } from '../../operations/inspect';
import { openSource } from '../../operations/open-source';
import { withSource } from '../../storage/with-source';
import type { Shell } from '../usage/completion';
import { type CompletedCommand, completedCommands } from './grammar';
import { type ShellWord, splitLine } from './shell-words';

/** A menu of more helps nobody. */
const MOST = 1000;
/** As in the examples of the help. */
const FIRST_FD = 5;
const OPTION = '--inherit-fd';

/**
 * The specs that can stand at the end of a line, one for each key of its SOURCE, as the scripts of the shells take them:
 * from bash come its COMP_WORDBREAKS and the line, from zsh words as they are typed, from fish words without quotes and
 * the last one as it is typed. For fish, a tab and the type of the entry follow. Empty if there is no checkpoint.
 * Throws when SOURCE cannot be read.
 */
export async function offerSpecs(shell: Shell, words: readonly string[], signal: AbortSignal): Promise<string[]> {
  const line = readWords(shell, words);
  const current = line.at(-1);
  const read = readLine(line.slice(0, -1).map(({ value }) => value));
  if (current === undefined || read === undefined) return [];
  const typed = current.value.startsWith(`${OPTION}=`) ? current.value.slice(OPTION.length + 1) : current.value;
  const { source, specs } = read;
  const stats = statSync(source);
  // A FIFO would wait for a writer.
  if (!stats.isFile() && !stats.isDirectory()) return [];
  const fd = /^fd\[(\d+)/.exec(typed)?.[1] ?? freeFd(specs);
  // The first spec of a key gets its entries.
  const named = new Set(specs.map(withoutFd));
  const keys = [...(await keysOf(source, signal))].filter(([key]) => !named.has(key));
  const offered = keys.map(([key]) => `fd[${fd}]:${key}`);
  if (shell === 'bash') return forBash(offered, current, typed);
  return shell === 'fish' ? keys.map(([, type], i) => `${offered[i]}\t${type}`) : offered;
}

function readWords(shell: Shell, words: readonly string[]): ShellWord[] {
  if (shell === 'bash') return splitLine(words[1] ?? '', words[0]);
  const last = words.length - 1;
  return words.map((word, i) =>
    shell === 'fish' && i < last
      ? ({ value: word.replace(/^~(?=\/|$)/, process.env.HOME ?? '~'), isEmpty: false, quote: '', cut: 0 } as const)
      : (splitLine(word).at(0) as ShellWord),
  );
}

/** The checkpoint of a line and its specs; undefined if there is none yet. */
function readLine(words: readonly string[]): { source: string; specs: string[] } | undefined {
  const command = completedCommands().find((one) => one.words.every((word, i) => words[i + 1] === word));
  if (command === undefined) return undefined;
  const { places, values } = readArguments(command, words.slice(command.words.length + 1));
  const specs = values.flatMap(([name, value]) => (name === OPTION ? [value] : []));
  if (command.words[0] !== 'restore') return places[0] === undefined ? undefined : { source: places[0], specs };
  const directory = values.findLast(([name]) => name === '-D' || name === '--images-dir');
  return { source: directory?.[1] ?? '.', specs };
}

function readArguments({ options }: CompletedCommand, words: readonly string[]) {
  const valued = new Set(options.flatMap(({ names, value }) => (value === undefined || value.isOptional ? [] : names)));
  const places: string[] = [];
  const values: [name: string, value: string][] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    if (name !== undefined && value !== undefined) values.push([name, value]);
    else if (valued.has(word)) {
      at += 1;
      values.push([word, words[at] ?? '']);
    } else if (!word.startsWith('-')) places.push(word);
  }
  return { places, values };
}

function freeFd(specs: readonly string[]): number {
  const taken = new Set(specs.map((spec) => Number(/^\w+\[(\d+)\]/.exec(spec)?.[1])));
  let fd = FIRST_FD;
  while (taken.has(fd)) fd += 1;
  return fd;
}

const withoutFd = (spec: string) => spec.replace(/^\w+\[\d+\]:/, '');

/** Each key with the type of its first entry, without keys that have bytes which no terminal is to get. */
async function keysOf(place: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  await withSource(await openSource(place, { signal }), async (source) => {
    for await (const block of inspectBlocks(source, { signal })) {
      for (const { facts, type } of block)
        if (facts !== undefined && isPlain(facts.key) && !keys.has(facts.key)) keys.set(facts.key, type);
      if (keys.size >= MOST) return;
    }
  });
  return keys;
}

/** Keys are escaped: a byte that is none of printable text stands as \xHH. */
function isPlain(key: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]|\\x(?![2-6][0-9a-f]|7[0-9a-e])/u.test(key);
}

/** The new end of the line, quoted in the way in which the old one begins. */
function forBash(specs: readonly string[], current: ShellWord, typed: string): string[] {
  const before = current.value.length - typed.length;
  const cut = Math.max(0, current.cut - before);
  return specs
    .filter((spec) => spec.startsWith(typed))
    .flatMap((spec) => {
      const rest = spec.slice(cut);
      if (current.quote === "'") return beforeClosing(rest, "'", inSingle);
      // In double quotes nothing keeps bash from the history.
      if (current.quote === '"') return rest.includes('!') ? [] : beforeClosing(rest, '"', inDouble);
      if (typed === '') return `'${inSingle(rest)}'`;
      return rest.replace(/[^\w@%+=:,./\u0080-\uffff-]/g, '\\$&');
    });
}

const inSingle = (text: string) => text.replaceAll("'", "'\\''");
const inDouble = (text: string) => text.replace(/[$`"\\]/g, '\\$&');

/** readline closes the quote, unless the text ends with that very character: then it is closed here. */
function beforeClosing(text: string, quote: string, inside: (text: string) => string): string {
  return text.endsWith(quote) ? `${inside(text.slice(0, -1))}${quote}\\${quote}` : inside(text);
}
