import type { DiffResult, ToldDifference } from '../../../src';
import { allOf } from '../../support/all-of';

/** What a diff says, all of it. */
export interface Told {
  readonly isSame: boolean;
  readonly differences: readonly ToldDifference[];
  /** A line a difference, in an order that does not depend on the direction. */
  readonly lines: readonly string[];
}

export async function toldOf(running: Promise<DiffResult>): Promise<Told> {
  const result = await running;
  try {
    const differences = await allOf(result.differences());
    return { isSame: result.isSame, differences, lines: differences.map((one) => withoutTense(lineOf(one))).sort() };
  } finally {
    result.close();
  }
}

/** The lines as they would be with the two sides exchanged. */
export function mirrored({ differences }: Told): readonly string[] {
  return differences.map((one) => lineOf(turned(one) as ToldDifference)).sort();
}

const OTHER: { readonly [word: string]: string } = {
  added: 'removed',
  removed: 'added',
  before: 'after',
  after: 'before',
};

/** Exchanges what is before and after, and what was added and removed. */
function turned(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => turned(one));
  if (typeof value === 'string') return key === 'change' ? (OTHER[value] ?? value) : withoutTense(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('counterpart' in value) return turned(renamed(value as Counterparts), key);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [OTHER[name] ?? name, turned(one, name)]));
}

/** An id that is called otherwise on the other side, or is not there. */
const withoutTense = (text: string) =>
  text.replace(/\((?:was|now) /g, '(otherwise ').replace(/\((?:gone|new)\)/g, '(alone)');

type Counterparts = { readonly [name: string]: unknown } & {
  readonly counterpart: { readonly [name: string]: string };
};

/** What it is called on the other side takes the place of what it is called. */
function renamed({ counterpart, ...rest }: Counterparts): object {
  const others = Object.fromEntries(Object.keys(counterpart).map((name) => [name, rest[name]]));
  return { ...rest, ...counterpart, otherwise: others };
}

function lineOf(given: ToldDifference): string {
  const { counterpart, ...rest } = given as ToldDifference & { counterpart?: unknown };
  const difference = (counterpart === undefined ? rest : { ...rest, otherwise: counterpart }) as ToldDifference;
  const fields = 'fields' in difference ? [...difference.fields].map(sorted).sort() : undefined;
  return sorted({ ...difference, ...(fields === undefined ? {} : { fields }) });
}

/** JSON with keys in their order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
