import { FdgraftError } from '../errors/fdgraft-error';
import type { ListedEntry } from '../operations/inspect';

/** Writes a list, entry by entry. */
export interface ListReport {
  begin?(): string;
  /** In chunks: an entry can have millions of descriptors. */
  entry(entry: ListedEntry): Iterable<string>;
  end(): string;
  /** What the list leaves out, and the like: a line each. */
  remarks?(): string[];
}

/** Bold where something shows it. */
type Emphasize = (text: string) => string;

export async function createListReport(isJson: boolean, emphasize: Emphasize = (text) => text): Promise<ListReport> {
  if (isJson) return new (await import('./ls-json')).LsJson();
  return new (await import('./ls-text')).LsText(emphasize);
}

/** What is written at once, in characters. */
const CHUNK = 1 << 14;

export interface WrittenList {
  /** False where nobody read on. */
  readonly isWhole: boolean;
  /** No entry was in it. */
  readonly isEmpty: boolean;
  /** What is wrong with specs that take nothing: that is known when all is listed. */
  readonly unmatched?: FdgraftError;
}

/**
 * Writes a list as it is read. `write` says whether anyone reads on. Throws what `blocks` throws, but for specs
 * without a match: any other error leaves the list as unfinished as it is.
 */
export async function writeList(
  blocks: AsyncIterable<readonly ListedEntry[]>,
  report: ListReport,
  write: (text: string) => Promise<boolean>,
): Promise<WrittenList> {
  let text = report.begin?.() ?? '';
  let isEmpty = true;
  let unmatched: FdgraftError | undefined;
  try {
    for await (const block of blocks) {
      for (const entry of block) {
        isEmpty = false;
        for (const chunk of report.entry(entry)) {
          text += chunk;
          if (text.length < CHUNK) continue;
          if (!(await write(text))) return { isWhole: false, isEmpty };
          text = '';
        }
      }
    }
  } catch (error) {
    if (!(error instanceof FdgraftError && error.code === 'SPEC_UNMATCHED')) throw error;
    unmatched = error;
  }
  text += report.end();
  if (text !== '') await write(text);
  return { isWhole: true, isEmpty, ...(unmatched === undefined ? {} : { unmatched }) };
}
