import { styleText } from 'node:util';
import { escapeControls } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { yieldToEventLoop } from '../storage/yield-to-event-loop';
import { hideProgress, stopProgress } from './progress';
import { isTerminal, mayBeShown, writeAll } from './stdio';

/** What the commands need of the process: its streams and its signals. */
export interface Context {
  /**
   * Data, to stdout. False if nobody reads it any more. Throws FdgraftError if it cannot be written: then the answer is
   * not complete.
   */
  print(text: string): Promise<boolean>;
  /** The same for bytes as they are. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** All else, to stderr, a line each. A line that cannot be written changes nothing: it is lost. */
  complain(lines: string | readonly string[]): Promise<void>;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  /** Bold where stdout is a terminal that shows it. */
  emphasize(text: string, wanted: boolean): string;
  /** Done, and the answer is no: exit code 1. */
  answerNo(): void;
  release(): void;
  dieOf(signal: NodeJS.Signals): void;
}

/** A signal asked to stop. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
  }
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export function createContext(): Context {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => controller.abort(new Interrupted(signal));
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const release = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  let isColoured: boolean | undefined;
  return {
    print: (text) => answer(printable(text)),
    write: answer,
    complain,
    signal: controller.signal,
    emphasize: (text, wanted) => {
      // Asked for each line.
      if (wanted) isColoured ??= showsColour();
      return wanted && isColoured ? styleText('bold', text) : text;
    },
    answerNo: () => {
      process.exitCode = 1;
    },
    release,
    dieOf: (signal) => {
      release();
      process.kill(process.pid, signal);
    },
  };
}

/** Writes lines to stderr, as `Context` has it. */
export async function complain(lines: string | readonly string[]): Promise<void> {
  hideProgress();
  const text = [lines].flat().map((line) => `${escapeControls(line)}\n`);
  await writeAll('stderr', text.join('')).catch(() => {});
}

function showsColour(): boolean {
  return (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb' && isTerminal('stdout');
}

/** Writing to a file or a pipe gives the event loop no turn by itself. */
async function answer(data: string | Uint8Array): Promise<boolean> {
  await yieldToEventLoop();
  if (mayBeShown('stdout')) stopProgress();
  try {
    await writeAll('stdout', data);
    return true;
  } catch (error) {
    // A reader that has seen enough is no error.
    if (codeOf(error) === 'EPIPE') return false;
    throw messages.systemError(error, 'stdout');
  }
}

/** Whatever `escapeControls` would write otherwise, but for line ends and tabs. */
const STEERS = /[^\n\t\P{Cc}]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\u{e0000}-\u{e007f}]/u;

/** What `emphasize` puts around text. */
const EMPHASIS = /(\u001b\[(?:1|22)m|[\n\t])/;

/** Nothing that came from outside may steer the terminal; line ends, tabs and what `emphasize` writes may. */
function printable(text: string): string {
  // Most text has nothing of the kind: it is not taken apart then.
  if (!STEERS.test(text)) return text;
  return text
    .split(EMPHASIS)
    .map((chunk, index) => (index % 2 === 1 ? chunk : escapeControls(chunk)))
    .join('');
}
