import { escapeControls } from '../../bytes/escape';
import type { BatchJob, BatchSummary } from '../../index';
import { safeJson } from '../../json/safe-json';

const HEAD = { format: 'fdgraft.batch', version: 1 } as const;

/** A job as a line of JSON. */
export function jobJson({
  name,
  path,
  out,
  status,
  isEarlier,
  again,
  error,
  warnings,
  notices,
  plan,
}: BatchJob): string {
  const value = {
    ...HEAD,
    job: escapeControls(name),
    source: escapeControls(path),
    out: out === undefined ? null : escapeControls(out),
    status,
    earlier: isEarlier,
    ...(again === undefined ? {} : { again }),
    ...(error === undefined ? {} : { error: { ...error, exitCode: undefined, exit_code: error.exitCode } }),
    warnings,
    notices,
    ...(plan === undefined ? {} : { plan }),
  };
  return `${safeJson(value)}\n`;
}

/** The last line. */
export function summaryJson({ shard, ...counts }: BatchSummary, seconds: number): string {
  return `${safeJson({ ...HEAD, summary: { shard, ...counts, seconds: Number(seconds.toFixed(3)) } })}\n`;
}
