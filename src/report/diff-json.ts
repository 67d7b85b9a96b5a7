import { safeJson } from '../json/safe-json';
import type { DiffResult, ToldDifference } from '../operations/diff';
import type { DiffReport } from './diff-report';

/** For programs: one object, written as it comes. */
export class DiffJson implements DiffReport {
  private count = 0;

  constructor(
    private readonly before: string,
    private readonly after: string,
  ) {}

  begin({ isSame, meaning }: DiffResult): string {
    const head = { format: 'fdgraft.diff', version: 1, before: this.before, after: this.after, same: isSame, meaning };
    return `${safeJson(head, 2).replace(/\n}$/, '')},\n  "differences": [`;
  }

  difference(difference: ToldDifference): string {
    this.count += 1;
    return `${this.count === 1 ? '' : ','}\n    ${safeJson(difference)}`;
  }

  end({ unexplained, misfits }: DiffResult): string {
    const rest = `"unexplained": ${unexplained},\n  "misfits": ${safeJson(misfits)}`;
    return `${this.count === 0 ? '' : '\n  '}],\n  ${rest}\n}\n`;
  }
}
