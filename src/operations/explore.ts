import { type ExploredFds, openDescriptors } from '../checkpoint/explore/descriptors';
import { FileNames } from '../checkpoint/explore/file-names';
import type { Gap } from '../checkpoint/explore/gaps';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { type ExploredMems, mappings } from '../checkpoint/explore/mappings';
import { type ExploredRss, residentPages } from '../checkpoint/explore/resident';
import { type ExploredProcess, taskTree } from '../checkpoint/explore/task-tree';
import { withNames } from '../checkpoint/explore/with-names';
import type { Source } from '../storage/source';
import { type OptionNames, requireKnownOptions, requireOneOf, requireSource } from './check-arguments';

/** What can be explored, and the rows that each is told in. */
export interface Explored {
  /** The tasks, each followed by its children. */
  ps: ExploredProcess;
  /** The open descriptors, current directory and root of each task. */
  fds: ExploredFds;
  /** The executable of each task, and what it has mapped. */
  mems: ExploredMems;
  /** The pages of each task that the dump has, with the mappings that they lie in. */
  rss: ExploredRss;
}

/** A name of what can be explored. */
export type ExploredWhat = keyof Explored;

/** Options of `explore`. */
export interface ExploreOptions {
  readonly signal?: AbortSignal;
  /** Hears of what the checkpoint does not say; the rest is told all the same. */
  readonly onWarning?: (gap: Gap) => void;
}

const WORDS: readonly ExploredWhat[] = ['ps', 'fds', 'mems', 'rss'];

/** Of `explore`. */
const OPTIONS: OptionNames<ExploreOptions> = {
  signal: true,
  onWarning: true,
};

/**
 * Tells of the tasks of a checkpoint what crit's explorers tell, in rows, as they are read: `fds`, `mems` and `rss`
 * begin each task with a row of its own. Tasks come in the order of pstree.img, but for `ps`. Memory is bounded by the
 * number of tasks and, of `rss`, by the mappings of one of them. Throws FdgraftError.
 */
export async function* explore<What extends ExploredWhat>(
  source: Source,
  what: What,
  options: ExploreOptions = {},
): AsyncGenerator<Explored[What], void, undefined> {
  requireSource(source);
  requireKnownOptions(options, OPTIONS);
  requireOneOf(what, WORDS, 'word for what is to be explored');
  const { signal, onWarning } = options;
  const images = new ImagesByName(source, signal);
  const onGap = onWarning ?? (() => {});
  const names = () => new FileNames(images, onGap);
  const explorers: { [Each in ExploredWhat]: () => AsyncGenerator<Explored[Each], void, undefined> } = {
    ps: () => taskTree(images, onGap),
    fds: () => withNames(openDescriptors(images, onGap), names()),
    mems: () => withNames(mappings(images, onGap), names()),
    rss: () => withNames(residentPages(images, onGap), names()),
  };
  try {
    yield* explorers[what]();
  } finally {
    await images.close();
  }
}
