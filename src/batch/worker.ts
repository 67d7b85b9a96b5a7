import { rememberLeftovers } from '../storage/work-directory';
import { type JobSetup, runJob } from './run-job';
import type { FromWorker, ToWorker } from './worker-messages';

/** A process that does the jobs that its parent sends, until the parent has no more, stops it, or is gone. */

const controller = new AbortController();
let setup: JobSetup | undefined;

function tell(message: FromWorker): void {
  // A parent that is gone hears nothing.
  if (process.connected) process.send?.(message, () => {});
}

async function obey(message: ToWorker): Promise<void> {
  if (message.what === 'setup') setup = message.setup;
  else if (message.what === 'abort') controller.abort();
  else if (setup !== undefined) tell({ what: 'done', job: await runJob(message.input, setup, controller.signal) });
}

// A terminal and a scheduler signal to all processes; the parent decides what becomes of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => controller.abort());
process.on('message', (message: ToWorker) => {
  // It rejects where it is stopped: then nothing is left, and nobody waits.
  obey(message).catch(() => process.disconnect?.());
});
rememberLeftovers();
tell({ what: 'ready' });
