import { styleText } from 'node:util';
import { escapeControls } from '../bytes/escape';
import { messages } from '../errors/messages';
import { breathe } from '../storage/breath';

/** What the commands need of the process: its streams and its signals. */
export interface Context {
  /** Data, to stdout. False where nobody reads it any more. */
  print(text: string): Promise<boolean>;
  /** Bytes as they are, to stdout. False where nobody reads it any more. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** All else, to stderr. */
  complain(text: string): Promise<void>;
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
  // A reader that has seen enough is no error; `write` hears of it through its callback.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const release = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  return {
    print: (text) => write(process.stdout, printable(text)),
    write: (bytes) => write(process.stdout, bytes),
    complain: async (text) => {
      await write(process.stderr, printable(`${text}\n`));
    },
    signal: controller.signal,
    emphasize: (text, wanted) => (wanted && showsColour(process.stdout) ? styleText('bold', text) : text),
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

function showsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}

/** Writing to a file or a pipe gives the event loop no turn by itself. */
async function write(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<boolean> {
  await breathe();
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (error === null || error === undefined) resolve(true);
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
      else reject(messages.systemError(error, stream === process.stdout ? 'stdout' : 'stderr'));
    });
  });
}

/** Whatever `escapeControls` would write otherwise, but for line ends and tabs. */
const STEERS = /[^\n\t\P{Cc}]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\u{e0000}-\u{e007f}]/u;

/** Nothing that came from outside may steer the terminal; line ends, tabs and our own colours may. */
function printable(text: string): string {
  // Most text has nothing of the kind: it is not taken to pieces then.
  if (!STEERS.test(text)) return text;
  return text
    .split(/([\n\t]|\u001b\[\d+m)/)
    .map((piece, index) => (index % 2 === 1 ? piece : escapeControls(piece)))
    .join('');
}
