import type { BatchTask, TaskPlace, TaskResult } from './task';

/** Does a task for one input; only what that task takes is loaded. */
export async function runTask(task: BatchTask, place: TaskPlace): Promise<TaskResult> {
  switch (task.what) {
    case 'rewrite':
      return (await import('./tasks/rewrite')).runRewrite(task, place);
    case 'decode':
      return (await import('./tasks/decode')).runDecode(task, place);
    case 'ls':
      return (await import('./tasks/list')).runList(task, place);
    case 'diff':
      return (await import('./tasks/diff')).runDiff(task, place);
  }
}
