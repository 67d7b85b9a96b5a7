import type { ByteWriter } from '../bytes/byte-stream';
import type { DiffResult } from '../operations/diff';
import type { DiffReport } from './diff-report';

/** The formats of a report of `diff`. */
export type DiffFormat = 'text' | 'json' | 'markdown' | 'html';
export const DIFF_FORMATS = ['text', 'json', 'markdown', 'html'] as const satisfies readonly DiffFormat[];

export interface DiffReportOptions {
  /** What the two are called. */
  readonly before: string;
  readonly after: string;
  /** A plan was given, which the differences are measured by. */
  readonly isProof: boolean;
  /** Bold where something shows it; of text. */
  readonly emphasize?: (text: string) => string;
}

export async function createDiffReport(format: DiffFormat, options: DiffReportOptions): Promise<DiffReport> {
  const { before, after, isProof, emphasize = (text) => text } = options;
  if (format === 'json') return new (await import('./diff-json')).DiffJson(before, after);
  if (format === 'markdown') return new (await import('./diff-markdown')).DiffMarkdown(before, after, isProof);
  if (format === 'html') return new (await import('./diff-html')).DiffHtml(before, after, isProof);
  return new (await import('./diff-text')).DiffText(emphasize, isProof);
}

/** True where the answer is yes: nothing differs, or a plan was given and explains all that does. */
export function isFine({ isSame, unexplained, misfits }: DiffResult, isProof: boolean): boolean {
  return isProof ? unexplained === 0 && misfits.length === 0 : isSame;
}

/** What is written at once, in characters. */
const CHUNK = 1 << 14;

export async function writeDiff(
  result: DiffResult,
  report: DiffReport,
  writer: Pick<ByteWriter, 'write'>,
): Promise<void> {
  let text = report.begin(result);
  for await (const difference of result.differences()) {
    text += report.difference(difference);
    if (text.length < CHUNK) continue;
    await writer.write(Buffer.from(text));
    text = '';
  }
  await writer.write(Buffer.from(text + report.end(result)));
}
