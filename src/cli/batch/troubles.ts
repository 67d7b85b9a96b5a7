import { escapeControls } from '../../bytes/escape';
import { shellWord } from '../../bytes/shell-word';
import type { BatchJob, JobError } from '../../index';
import { errorText } from './error-text';

/** Of more different ones than these, only their number is kept: each was told when it came. */
const MAX_KINDS = 1000;

/** What went wrong, told at the end: the same for a million jobs once. */
export class Troubles {
  /** By their text without the path of the job; with the text of the job that comes first by name. */
  private readonly kinds = new Map<string, { first: string; text: string; count: number }>();
  private others = 0;

  get isEmpty(): boolean {
    return this.kinds.size === 0;
  }

  add(job: Pick<BatchJob, 'name' | 'path'>, error: JobError): void {
    const text = indented(errorText(job, error), error.hint);
    // A hint can name the checkpoint in a command.
    const name = text.replaceAll(shellWord(job.path), '');
    const kind = this.kinds.get(name);
    if (kind !== undefined) {
      kind.count += 1;
      if (job.name < kind.first) Object.assign(kind, { first: job.name, text });
    } else if (this.kinds.size < MAX_KINDS) this.kinds.set(name, { first: job.name, text, count: 1 });
    else this.others += 1;
  }

  /** By name: jobs end in another order each time. */
  lines(): string[] {
    const kinds = [...this.kinds.values()].sort((a, b) => (a.first < b.first ? -1 : 1));
    const lines = kinds.map(({ first, text, count }) => {
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
