import type { BatchProgress } from '../../index';
import { rateText } from './job-text';

/** What a rate is taken over: far enough back to be steady, and near enough to be true. */
const WINDOW_MS = 10_000;
const BAR_CELLS = 20;

/** A line that says how far a batch is, how fast it goes, and how long it will take. */
export class ProgressLine {
  private readonly seen: { at: number; done: number }[] = [];

  /** `now` in milliseconds; never wider than `width` characters. */
  draw({ total, done, failed }: BatchProgress, now: number, width: number): string {
    this.seen.push({ at: now, done });
    while (this.seen.length > 2 && now - (this.seen[0]?.at ?? now) > WINDOW_MS) this.seen.shift();
    const first = this.seen[0] ?? { at: now, done };
    const perSecond = now > first.at ? ((done - first.done) * 1000) / (now - first.at) : 0;
    const filled = total === 0 ? BAR_CELLS : Math.floor((done / total) * BAR_CELLS);
    const pieces = [
      `[${'#'.repeat(filled)}${'-'.repeat(BAR_CELLS - filled)}]`,
      `${done}/${total}`,
      ...(perSecond > 0 ? [rateText(perSecond), `${timeText((total - done) / perSecond)} left`] : []),
      ...(failed === 0 ? [] : [`${failed} failed`]),
    ];
    const whole = pieces.join('  ');
    // The picture goes before the numbers do.
    return (whole.length < width ? whole : pieces.slice(1).join('  ')).slice(0, Math.max(0, width - 1));
  }
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
