import { escapeControls } from '../../bytes/escape';
import type { BatchJob, BatchSummary, BatchTask } from '../../index';
import { noticeLines } from '../../report/notices';
import { errorText } from './error-text';
import type { Troubles } from './troubles';

const AGAIN = {
  INPUT_CHANGED: 'made again: the input is not what it was made of',
  OPTIONS_CHANGED: 'made again: it was made with other options, or by another version of fdgraft',
  OUTPUT_CHANGED: 'made again: what an earlier batch made here was changed or damaged since',
} as const;

/** What came of a job, in a line. */
export function jobLine(job: BatchJob, what: BatchTask['what']): string {
  const { name, status, isEarlier, error } = job;
  const shown = escapeControls(name);
  if (error !== undefined) return `${shown}: ${status === 'no' ? 'no' : 'failed'}: ${firstLine(errorText(job, error))}`;
  const answer = what === 'diff' ? (status === 'no' ? 'different' : 'same') : 'done';
  return `${shown}: ${answer}${isEarlier ? ' by an earlier run' : ''}`;
}

/** What else is to be said of it, a line each. */
export function jobRemarks({ again, warnings, notices }: BatchJob): string[] {
  return [
    ...(again === undefined ? [] : [`note: ${AGAIN[again]}`]),
    ...warnings.map(({ message }) => `warning: ${message}`),
    ...noticeLines(notices),
  ];
}

/** How it all went; each failure with its error, equal ones once. */
export function summaryLines(summary: BatchSummary, troubles: Troubles, seconds: number): string[] {
  const { total, done, earlier, no, failed, left, shard } = summary;
  const ended = done + no + failed;
  const parts = [
    `${done} done${earlier === 0 ? '' : ` (${earlier} by an earlier run)`}`,
    ...(no === 0 ? [] : [`${no} with the answer no`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(left === 0 ? [] : [`${left} not begun`]),
  ];
  const part = shard.count === 1 ? '' : ` in shard ${shard.index} of ${shard.count}`;
  const time = `${seconds.toFixed(1)} s${ended === 0 ? '' : `, ${rateText(ended / seconds)}`}`;
  return [
    `${total} ${total === 1 ? 'checkpoint' : 'checkpoints'}${part}: ${parts.join(', ')}; ${time}`,
    ...troubles.lines(),
  ];
}

/** Jobs a second. */
export function rateText(perSecond: number): string {
  return `${perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toPrecision(2)}/s`;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] as string;
}
