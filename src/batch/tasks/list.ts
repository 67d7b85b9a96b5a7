import { inspectBlocks } from '../../operations/inspect';
import { openSource } from '../../operations/open-source';
import { whoMayRead } from '../../operations/who-may-read';
import { createListReport, writeList } from '../../report/write-list';
import { createFileBeside } from '../../storage/file-beside';
import type { NewFile } from '../../storage/single-file';
import type { Source } from '../../storage/source';
import { withSource } from '../../storage/with-source';
import type { JobWarning, ListTask, TaskPlace, TaskResult } from '../task';

/** A spec that takes nothing is a no, and the list of what the others take is made all the same. */
export async function runList(task: ListTask, { input, out, fixed, seen, signal }: TaskPlace): Promise<TaskResult> {
  const source = await openSource(input.path, { seen, signal });
  return withSource(source, async (opened) => {
    const file = await createFileBeside(out as string, await whoMayRead(input.path), fixed);
    return list(opened, task, file, signal);
  });
}

async function list(
  source: Source,
  task: ListTask,
  file: NewFile,
  signal: AbortSignal | undefined,
): Promise<TaskResult> {
  const warnings: JobWarning[] = [];
  const blocks = inspectBlocks(source, {
    ...task.options,
    onWarning: ({ code, message }) => warnings.push({ code, message }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const report = await createListReport(task.isJson);
    const { unmatched } = await writeList(blocks, report, async (text) => {
      await file.write(Buffer.from(text));
      return true;
    });
    for (const message of report.remarks?.() ?? []) warnings.push({ code: 'NOT_LISTED', message });
    await file.commit();
    return { isFine: unmatched === undefined, warnings, notices: [], ...(unmatched ? { error: unmatched } : {}) };
  } finally {
    await file.abort();
  }
}
