import type { Source, SourceMember } from '../storage/source';

/** A member of either directory, or of both. */
export interface MemberPair {
  readonly name: Buffer;
  readonly before: SourceMember | undefined;
  readonly after: SourceMember | undefined;
}

/**
 * The members of two directories by name, side by side: both give theirs in one order, so neither is kept. Valid until
 * the next pair is asked for.
 */
export async function* pairMembers(
  before: Source,
  after: Source,
  compareNames: (a: Buffer, b: Buffer) => number,
): AsyncGenerator<MemberPair, void, undefined> {
  const [left, right] = [before.members()[Symbol.asyncIterator](), after.members()[Symbol.asyncIterator]()];
  try {
    let [a, b] = [await left.next(), await right.next()];
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : compareNames(a.value.name, b.value.name);
      const x = order <= 0 ? (a.value as SourceMember) : undefined;
      const y = order >= 0 ? (b.value as SourceMember) : undefined;
      yield { name: (x ?? y)?.name as Buffer, before: x, after: y };
      if (x !== undefined) a = await left.next();
      if (y !== undefined) b = await right.next();
    }
  } finally {
    await left.return?.(undefined);
    await right.return?.(undefined);
  }
}
