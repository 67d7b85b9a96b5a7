/** A rate is that of so long a time: far enough back to be steady, and near enough to be true. */
const WINDOW_MS = 10_000;
const BAR_CELLS = 20;

/** How far something is, in whatever unit. */
export interface Amount {
  readonly done: number;
  /** Undefined where nobody knows. */
  readonly total: number | undefined;
}

/** How amounts and rates are written. */
export interface Unit {
  amount(amount: Amount): string;
  rate(perSecond: number): string;
}

/** A line that says how far something is, how fast it goes, and how long it will take. */
export class ProgressLine {
  private readonly seen: { at: number; done: number }[] = [];

  constructor(private readonly unit: Unit) {}

  /** `now` in milliseconds; `more` stands at the end. Never wider than `width` characters. */
  draw(amount: Amount, more: readonly string[], now: number, width: number): string {
    const { done, total } = amount;
    // Something new has begun.
    if (done < (this.seen.at(-1)?.done ?? 0)) this.seen.length = 0;
    this.seen.push({ at: now, done });
    while (this.seen.length > 2 && now - (this.seen[0]?.at ?? now) > WINDOW_MS) this.seen.shift();
    const first = this.seen[0] ?? { at: now, done };
    const perSecond = now > first.at ? ((done - first.done) * 1000) / (now - first.at) : 0;
    const isMore = total !== undefined && total > done;
    const chunks = [
      ...(total === undefined ? [] : [barText(done, total)]),
      this.unit.amount(amount),
      // When all is done, something else takes the time.
      ...(perSecond > 0 && (isMore || total === undefined) ? [this.unit.rate(perSecond)] : []),
      ...(perSecond > 0 && isMore ? [`${timeText((total - done) / perSecond)} left`] : []),
      ...more,
    ];
    const whole = chunks.join('  ');
    const isWide = whole.length >= width && total !== undefined;
    // The picture goes before the numbers do.
    return (isWide ? chunks.slice(1).join('  ') : whole).slice(0, Math.max(0, width - 1));
  }
}

function barText(done: number, total: number): string {
  const filled = total === 0 ? BAR_CELLS : Math.floor(Math.min(1, done / total) * BAR_CELLS);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_CELLS - filled)}]`;
}

/** Two units at most: `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const at = Math.max(
    0,
    units.findIndex(([size]) => whole >= size),
  );
  const [size, unit] = whole === 0 ? units[3] : (units[at] as (typeof units)[number]);
  const [smaller, smallerUnit] = units[at + 1] ?? [0, ''];
  const count = Math.floor(whole / size);
  const rest = smaller === 0 ? 0 : Math.floor((whole - count * size) / smaller);
  return `${count} ${unit}${rest === 0 ? '' : ` ${rest} ${smallerUnit}`}`;
}

const SIZES = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** In bytes, of 1000 to a kB: `12 bytes`, `1.5 MB`, `120 GB`. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < SIZES.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${SIZES[unit]}`;
}

export const BYTES: Unit = {
  amount: ({ done, total }) => (total === undefined ? sizeText(done) : `${sizeText(done)} of ${sizeText(total)}`),
  rate: (perSecond) => `${sizeText(perSecond)}/s`,
};
