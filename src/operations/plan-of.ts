import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan } from '../plan/plan';
import { readPlan } from '../plan/read-plan';
import { isArchive } from '../storage/archive/detect';
import { openFile } from '../storage/single-file';
import type { Source } from '../storage/source';
import { withSource } from '../storage/with-source';
import { imageFolderIn, openSource } from './open-source';

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

/** The plan at a path: an inherit-plan.img, or a folder or an archive that has one. Throws FdgraftError. */
export async function readPlanOf(file: string): Promise<Plan> {
  if (isArchive(file)) return planOfArchive(file);
  const isFolder = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  const image = isFolder ? path.join(imageFolderIn(file) ?? file, PLAN_IMAGE) : file;
  if (!fs.existsSync(image))
    throw messages.noPlan(file, isFolder ? `there is no ${PLAN_IMAGE} in it` : 'it does not exist');
  const reader = openFile(image);
  try {
    return await readPlan(reader, image);
  } finally {
    await reader.close();
  }
}

async function planOfArchive(file: string): Promise<Plan> {
  return withSource(await openSource(file), async (source) => {
    const plan = await planIn(source);
    if (plan === undefined) throw messages.noPlan(file, `there is no ${PLAN_IMAGE} in it`);
    return plan;
  });
}
