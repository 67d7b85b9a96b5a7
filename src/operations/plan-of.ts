import fs from 'node:fs';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan } from '../plan/plan';
import { readPlan } from '../plan/read-plan';
import { isArchive } from '../storage/archive/detect';
import { openDirectory } from '../storage/directory-source';
import { SeenFiles } from '../storage/seen-files';
import { openFile } from '../storage/single-file';
import type { Source } from '../storage/source';
import { withSource } from '../storage/with-source';
import { imageDirectoryIn, openSource } from './open-source';

/** The plan in what a rewrite made; undefined where there is none. Throws FdgraftError. */
export async function planIn(source: Source): Promise<Plan | undefined> {
  const members = source.byName();
  try {
    const member = await members.member(PLAN_IMAGE);
    if (member === undefined) return undefined;
    const reader = await member.open();
    try {
      return await readPlan(reader, PLAN_IMAGE);
    } finally {
      await reader.close();
    }
  } finally {
    await members.close();
  }
}

/** The plan at a path: an inherit-plan.img, or a directory or an archive that has one. Throws FdgraftError. */
export async function readPlanOf(file: string): Promise<Plan>;
/**
 * `seen`: what it was, for who has looked at it before.
 * @internal
 */
export async function readPlanOf(file: string, seen: SeenFiles): Promise<Plan>;
export async function readPlanOf(file: string, seen: SeenFiles = new SeenFiles()): Promise<Plan> {
  if (isArchive(file)) return planOf(file, await openSource(file, { seen }));
  const isDirectory = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isDirectory) return planOf(file, await openDirectory(imageDirectoryIn(file) ?? file, { seen }));
  if (!fs.existsSync(file)) throw messages.noPlan(file, 'it does not exist');
  // A pipe is what it gives.
  const isSteady = fs.statSync(file).isFile();
  const look = async () => isSteady && (await seen.seeAlone(fs.realpathSync.native(file, 'buffer'), file));
  await look();
  const reader = openFile(file);
  try {
    return await readPlan(reader, file);
  } finally {
    await reader.close();
    await look();
  }
}

async function planOf(file: string, opened: Source): Promise<Plan> {
  return withSource(opened, async (source) => {
    const plan = await planIn(source);
    if (plan === undefined) throw messages.noPlan(file, `there is no ${PLAN_IMAGE} in it`);
    return plan;
  });
}
