import { unescapeText } from '../bytes/escape';
import { shellWord } from '../bytes/shell-word';
import { isPathKey, splitDirectorySlash, withoutLeadingSlash } from '../checkpoint/key-text';
import { listEntries } from '../checkpoint/listing/list-entries';
import type { OpenEntry } from '../checkpoint/listing/open-entry';
import { messages } from '../errors/messages';
import { assign } from '../rewrite/assign';
import { readExternalKeys } from '../rewrite/external-keys';
import { explainUnmatched } from '../rewrite/near-misses/explain-unmatched';
import { resolveKeys } from '../rewrite/resolve-keys';
import { survey } from '../rewrite/survey';
import type { Warning } from '../rewrite/warning';
import { parseInheritSpec } from '../specs/parse-spec';
import { parseSpecs } from '../specs/parse-specs';
import { type PathFilter, parsePathFilter } from '../specs/path-filter';
import type { SpecOptions } from '../specs/spec';
import type { Source } from '../storage/source';
import { type OptionNames, requireKnownOptions, requireSource } from './check-arguments';

/** Options of `inspect`. */
export interface InspectOptions {
  /** Only what these specs would take, with the fds that it would come from. */
  readonly specs?: readonly (string | SpecOptions)[];
  /** Only regular files, devices and FIFOs of this path, or of this glob. */
  readonly path?: string;
  /** Only what comes from outside: pipes with a missing end, external files. */
  readonly external?: boolean;
  readonly signal?: AbortSignal;
  readonly onWarning?: (warning: Warning) => void;
}

/** An open file description, with what the specs give it. */
export interface ListedEntry extends OpenEntry {
  /** The caller's fds that the specs give it, one for each that takes some of its descriptors; empty without specs. */
  readonly callerFds: readonly number[];
}

/** Of `inspectBlocks`. */
const OPTIONS: OptionNames<InspectOptions> = {
  specs: true,
  path: true,
  external: true,
  signal: true,
  onWarning: true,
};

/**
 * The open file descriptions of a checkpoint that a descriptor or an SCM right refers to, ascending by file id, as they
 * are read: a million of them need no more memory than their numbers. Throws FdgraftError; SPEC_UNMATCHED, with exit
 * code 1, comes after the last entry.
 */
export async function* inspect(
  source: Source,
  options: InspectOptions = {},
): AsyncGenerator<ListedEntry, void, undefined> {
  for await (const block of inspectBlocks(source, options)) yield* block;
}

/** The same in blocks of some entries, none of them empty. */
export async function* inspectBlocks(
  source: Source,
  options: InspectOptions = {},
): AsyncGenerator<readonly ListedEntry[], void, undefined> {
  requireSource(source);
  requireKnownOptions(options, OPTIONS);
  const { signal, external, onWarning } = options;
  const isNamed = options.path === undefined ? undefined : parsePathFilter(options.path);
  const taken = options.specs === undefined ? undefined : await findTaken(source, options.specs, signal);
  const blocks = listEntries(source, signal, ({ layout, tasks, taskImages }) => {
    const reason = layout.whyNotRestored;
    if (reason === undefined) {
      for (const warning of taskImages.missing(tasks)) onWarning?.(warning);
      return;
    }
    onWarning?.({
      code: 'LAYOUT_NOT_RESTORED',
      message: `this checkpoint ${reason}: no CRIU from 3.17 on restores it`,
    });
  });
  const isWanted = (entry: OpenEntry) =>
    (taken === undefined || taken.callerFds.has(entry.id)) &&
    (external !== true || entry.isExternal) &&
    (isNamed === undefined || hasPath(entry, isNamed));
  for await (const entries of blocks) {
    const block: ListedEntry[] = [];
    for (const entry of entries) {
      if (isWanted(entry)) block.push(Object.assign(entry, { callerFds: taken?.callerFds.get(entry.id) ?? NO_FDS }));
    }
    if (block.length > 0) yield block;
  }
  const error = await taken?.explain();
  if (error !== undefined) throw error;
}

const NO_FDS: readonly number[] = [];

/** Whether the path of an entry is one that the filter names. */
function hasPath({ facts }: OpenEntry, isNamed: PathFilter): boolean {
  if (facts === undefined || facts.isExternal === true || facts.nameBytes !== undefined) return false;
  const key = facts.path ?? facts.key;
  if (!isPathKey(key)) return false;
  const { path, isDirectory } = splitDirectorySlash(key);
  return isNamed(withoutLeadingSlash(unescapeText(path)), isDirectory);
}

/** What the specs take of each entry, by file id; and, to be asked later, what is wrong with those that take nothing. */
async function findTaken(source: Source, given: readonly (string | SpecOptions)[], signal?: AbortSignal) {
  const specs = parseSpecs(given, parseInheritSpec);
  const resolved = await resolveKeys(source, specs, signal);
  const found = await survey(source, specs, resolved, signal);
  const callerFds = new Map<number, number[]>();
  for (const { match, spec } of assign(found, specs).claims) {
    const fd = specs[spec]?.callerFd as number;
    const known = callerFds.get(match.id);
    if (known === undefined) callerFds.set(match.id, [fd]);
    else if (!known.includes(fd)) known.push(fd);
  }
  const explain = async () => {
    const matched = new Set(found.matches.flatMap((match) => match.specs));
    const unmatched = specs.flatMap((_spec, number) => (matched.has(number) ? [] : [number]));
    if (unmatched.length === 0) return undefined;
    const keys = await readExternalKeys(source, signal);
    const explained = await explainUnmatched(source, { found, specs, resolved, keys }, unmatched, signal);
    const hint = `fdgraft ls ${shellWord(source.label)} shows what can be inherited`;
    return messages.specsUnmatched(explained, hint);
  };
  return { callerFds, explain };
}
