import { addTo } from '../../bytes/groups';
import { descriptorKey } from '../../checkpoint/key-text';
import type { Claim } from '../assign';
import type { DescriptorReference } from '../match';
import type { Survey } from '../survey';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** This many are named of the specs that took what another one names. */
const MAX_TAKERS = 10;

/** Specs whose entries, all or some of them, another spec takes. */
export function shadowedSpecs({ assignment, found, specs, policy }: Decided): Warning[] {
  const takers = new Map<number, Set<number>>();
  for (const { match, spec } of assignment.claims) addTo(takers, match.id, spec);
  const shadowed = new Map<number, { taken: number; named: number; last: number | undefined; by: Set<number> }>();
  for (const { id, type, specs: numbers } of found.matches) {
    const taking = takers.get(id) ?? new Set();
    for (const number of numbers) {
      const known = shadowed.get(number) ?? { taken: 0, named: 0, last: undefined, by: new Set<number>() };
      known.named += 1;
      if (!taking.has(number)) {
        known.taken += 1;
        // A terminal comes as a whole.
        if (type.name === 'REG') known.last = id;
        for (const taker of taking) if (known.by.size <= MAX_TAKERS) known.by.add(taker);
      }
      shadowed.set(number, known);
    }
  }
  const keyOfDescriptor = keysOfDescriptors(assignment.claims, found);
  return [...shadowed]
    .filter(([number, { taken }]) => taken > 0 && !policy.mayRepeat(number))
    .sort(([a], [b]) => a - b)
    .map(([number, { taken, named, last, by }]) => {
      const what = taken === named ? 'all its entries' : `${taken} of its ${named} entries`;
      const text = specs[number]?.text;
      const takers = [...by].slice(0, MAX_TAKERS).map((taker) => {
        const other = specs[taker]?.text;
        return other === text ? 'the same spec before it' : other;
      });
      const more = by.size > MAX_TAKERS ? ' and others' : '';
      const verb = by.size > 1 ? 'take' : 'takes';
      // Of several files with one path, the key of a descriptor names one.
      const isOfSeveral = named > 1 && taken === named && specs[number]?.key.kind === 'path';
      const key = isOfSeveral ? keyOfDescriptor(last) : undefined;
      const advice = key === undefined ? '' : `; ${key} names one of them`;
      return {
        code: 'SPEC_SHADOWED',
        message: `${text}: ${takers.join(', ')}${more} ${verb} ${what}${advice}`,
      };
    });
}

/** The key of a descriptor of an entry that specs take. */
function keysOfDescriptors(
  claims: readonly Claim[],
  { tasks }: Survey,
): (id: number | undefined) => string | undefined {
  const byId = new Map<number | undefined, DescriptorReference>();
  for (const { match, references } of claims) {
    for (const descriptor of references.descriptors) if (!byId.has(match.id)) byId.set(match.id, descriptor);
  }
  return (id) => {
    const descriptor = byId.get(id);
    if (descriptor === undefined) return undefined;
    const [pid] = tasks.pidsOf(descriptor.table);
    return pid === undefined ? undefined : descriptorKey(pid, descriptor.fd);
  };
}
