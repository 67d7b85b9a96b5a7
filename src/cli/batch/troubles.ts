import { escapeControls } from '../../bytes/escape';
import type { BatchJob, JobError } from '../../index';
import { errorText } from './error-text';

/** Of more different ones than these, only their number is kept: each was told when it came. */
const MAX_KINDS = 1000;

/** What went wrong, told at the end: the same for a million jobs once. */
export class Troubles {
  private readonly kinds = new Map<string, { first: string; count: number }>();
  private others = 0;

  get isEmpty(): boolean {
    return this.kinds.size === 0;
  }

  add(job: Pick<BatchJob, 'name' | 'path'>, error: JobError): void {
    const text = indented(errorText(job, error), error.hint);
    const kind = this.kinds.get(text);
    if (kind !== undefined) {
      kind.count += 1;
      if (job.name < kind.first) kind.first = job.name;
    } else if (this.kinds.size < MAX_KINDS) this.kinds.set(text, { first: job.name, count: 1 });
    else this.others += 1;
  }

  /** By name: jobs end in another order each time. */
  lines(): string[] {
    const kinds = [...this.kinds].sort(([, a], [, b]) => (a.first < b.first ? -1 : 1));
    const lines = kinds.map(([text, { first, count }]) => {
      const more = count === 1 ? '' : ` and ${count - 1} more`;
      return `  ${escapeControls(first)}${more}: ${text}`;
    });
    return this.others === 0 ? lines : [...lines, `  ${this.others} more, each told when it came`];
  }
}

function indented(message: string, hint: string | undefined): string {
  const text = hint === undefined ? message : `${message}\n${hint}`;
  return text.replaceAll('\n', '\n      ');
}
