import { openSource } from '../../operations/open-source';
import { rewrite } from '../../operations/rewrite';
import { planToJson } from '../../plan/plan-json';
import { rewriteText } from '../../report/rewrite';
import { withSource } from '../../storage/with-source';
import type { RewriteTask, TaskPlace, TaskResult } from '../task';

export async function runRewrite(
  task: RewriteTask,
  { input, out, fixed, seen, signal }: TaskPlace,
): Promise<TaskResult> {
  const options = {
    ...task.options,
    ...(out === undefined ? {} : { out, fixed }),
    ...(signal === undefined ? {} : { signal }),
  };
  const source = await openSource(input.path, { seen, signal, exact: true });
  const result = await withSource(source, (opened) => rewrite(opened, options));
  const { plan, notices } = result;
  const done = { isFine: true, warnings: plan.warnings.map(({ code, message }) => ({ code, message })), notices };
  return out === undefined ? { ...done, plan: planToJson(plan), text: rewriteText(result) } : done;
}
