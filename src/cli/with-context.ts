import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { type Context, complain, createContext, Interrupted } from './context';
import { checkDescriptorLimit } from './descriptor-limit';
import { stopProgress } from './progress';

/** Does `work`, says what went wrong, and sets the exit code. Never throws. */
export async function withContext(work: (context: Context) => Promise<void>): Promise<void> {
  let context: Context | undefined;
  try {
    checkDescriptorLimit();
    context = createContext();
    await work(context);
  } catch (error) {
    stopProgress();
    await report(error, context);
  } finally {
    stopProgress();
    context?.release();
  }
}

async function report(error: unknown, context: Context | undefined): Promise<void> {
  if (error instanceof Interrupted && context !== undefined) {
    context.dieOf(error.signal);
    return;
  }
  const { message, hint, exitCode } = error instanceof FdgraftError ? error : messages.unforeseen(error);
  process.exitCode = exitCode;
  // The line ends of a message are its own.
  const lines = message.split('\n');
  await complain([`fdgraft: ${lines[0]}`, ...lines.slice(1), ...(hint === undefined ? [] : [`  ${hint}`])]);
}
