import type { Plan } from '../../plan/plan';
import { FILE_ENTRY_FIELDS } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { numberIn } from '../../wire/number-in';
import { eachEntry } from './each-entry';
import { ownerIn, typeOfPlaceholder } from './placeholder-entry';

/** The owners of the entries that placeholders were split off from, by their file ids: these entries need not differ. */
export async function readSplitOwners(plan: Plan, source: Source, signal?: AbortSignal): Promise<Map<number, Buffer>> {
  const owners = new Map<number, Buffer>();
  const types = new Map(
    plan.placeholders.flatMap((placeholder) => {
      const type = placeholder.split_from === undefined ? undefined : typeOfPlaceholder(placeholder);
      return type?.ownerField === undefined ? [] : [[placeholder.split_from, type] as const];
    }),
  );
  if (types.size === 0) return owners;
  await eachEntry(source, signal, (id, entry) => {
    const type = types.get(id);
    if (type === undefined || owners.has(id)) return;
    if (numberIn(entry, FILE_ENTRY_FIELDS.type) === type.number) owners.set(id, ownerIn(type, entry) as Buffer);
  });
  return owners;
}
