import { sha256Of } from '../bytes/sha256';
import { PLAN_IMAGE } from '../frames/image-kinds';
import { encodePlan } from '../plan/encode-plan';
import type { Plan } from '../plan/plan';
import { digestMember } from '../storage/digest-member';
import type { MembersByName, Source } from '../storage/source';

/**
 * Where the images that a plan says a rewrite changed are not those before and after it: lines that say so. With
 * none, all that differs in them is what that rewrite wrote.
 */
export async function checkDigests(plan: Plan, before: Source, after: Source, signal?: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  const [old, fresh] = [before.byName(), after.byName()];
  try {
    for (const image of plan.images) {
      if ((await digestOf(old, image.name, signal)) !== image.before.toString('hex')) {
        problems.push(`${image.name} of ${before.label}: not what the plan was made from (its SHA-256 is another one)`);
      }
      if ((await digestOf(fresh, image.name, signal)) !== image.after.toString('hex')) {
        problems.push(`${image.name} of ${after.label}: not what the rewrite wrote (its SHA-256 is another one)`);
      }
    }
    const own = sha256Of(encodePlan(plan));
    if ((await digestOf(fresh, PLAN_IMAGE, signal)) !== own) {
      problems.push(`${PLAN_IMAGE} of ${after.label}: not the plan that was given, which the executor would read`);
    }
  } finally {
    await old.close();
    await fresh.close();
  }
  return problems;
}

async function digestOf(members: MembersByName, name: string, signal: AbortSignal | undefined) {
  const member = await members.member(name);
  return (await digestMember(member, signal))?.sha256;
}
