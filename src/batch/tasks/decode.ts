import { decode } from '../../operations/decode';
import { openSource } from '../../operations/open-source';
import type { DecodeTask, JobWarning, TaskPlace, TaskResult } from '../task';

export async function runDecode(task: DecodeTask, { input, out, signal }: TaskPlace): Promise<TaskResult> {
  const warnings: JobWarning[] = [];
  const { notices } = await decode(await openSource(input.path), {
    ...task.options,
    out: out as string,
    onWarning: (warning) => warnings.push(warning),
    ...(signal === undefined ? {} : { signal }),
  });
  return { isFine: true, warnings, notices };
}
