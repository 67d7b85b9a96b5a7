import type { DiffHint, DiffResult, ToldDifference } from '../operations/diff';

/** Writes a comparison, chunk by chunk: first what it means, then the differences as they come. */
export interface DiffReport {
  begin(result: DiffResult): string;
  difference(difference: ToldDifference): string;
  end(result: DiffResult): string;
}

/** Said if a plan was given and nothing contradicts it. */
export const ALL_EXPLAINED = 'The plan explains every difference.';

export const HINTS: { readonly [hint in DiffHint]: string } = {
  OTHER_RUN:
    'These are dumps of different runs, whose ids differ in any case. --ignore-ids compares ids by what they stand for.',
  RESTORED:
    'criu restore wrote its statistics into the second directory, and its log if it was to. Compare before the restore, or give criu restore another directory with -W.',
};

/** The lines of one difference; the first names it. */
export function describeDifference(difference: ToldDifference): string[] {
  switch (difference.what) {
    case 'entry': {
      const { change, fields, text, payload } = difference;
      return [
        `${entryOf(difference)}: ${change}`,
        ...fields.map(({ path, before, after }) => `${path}: ${before ?? '(none)'} → ${after ?? '(none)'}`),
        ...(text === undefined ? [] : [text]),
        ...(payload === undefined ? [] : [`payload: ${sides(payload)}`]),
      ];
    }
    case 'image':
      return [`${difference.change}, ${difference.entries} ${difference.entries === 1 ? 'entry' : 'entries'}`];
    case 'order':
      return ['entries stand in another order'];
    case 'head':
      return [`magics: ${sides(difference.sides)}`];
    case 'tail':
      return [`behind the last entry: ${sides(difference.sides)}`];
    case 'memory': {
      const { mapping, change, sides: digests } = difference;
      return [`${mapping}: ${change}`, sides(digests)];
    }
    case 'file': {
      const { change, sides: digests, targets } = difference;
      const leads =
        targets === undefined ? [] : [`leads to: ${targets.before ?? '(none)'} → ${targets.after ?? '(none)'}`];
      const isShown = digests.before !== undefined || digests.after !== undefined;
      return [change, ...leads, ...(isShown ? [sides(digests)] : [])];
    }
  }
}

/** The image or file that a difference is in. */
export function placeOf(difference: ToldDifference): string {
  switch (difference.what) {
    case 'memory':
      return `memory of task ${difference.pid}`;
    case 'file':
      return onBothSides(difference.file, difference.counterpart?.file);
    case 'image':
      return difference.image;
    default:
      return onBothSides(difference.image, difference.counterpart?.image);
  }
}

/** What names an entry. */
export function entryOf({ entry, counterpart }: Extract<ToldDifference, { what: 'entry' }>): string {
  return onBothSides(entry, counterpart?.entry);
}

function onBothSides(before: string, after: string | undefined): string {
  return after === undefined ? before : `${before} → ${after}`;
}

type Side = { readonly bytes: number; readonly sha256: string; readonly text?: string } | undefined;

function sides({ before, after }: { readonly before?: Side; readonly after?: Side }): string {
  return `${digest(before)} → ${digest(after)}`;
}

function digest(side: Side): string {
  if (side === undefined) return '(none)';
  const shown = side.text === undefined ? '' : ` ${JSON.stringify(side.text)}`;
  return `${side.bytes} bytes, SHA-256 ${side.sha256.slice(0, 16)}…${shown}`;
}
