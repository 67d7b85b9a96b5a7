import type { BatchInput } from './input';
import type { BatchJob } from './job';
import type { JobSetup } from './run-job';

/** What a batch tells its worker processes: first the setup, then inputs one by one. */
export type ToWorker =
  | { readonly what: 'setup'; readonly setup: JobSetup }
  | { readonly what: 'do'; readonly input: BatchInput }
  | { readonly what: 'abort' };

/** What they answer. */
export type FromWorker = { readonly what: 'ready' } | { readonly what: 'done'; readonly job: BatchJob };
