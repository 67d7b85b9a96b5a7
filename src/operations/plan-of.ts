import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan } from '../plan/plan';
import { readPlan } from '../plan/read-plan';
import { membersByName } from '../storage/by-name';
import { openFile } from '../storage/single-file';
import type { Source } from '../storage/source';

/** The plan in a folder that a rewrite made; undefined where there is none. Throws FdgraftError. */
export async function planIn(source: Source): Promise<Plan | undefined> {
  const members = membersByName(source);
  try {
    const member = await members.member(PLAN_IMAGE);
    if (member === undefined) return undefined;
    const reader = await member.open();
    try {
      return await readPlan(reader, PLAN_IMAGE);
    } finally {
      await reader.close();
      await members.release(member);
    }
  } finally {
    await members.close();
  }
}

/** The plan at a path: an inherit-plan.img, or a folder that has one. Throws FdgraftError. */
export async function readPlanOf(file: string): Promise<Plan> {
  const isFolder = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  const image = isFolder ? path.join(file, PLAN_IMAGE) : file;
  if (!fs.existsSync(image))
    throw messages.noPlan(file, isFolder ? `there is no ${PLAN_IMAGE} in it` : 'it does not exist');
  const reader = openFile(image);
  try {
    return await readPlan(reader, image);
  } finally {
    await reader.close();
  }
}
