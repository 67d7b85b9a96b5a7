import { escapeBytes } from '../bytes/escape';
import type { Source, SourceMember } from '../storage/source';
import type { CompareOptions } from './compare-images';
import { compareMembers } from './compare-members';
import type { Found } from './found';
import { idInName, type NamedById } from './ids/id-fields';
import type { IdPairs } from './ids/id-pairs';
import { pairMembers } from './pair-members';

/** Names of files on both sides that are named for ids of which those of one number are not the same. */
type Apart = { readonly before: Set<string>; readonly after: Set<string> };

/** What differs between two checkpoints, as values: each is valid until the next is asked for. Throws FdgraftError. */
export async function* compareSources(
  before: Source,
  after: Source,
  inOrder: (a: Buffer, b: Buffer) => number,
  options: CompareOptions,
): AsyncGenerator<Found, void, undefined> {
  const { ids, signal } = options;
  const apart: Apart = { before: new Set(), after: new Set() };
  for await (const pair of pairMembers(before, after, inOrder)) {
    signal?.throwIfAborted();
    const name = escapeBytes(pair.name);
    const named = ids && idInName(name);
    if (ids === undefined || named === undefined || ids.areOne(named.kind, named.id, named.id)) {
      yield* compareMembers({ name, nameAfter: name, before: pair.before, after: pair.after }, options);
      continue;
    }
    if (pair.before !== undefined) apart.before.add(name);
    if (pair.after !== undefined) apart.after.add(name);
  }
  if (ids !== undefined) yield* compareApart(before, after, apart, ids, options);
}

/** Compares files that are called otherwise in the other checkpoint. */
async function* compareApart(
  before: Source,
  after: Source,
  apart: Apart,
  ids: IdPairs,
  options: CompareOptions,
): AsyncGenerator<Found, void, undefined> {
  const [old, fresh] = [before.byName(), after.byName()];
  const pairs = [...apart.before].map((name) => {
    const { kind, id, named } = idInName(name) as NamedById;
    const partner = ids.partnerOf(kind, 'before', id);
    const other = partner === undefined ? undefined : named(partner);
    return [name, other !== undefined && apart.after.delete(other) ? other : undefined] as const;
  });
  try {
    for (const [a, b] of [...pairs, ...[...apart.after].map((name) => [undefined, name] as const)]) {
      options.signal?.throwIfAborted();
      const [x, y] = [a && (await old.member(a)), b && (await fresh.member(b))] as [SourceMember?, SourceMember?];
      const [name, nameAfter] = [a ?? b, b ?? a] as [string, string];
      for await (const found of compareMembers({ name, nameAfter, before: x, after: y }, options)) {
        yield name === nameAfter ? found : withCounterpart(found, nameAfter);
      }
    }
  } finally {
    await old.close();
    await fresh.close();
  }
}

function withCounterpart(found: Found, name: string): Found {
  if (found.what === 'file') return { ...found, counterpart: { file: name } };
  return found.what === 'image' || found.what === 'memory' ? found : { ...found, counterpart: { image: name } };
}
