import { createHash } from 'node:crypto';
import { PLAN_IMAGE } from '../frames/image-kinds';
import { encodePlan } from '../plan/encode-plan';
import type { Plan } from '../plan/plan';
import { membersByName } from '../storage/by-name';
import type { MembersByName, Source } from '../storage/source';

const PIECE_BYTES = 1 << 18;

/**
 * Where the images that a plan says a rewrite changed are not those before and after it: lines that say so. With
 * none, all that differs in them is what that rewrite wrote.
 */
export async function checkDigests(plan: Plan, before: Source, after: Source): Promise<string[]> {
  const problems: string[] = [];
  const [old, fresh] = [membersByName(before), membersByName(after)];
  try {
    for (const image of plan.images) {
      if (!(await hasDigest(old, image.name, image.before))) {
        problems.push(`${image.name} of ${before.label}: not what the plan was made from (its SHA-256 is another one)`);
      }
      if (!(await hasDigest(fresh, image.name, image.after))) {
        problems.push(`${image.name} of ${after.label}: not what the rewrite wrote (its SHA-256 is another one)`);
      }
    }
    const own = createHash('sha256').update(encodePlan(plan)).digest();
    if (!(await hasDigest(fresh, PLAN_IMAGE, own))) {
      problems.push(`${PLAN_IMAGE} of ${after.label}: not the plan that was given, which the executor would read`);
    }
  } finally {
    await old.close();
    await fresh.close();
  }
  return problems;
}

async function hasDigest(members: MembersByName, name: string, digest: Buffer): Promise<boolean> {
  const member = await members.member(name);
  if (member === undefined) return false;
  try {
    const reader = await member.open();
    try {
      const hash = createHash('sha256');
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (let got = 1; got > 0; ) {
        got = await reader.read(piece, 0, PIECE_BYTES);
        hash.update(piece.subarray(0, got));
      }
      return hash.digest().equals(digest);
    } finally {
      await reader.close();
    }
  } finally {
    await members.release(member);
  }
}
