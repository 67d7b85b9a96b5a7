import { messages } from '../errors/messages';
import { LIMIT_NAMES, LIMITS } from './limits';

type Kind = keyof typeof LIMITS;

/** Limits on what specs ask for. */
const IN_PLANS: ReadonlySet<Kind> = new Set(['references', 'planned', 'placeholders']);

/** Counts what one checkpoint has, and refuses what is past its limit. */
export class Tally {
  private readonly counts: { [kind in Kind]?: number } = {};

  /** `file`: what messages name, unless `count` is told. */
  constructor(private readonly file: string) {}

  /** `file`: what is being counted in. Throws FdgraftError. */
  count(kind: Kind, more = 1, file = this.file): void {
    const count = (this.counts[kind] ?? 0) + more;
    if (count > LIMITS[kind]) throw messages.tooMany(file, LIMIT_NAMES[kind], LIMITS[kind], IN_PLANS.has(kind));
    this.counts[kind] = count;
  }
}
