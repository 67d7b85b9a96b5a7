import { pushTo } from '../bytes/groups';
import type { InheritSpec } from '../specs/spec';
import { DescriptorKeys } from './descriptor-keys';
import type { Watcher } from './find-watchers';
import type { DescriptorReference, Match, References, Remap } from './match';
import type { Survey } from './survey';

/** What one spec takes of one entry: descriptors and SCM rights that become one open file. */
export interface Claim {
  readonly match: Match;
  /** Number of the spec. */
  readonly spec: number;
  readonly references: References;
}

export interface Assignment {
  /** By match as they lie in files.img, then as the specs were given. */
  readonly claims: readonly Claim[];
  /** File ids of matches that stay as they are, for what else refers to them; others may be among them. */
  readonly staying: ReadonlySet<number>;
  /** Remaps whose entry goes. */
  readonly lostRemaps: readonly Remap[];
  /** By number: ghosts with an entry that stays for watches alone, and the owners of these. */
  readonly watchedGhosts: ReadonlyMap<number, readonly Watcher[]>;
}

/**
 * Divides what refers to each match among the specs that name it: a descriptor goes to the first one, where
 * `only` counts for the named descriptors alone and every other spec for all. Then tells which entries have
 * nothing left that refers to them.
 */
export function assign(found: Survey, specs: readonly InheritSpec[]): Assignment {
  const claims: Claim[] = [];
  const staying = new Set<number>();
  const keys = new DescriptorKeys(specs, found.tasks);
  for (const match of found.matches) {
    const { taken, isLeft } = divide(match, found, specs, keys);
    for (const claim of taken) claims.push(claim);
    if (isLeft || found.otherReferences.has(match.id)) staying.add(match.id);
  }
  keepLinked(staying, found);
  const watchedGhosts = keepWatched(staying, found);
  const going = new Set(found.matches.map(({ id }) => id).filter((id) => !staying.has(id)));
  const lostRemaps = found.remaps.filter(({ origId }) => going.has(origId));
  return { claims, staying, lostRemaps, watchedGhosts };
}

function divide(
  match: Match,
  found: Survey,
  specs: readonly InheritSpec[],
  keys: DescriptorKeys,
): { taken: Claim[]; isLeft: boolean } {
  const { descriptors, scmRights } = found.references.get(match.id) as References;
  const rank = new Map<number | undefined, number>(match.specs.map((number, place) => [number, place]));
  const whole = match.specs.find((number) => !(specs[number] as InheritSpec).only);
  const takers = new Map<number | undefined, DescriptorReference[]>();
  for (const descriptor of descriptors) {
    let taker = whole;
    // Few specs have a number of their own; all those of an entry may be many.
    for (const number of keys.onlyFor(descriptor.table, descriptor.fd)) {
      if ((rank.get(number) as number) < (rank.get(taker) ?? Number.POSITIVE_INFINITY)) taker = number;
    }
    pushTo(takers, taker, descriptor);
  }
  if (scmRights.length > 0 && !takers.has(whole)) takers.set(whole, []);
  const taken = match.specs.flatMap((spec) => {
    const claim = takers.get(spec);
    if (claim === undefined) return [];
    return [{ match, spec, references: { descriptors: claim, scmRights: spec === whole ? scmRights : [] } }];
  });
  return { taken, isLeft: takers.has(undefined) };
}

/** One entry of a ghost stays for an inotify or fanotify that watches it: CRIU makes no ghost without entries. */
function keepWatched(staying: Set<number>, found: Survey): Map<number, readonly Watcher[]> {
  const matched = new Set(found.matches.map(({ id }) => id));
  const stays = (id: number) => !matched.has(id) || staying.has(id);
  const watched = new Map<number, readonly Watcher[]>();
  const originsOf = new Map<number, number[]>();
  for (const { origId, ghostId } of found.remaps) if (ghostId !== undefined) pushTo(originsOf, ghostId, origId);
  for (const [ghost, all] of found.watchers.ofGhosts) {
    const watchers = all.filter(({ id }) => stays(id));
    const origins = originsOf.get(ghost) ?? [];
    const [first] = origins;
    if (first === undefined || watchers.length === 0 || origins.some(stays)) continue;
    staying.add(first);
    watched.set(ghost, watchers);
  }
  return watched;
}

/** An entry that stands in for a removed one stays as long as that one does. */
function keepLinked(staying: Set<number>, found: Survey): void {
  const matched = new Set(found.matches.map(({ id }) => id));
  const waiting = found.remaps.filter(({ origId }) => !matched.has(origId) || staying.has(origId));
  const byOrigin = new Map<number, Remap[]>();
  for (const remap of found.remaps) pushTo(byOrigin, remap.origId, remap);
  for (let remap = waiting.pop(); remap !== undefined; remap = waiting.pop()) {
    const { linkedId } = remap;
    if (linkedId === undefined || staying.has(linkedId)) continue;
    staying.add(linkedId);
    for (const next of byOrigin.get(linkedId) ?? []) waiting.push(next);
  }
}
