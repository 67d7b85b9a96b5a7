import { addTo, pushTo } from '../bytes/groups';
import { readPathless } from '../checkpoint/describe-entry';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import type { FileEntryView } from '../checkpoint/file-entry';
import { terminalKey } from '../checkpoint/key-text';
import { roleOf } from '../checkpoint/terminal-type';
import { walk } from '../checkpoint/walk/walk';
import { decode } from '../schema/decode';
import { FD_TYPES, TTY_INFO_ENTRY, type TtyFileEntry } from '../schema/generated/images';
import type { InheritSpec, Key } from '../specs/spec';
import type { Source } from '../storage/source';

export interface ResolvedTerminals {
  /** Numbers of the specs that name a terminal by its device or as /dev/tty, by its number in tty-info.img; ascending. */
  readonly terminals: ReadonlyMap<number, readonly number[]>;
  /** The terminals that are /dev/tty: what is open on them follows the session. Empty where no spec has that path. */
  readonly currentTerminals: ReadonlySet<number>;
  /** File ids of the regular entries that hold the paths of `terminals`. */
  readonly terminalPaths: ReadonlySet<number>;
}

const NOTHING: ResolvedTerminals = { terminals: new Map(), currentTerminals: new Set(), terminalPaths: new Set() };
const TERMINALS: ReadonlySet<number> = new Set([FD_TYPES.TTY]);
const CURRENT_PATH = 'dev/tty';

/** True where a key names the terminals of the sessions that have /dev/tty open. */
export function isCurrentTerminal(key: Key): boolean {
  return key.kind === 'path' && key.path.toString('latin1') === CURRENT_PATH;
}

/**
 * Finds out which terminals the keys tty[RDEV:DEV] and /dev/tty mean, the latter being the terminals of the sessions that
 * have it open. No pass where no spec has such a key. Throws FdgraftError.
 */
export async function resolveTerminals(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ResolvedTerminals> {
  const byKey = new Map<string, number[]>();
  const current: number[] = [];
  specs.forEach(({ key }, number) => {
    if (key.kind === 'terminal') pushTo(byKey, terminalKey(key.rdev, key.dev), number);
    else if (isCurrentTerminal(key)) current.push(number);
  });
  if (byKey.size + current.length === 0) return NOTHING;
  const { terminals, currentTerminals } = await findTerminals(source, byKey, current, signal);
  return { terminals, currentTerminals, terminalPaths: await findPaths(source, terminals, signal) };
}

async function findTerminals(
  source: Source,
  byKey: ReadonlyMap<string, readonly number[]>,
  current: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Omit<ResolvedTerminals, 'terminalPaths'>> {
  const numbers = new Map<number, Set<number>>();
  const currentTerminals = new Set<number>();
  const currentSessions = new Set<number>();
  const slaves: { id: number; session: number }[] = [];
  const add = (id: number, named: readonly number[]) => {
    for (const number of named) addTo(numbers, id, number);
  };
  const images = new ImagesByName(source, signal);
  try {
    for await (const batch of images.batches('tty-info.img')) {
      batch.each((bytes, start, end) => {
        const info = decode(TTY_INFO_ENTRY, bytes, start, end);
        const { id, rdev, dev, sid: session } = info;
        add(id, byKey.get(terminalKey(rdev, dev ?? 0)) ?? []);
        const role = roleOf(info);
        if (current.length === 0 || session === 0) return;
        if (role === 'slave') slaves.push({ id, session });
        if (role !== 'current') return;
        currentTerminals.add(id);
        currentSessions.add(session);
      });
    }
  } finally {
    await images.close();
  }
  for (const { id, session } of slaves) if (currentSessions.has(session)) add(id, current);
  const terminals = new Map([...numbers].map(([id, named]) => [id, [...named].sort((a, b) => a - b)]));
  return { terminals, currentTerminals };
}

async function findPaths(
  source: Source,
  terminals: ReadonlyMap<number, readonly number[]>,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const paths = new Set<number>();
  if (terminals.size === 0) return paths;
  const entry = (view: FileEntryView) => {
    const pathless = readPathless(view);
    if (pathless === undefined) return;
    const { tty_info_id } = pathless.decoded as TtyFileEntry;
    if (terminals.has(tty_info_id)) paths.add(pathless.pathId);
  };
  await walk(source, [{ entryTypes: TERMINALS, entry }], signal);
  return paths;
}
