import fs from 'node:fs';
import path from 'node:path';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import type { Plan } from '../plan/plan';
import { planChunks } from '../plan/plan-json';
import { type FileAccess, modeLike } from '../storage/file-mode';
import { createFile } from '../storage/single-file';
import type { Source } from '../storage/source';
import { isWrittenInto } from '../storage/written-into';

/** Refuses, before anything is made, a place for the plan that belongs to the source or to OUT. */
export async function checkSavePlan(
  source: Source,
  { savePlan, out }: { readonly savePlan?: string; readonly out?: string },
): Promise<void> {
  if (savePlan === undefined) return;
  await fs.promises.realpath(path.dirname(savePlan)).catch((error) => {
    throw messages.systemError(error, savePlan);
  });
  const { directory, archive } = source;
  if (directory !== undefined && isWrittenInto(savePlan, directory)) throw messages.planInsideSource(savePlan);
  if (archive !== undefined && isWrittenInto(savePlan, archive.path)) throw messages.planIsSource(savePlan);
  if (out !== undefined && path.resolve(out) === path.resolve(savePlan)) throw messages.planIsOut(savePlan);
  const target = await fs.promises.stat(savePlan).catch(() => undefined);
  if (target?.isDirectory()) throw messages.planIsDirectory(savePlan);
}

/** Saves the plan where the rest succeeds, and only there. Nobody may read it who may not read all `sources`. */
export async function withSavedPlan(
  plan: Plan,
  file: string | undefined,
  sources: readonly FileAccess[],
  commit: () => Promise<void>,
): Promise<void> {
  if (file === undefined) return commit();
  const [there, behind] = [
    await fs.promises.lstat(file).catch(() => undefined),
    await fs.promises.stat(file).catch(() => undefined),
  ];
  if (there !== undefined && behind?.isFile() !== true) {
    // A device, a FIFO or a link to what is not there stays what it is: the plan goes through it.
    const write = () => fs.promises.writeFile(file, planChunks(plan), { mode: modeLike(sources, path.dirname(file)) });
    return commitBoth(commit, () =>
      write().catch((error) => {
        throw messages.systemError(error, file);
      }),
    );
  }
  const saved = createFile(file, { sources });
  try {
    for (const chunk of planChunks(plan)) await saved.write(Buffer.from(chunk));
    await commitBoth(commit, () => saved.commit());
  } finally {
    await saved.abort();
  }
}

/** OUT that is there and could not be flushed has its plan all the same. */
async function commitBoth(commit: () => Promise<void>, save: () => Promise<void>): Promise<void> {
  let late: FdgraftError | undefined;
  try {
    await commit();
  } catch (error) {
    if (!(error instanceof FdgraftError) || error.code !== 'OUT_NOT_FLUSHED') throw error;
    late = error;
  }
  await save();
  if (late !== undefined) throw late;
}
