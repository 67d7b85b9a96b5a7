import path from 'node:path';
import { diff } from '../../operations/diff';
import { openSource } from '../../operations/open-source';
import { readPlanOf } from '../../operations/plan-of';
import { whoMayRead } from '../../operations/who-may-read';
import { createDiffReport, isFine, writeDiff } from '../../report/write-diff';
import { createFileBeside } from '../../storage/file-beside';
import { withSource } from '../../storage/with-source';
import type { DiffTask, TaskPlace, TaskResult } from '../task';

export async function runDiff(task: DiffTask, { input, out, fixed, seen, signal }: TaskPlace): Promise<TaskResult> {
  const { against, plans, format, payload, ignoreIds = false } = task;
  const after = path.join(against, input.name);
  const planPlace = plans === undefined ? undefined : path.join(plans, input.name);
  const plan = planPlace === undefined ? undefined : await readPlanOf(planPlace, seen);
  const places = [input.path, after, ...(planPlace === undefined ? [] : [planPlace])];
  const options = {
    payload,
    ignoreIds,
    graph: format === 'html',
    ...(plan === undefined ? {} : { plan }),
    ...(signal === undefined ? {} : { signal }),
  };
  const result = await withSource(await openSource(input.path, { seen, signal }), async (a) =>
    withSource(await openSource(after, { seen, signal }), (b) => diff(a, b, options)),
  );
  try {
    const isProof = plan !== undefined;
    const report = await createDiffReport(format, { before: input.name, after, isProof });
    const file = await createFileBeside(out as string, (await Promise.all(places.map(whoMayRead))).flat(), fixed);
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
