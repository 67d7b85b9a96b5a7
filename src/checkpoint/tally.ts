import { messages } from '../errors/messages';
import { LIMIT_NAMES, LIMITS } from './limits';

type Kind = keyof typeof LIMITS;

/** Counts what one checkpoint has, and refuses what is past its limit. */
export class Tally {
  private readonly counts: { [kind in Kind]?: number } = {};

  /** `file`: what messages name. */
  constructor(private readonly file: string) {}

  /** Throws FdgraftError. */
  count(kind: Kind, more = 1): void {
    const count = (this.counts[kind] ?? 0) + more;
    if (count > LIMITS[kind])
      throw messages.tooMany(this.file, LIMIT_NAMES[kind], LIMITS[kind], kind === 'references' || kind === 'planned');
    this.counts[kind] = count;
  }
}
