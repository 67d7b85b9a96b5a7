import { inspect } from '../../operations/inspect';
import { openSource } from '../../operations/open-source';
import { createListReport, writeList } from '../../report/write-list';
import { createFileBeside } from '../../storage/file-beside';
import type { Source } from '../../storage/source';
import { withSource } from '../../storage/with-source';
import type { JobWarning, ListTask, TaskPlace, TaskResult } from '../task';

/** A spec that takes nothing is a no, and the list of what the others take is made all the same. */
export async function runList(task: ListTask, { input, out, seen, signal }: TaskPlace): Promise<TaskResult> {
  const source = await openSource(input.path, { seen, signal });
  return withSource(source, (opened) => list(opened, task, out as string, signal));
}

async function list(source: Source, task: ListTask, out: string, signal: AbortSignal | undefined): Promise<TaskResult> {
  const warnings: JobWarning[] = [];
  const entries = inspect(source, {
    ...task.options,
    onWarning: ({ code, message }) => warnings.push({ code, message }),
    ...(signal === undefined ? {} : { signal }),
  });
  const report = await createListReport(task.isJson);
  const file = await createFileBeside(out);
  try {
    const { unmatched } = await writeList(entries, report, async (text) => {
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
