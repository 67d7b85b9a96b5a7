import { readPathless } from '../checkpoint/describe-entry';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { terminalKey } from '../checkpoint/key-text';
import { pushTo } from '../checkpoint/push-to';
import { walk } from '../checkpoint/walk/walk';
import { decode } from '../schema/decode';
import { FD_TYPES, TTY_INFO_ENTRY, type TtyFileEntry } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';

export interface ResolvedTerminals {
  /** Numbers of the specs that name a terminal by its device, by the number of the terminal in tty-info.img; ascending. */
  readonly terminals: ReadonlyMap<number, readonly number[]>;
  /** File ids of the regular entries that hold the paths of such terminals. */
  readonly terminalPaths: ReadonlySet<number>;
}

const NOTHING: ResolvedTerminals = { terminals: new Map(), terminalPaths: new Set() };
const TERMINALS: ReadonlySet<number> = new Set([FD_TYPES.TTY]);

/** Finds out which terminals the keys tty[RDEV:DEV] mean. No pass where no spec has such a key. Throws FdgraftError. */
export async function resolveTerminals(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ResolvedTerminals> {
  const byKey = new Map<string, number[]>();
  specs.forEach(({ key }, number) => {
    if (key.kind === 'terminal') pushTo(byKey, terminalKey(key.rdev, key.dev), number);
  });
  if (byKey.size === 0) return NOTHING;
  const terminals = await findTerminals(source, byKey, signal);
  const terminalPaths = new Set<number>();
  const paths = {
    entryTypes: TERMINALS,
    entry: (view: Parameters<typeof readPathless>[0]) => {
      const pathless = readPathless(view);
      const { tty_info_id: id } = (pathless?.decoded ?? {}) as Partial<TtyFileEntry>;
      if (pathless !== undefined && id !== undefined && terminals.has(id)) terminalPaths.add(pathless.pathId);
    },
  };
  if (terminals.size > 0) await walk(source, [paths], signal);
  return { terminals, terminalPaths };
}

async function findTerminals(
  source: Source,
  byKey: ReadonlyMap<string, readonly number[]>,
  signal: AbortSignal | undefined,
): Promise<Map<number, number[]>> {
  const terminals = new Map<number, number[]>();
  const images = new ImagesByName(source, signal);
  try {
    for await (const batch of images.batches('tty-info.img')) {
      batch.each((bytes, start, end) => {
        const { id, rdev, dev } = decode(TTY_INFO_ENTRY, bytes, start, end);
        for (const number of byKey.get(terminalKey(rdev, dev ?? 0)) ?? []) pushTo(terminals, id, number);
      });
    }
    return terminals;
  } finally {
    await images.close();
  }
}
