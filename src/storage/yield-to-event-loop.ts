const LONGEST_STRETCH_MS = 10;

/** Another clock, `performance`, takes milliseconds to load. */
const now = () => process.uptime() * 1000;

let last = now();

/** Whether the event loop had no turn for a while. */
export function isDue(): boolean {
  return now() - last >= LONGEST_STRETCH_MS;
}

/**
 * Gives the event loop a turn where it has had none for a while. Files are opened, read and written
 * synchronously here: a system call on a local file takes less time than its way through the thread pool
 * (docs/PERFORMANCE.md). Signals and the caller's own work must come in all the same.
 */
export async function yieldToEventLoop(): Promise<void> {
  if (!isDue()) return;
  await new Promise((resolve) => setImmediate(resolve));
  last = now();
}
