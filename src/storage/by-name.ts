import type { MembersByName, Source, SourceMember } from './source';

/** Members of any source by their names. One that is read in sequence alone costs a pass for each. */
export function membersByName(source: Source): MembersByName {
  return source.byName?.() ?? new Passes(source);
}

class Passes implements MembersByName {
  /** Passes that stand at a member which is not released yet. */
  private readonly standing = new Map<SourceMember, AsyncIterator<SourceMember>>();

  constructor(private readonly source: Source) {}

  async member(text: string): Promise<SourceMember | undefined> {
    const name = Buffer.from(text);
    const pass = this.source.members()[Symbol.asyncIterator]();
    for (let next = await pass.next(); next.done !== true; next = await pass.next()) {
      if (!next.value.name.equals(name)) continue;
      this.standing.set(next.value, pass);
      return next.value;
    }
    return undefined;
  }

  async release(member: SourceMember): Promise<void> {
    const pass = this.standing.get(member);
    this.standing.delete(member);
    await pass?.return?.();
  }

  async close(): Promise<void> {
    for (const member of [...this.standing.keys()]) await this.release(member);
  }
}
