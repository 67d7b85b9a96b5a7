import path from 'node:path';
import { diff } from '../../operations/diff';
import { openSource } from '../../operations/open-source';
import { readPlanOf } from '../../operations/plan-of';
import { createDiffReport, isFine, writeDiff } from '../../report/write-diff';
import { createFileBeside } from '../../storage/file-beside';
import { withSource } from '../../storage/with-source';
import type { DiffTask, TaskPlace, TaskResult } from '../task';

export async function runDiff(task: DiffTask, { input, out, seen, signal }: TaskPlace): Promise<TaskResult> {
  const { against, plans, format, payload, ignoreIds = false } = task;
  const after = path.join(against, input.name);
  const plan = plans === undefined ? undefined : await readPlanOf(path.join(plans, input.name), seen);
  const options = {
    payload,
    ignoreIds,
    graph: format === 'html',
    ...(plan === undefined ? {} : { plan }),
    ...(signal === undefined ? {} : { seen, signal }),
  };
  const result = await withSource(await openSource(input.path, { seen, signal }), async (a) =>
    withSource(await openSource(after, { seen, signal }), (b) => diff(a, b, options)),
  );
  try {
    const isProof = plan !== undefined;
    const report = await createDiffReport(format, { before: input.name, after, isProof });
    const file = await createFileBeside(out as string);
    try {
      await writeDiff(result, report, file);
      await file.commit();
    } finally {
      await file.abort();
    }
    return { isFine: isFine(result, isProof), warnings: [], notices: [] };
  } finally {
    result.close();
  }
}
