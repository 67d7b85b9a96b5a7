import { decode } from '../../operations/decode';
import { openSource } from '../../operations/open-source';
import { withSource } from '../../storage/with-source';
import type { DecodeTask, JobWarning, TaskPlace, TaskResult } from '../task';

export async function runDecode(task: DecodeTask, { input, out, fixed, seen, signal }: TaskPlace): Promise<TaskResult> {
  const warnings: JobWarning[] = [];
  const options = {
    ...task.options,
    out: out as string,
    fixed,
    onWarning: (warning: JobWarning) => warnings.push(warning),
    ...(signal === undefined ? {} : { signal }),
  };
  const source = await openSource(input.path, { seen, signal, exact: true });
  const { notices } = await withSource(source, (opened) => decode(opened, options));
  return { isFine: true, warnings, notices };
}
