import fs, { constants } from 'node:fs';
import path from 'node:path';
import { type CriuOption, readCriuWords } from './read-words';

const SYSTEM_CONFIG = '/etc/criu/default.conf';
const USER_CONFIG = '.criu/default.conf';
/** Real ones have some ten lines; fdgraft-exec refuses larger ones. */
const MAX_CONFIG_BYTES = 1 << 20;
const MAX_CONFIG_FILES = 4;

/** The options of one file. */
export interface ConfigFile {
  readonly path: string;
  readonly options: readonly CriuOption[];
}

/**
 * The configuration files that criu reads with these words on its line, in its order: what comes later counts. criu
 * looks for --config and --no-default-config by their full names, whatever stands around them. Files that cannot be
 * read are left to criu. Throws FdgraftError (USAGE) for options that criu does not have.
 */
export function readConfigFiles(words: readonly string[], env: NodeJS.ProcessEnv = process.env): ConfigFile[] {
  let named: string | undefined;
  let hasDefaults = true;
  for (const [i, word] of words.entries()) {
    if (word === '--no-default-config') hasDefaults = false;
    if (word === '--config') named = words[i + 1] ?? named;
    else if (word.startsWith('--config=')) named = word.slice('--config='.length);
  }
  const home = env.HOME === undefined ? [] : [path.join(env.HOME, USER_CONFIG)];
  const files = [
    ...(hasDefaults && named === undefined ? [SYSTEM_CONFIG, ...home] : []),
    ...(env.CRIU_CONFIG_FILE === undefined ? [] : [env.CRIU_CONFIG_FILE]),
    ...(named === undefined ? [] : [named]),
  ];
  return files.slice(0, MAX_CONFIG_FILES).flatMap((file) => {
    const text = read(file);
    return text === undefined ? [] : [{ path: file, options: readCriuWords(wordsOfConfig(text), file).options }];
  });
}

/** Undefined where it cannot be read: criu says so. A pipe must not be emptied before criu reads it. */
function read(file: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fs.fstatSync(fd);
    if (!stats.isFile() || stats.size > MAX_CONFIG_BYTES) return undefined;
    const bytes = Buffer.alloc(MAX_CONFIG_BYTES);
    return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * The words of a configuration file, as criu makes them (parse_statement): the first word of a line is a long option
 * without its dashes; quotes keep white space together, with \" for a quote; # begins a comment.
 */
export function wordsOfConfig(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const words = [...line.matchAll(/"((?:\\"|[^"])*)"|(\S+)/g)].map(([, quoted, plain]) => ({
      text: quoted?.replaceAll('\\"', '"') ?? (plain as string),
      isPlain: quoted === undefined,
    }));
    const comment = words.findIndex((word) => word.isPlain && word.text.startsWith('#'));
    const kept = (comment === -1 ? words : words.slice(0, comment)).map((word) => word.text);
    return kept.map((word, i) => (i === 0 ? `--${word}` : word));
  });
}
