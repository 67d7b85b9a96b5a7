import path from 'node:path';
import { messages } from '../../errors/messages';
import { readConfigFiles } from './config-files';
import { type CriuLine, type CriuOption, type OwnOptions, readCriuWords } from './read-words';

/** Options of `fdgraft restore` that criu does not have; docs/RESTORE.md and help describe them. */
const OWN_OPTIONS: OwnOptions = new Map([
  ['specs', 'required'],
  ['from-descriptors', 'none'],
  ['allow-unmatched', 'none'],
  ['drop-in-flight', 'none'],
  ['plugins', 'required'],
  ['pty', 'optional'],
  ['quiet', 'none'],
  ['color', 'none'],
  ['no-color', 'none'],
]);

/** The meaning of a line of `fdgraft restore`. */
export interface RestoreLine {
  /** The image directory. */
  readonly images: string;
  /** True where a work directory is set: by an option, or in a configuration file. */
  readonly hasWorkDir: boolean;
  /** criu writes its messages there, and none to stderr. */
  readonly logFile: string | undefined;
  /** Names of the options that criu has in the end, on its line or from a configuration file. */
  readonly switches: ReadonlySet<string>;
  /** Specs of --inherit-fd, as given. */
  readonly specs: readonly string[];
  /** Directory with plugins of criu: -L, or --plugins. */
  readonly plugins: string | undefined;
  /** The words of --pty for fdgraft-exec; empty without it. */
  readonly pty: readonly string[];
  readonly specFile: string | undefined;
  readonly fromDescriptors: boolean;
  readonly allowUnmatched: boolean;
  readonly dropInFlight: boolean;
  readonly isQuiet: boolean;
  /** A command of the user's takes the place of criu after the restore. */
  readonly hasCommand: boolean;
  /** The words that criu gets as they are. */
  readonly rest: readonly string[];
  /** The words behind them, with `--`. */
  readonly behind: readonly string[];
}

/** Options that are not passed on as they were given. */
const TAKEN = new Set(['images-dir', 'inherit-fd', 'libdir', ...OWN_OPTIONS.keys()]);

/** Messages begin with fdgraft. */
const LINE = 'restore';

/** Reads the words behind `restore`. Throws FdgraftError (USAGE). */
export function readRestoreLine(words: readonly string[]): RestoreLine {
  const broken = words.find((word) => word.includes('\ufffd'));
  if (broken !== undefined) throw messages.wordIsNoText(broken);
  const line = readCriuWords(words, LINE, OWN_OPTIONS);
  const configs = readConfigFiles(words);
  const given = [
    ...configs.map(({ path, options }) => ({ where: path, options })),
    { where: LINE, options: line.options },
  ];
  refuseSwitch(given, 'restore-sibling', messages.restoreSibling);
  refuseSwitch(given, 'stream', messages.restoreStream);
  const all = given.flatMap(({ options }) => options);
  const [operand] = line.operands;
  if (operand !== undefined && lastOf(all, 'images-dir') === undefined) throw messages.restoreTakesOption(operand);
  if (has(line.options, 'help') || has(line.options, 'version')) throw messages.criuHelp();
  const images = lastOf(all, 'images-dir') ?? '.';
  const [workDir, logFile] = [lastOf(all, 'work-dir'), lastOf(all, 'log-file')];
  return {
    images,
    hasWorkDir: workDir !== undefined,
    // criu takes - for its stdout.
    logFile: logFile === undefined || logFile === '-' ? undefined : path.resolve(workDir ?? images, logFile),
    switches: switchesOf(all),
    specs: valuesOf(line.options, 'inherit-fd'),
    plugins: pluginsOf(line.options),
    pty: ptyOf(line.options),
    specFile: onlyOf(line.options, 'specs'),
    fromDescriptors: has(line.options, 'from-descriptors'),
    allowUnmatched: has(line.options, 'allow-unmatched'),
    dropInFlight: has(line.options, 'drop-in-flight'),
    isQuiet: has(line.options, 'quiet'),
    hasCommand: has(all, 'exec-cmd'),
    rest: passedOn(line),
    behind: line.behind === undefined ? [] : ['--', ...line.behind],
  };
}

/** The words of options that stay with criu, and those that are no options, about which criu has something to say. */
function passedOn({ options, operands }: CriuLine): string[] {
  return [...options.filter(({ name }) => !TAKEN.has(name)).flatMap(({ words }) => words), ...operands];
}

interface Given {
  readonly where: string;
  readonly options: readonly CriuOption[];
}

/** Refuses an option that is on at the end: the last of NAME and no-NAME counts. */
function refuseSwitch(given: readonly Given[], name: string, message: (where: string) => Error): void {
  let place: string | undefined;
  for (const { where, options } of given) {
    for (const option of options) {
      if (option.name === name) place = where;
      else if (option.name === `no-${name}`) place = undefined;
    }
  }
  if (place !== undefined) throw message(place);
}

/** The last of NAME and no-NAME counts. */
function switchesOf(options: readonly CriuOption[]): Set<string> {
  const on = new Set<string>();
  for (const { name } of options) {
    if (name.startsWith('no-')) on.delete(name.slice('no-'.length));
    else on.add(name);
  }
  return on;
}

function has(options: readonly CriuOption[], name: string): boolean {
  return options.some((option) => option.name === name);
}

function valuesOf(options: readonly CriuOption[], name: string): string[] {
  return options.flatMap((option) => (option.name === name ? (option.value ?? []) : []));
}

/** criu takes the last one. */
function lastOf(options: readonly CriuOption[], name: string): string | undefined {
  return valuesOf(options, name).at(-1);
}

function onlyOf(options: readonly CriuOption[], name: string): string | undefined {
  const values = valuesOf(options, name);
  if (values.length > 1) throw messages.usage(`--${name} was given ${values.length} times`, 'give it once');
  if (values[0] === '')
    throw messages.usage(`--${name} has an empty value`, `write --${name} and a value, or leave it out`);
  return values[0];
}

/** criu would load plugins from the directory of -L alone: fdgraft-exec brings these along. */
function pluginsOf(options: readonly CriuOption[]): string | undefined {
  const [own, criu] = [onlyOf(options, 'plugins'), lastOf(options, 'libdir')];
  if (own !== undefined && criu !== undefined) {
    throw messages.usage('--plugins and -L were given both', 'give one of them: they mean the same here');
  }
  return own ?? criu;
}

function ptyOf(options: readonly CriuOption[]): string[] {
  const [first, ...others] = options.filter(({ name }) => name === 'pty');
  if (first === undefined) return [];
  if (others.length > 0) throw messages.usage(`--pty was given ${others.length + 1} times`, 'give it once');
  if (first.value === '') throw messages.usage('--pty= has no path', 'write --pty, or --pty=SOCKET');
  return [first.value === undefined ? '--pty' : `--pty=${first.value}`];
}
