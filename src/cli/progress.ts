import path from 'node:path';
import { passProgress } from '../storage/pass-progress';
import { BYTES, ProgressLine } from './progress-line';
import { CLEAR_LINE, isInForeground, isTerminal, stdio } from './stdio';

/** A command that takes less time shows nothing. */
const FIRST_MS = 1000;
const REDRAW_MS = 200;
/** Of a terminal: numbers need so many. */
const MIN_CELLS = 30;

/** Some terminals show others in two columns, and the line must not be longer than it seems to be. */
const NARROW = /^[\x20-\x7e]+$/;

let timer: NodeJS.Timeout | undefined;
let isDrawn = false;
const lines = new Map<string, ProgressLine>();

/** Shows on stderr, where that is a terminal, how far this process is with what it reads: until `stopProgress`. */
export function startProgress(): void {
  timer = setTimeout(() => {
    // Asked so late, since it takes time to ask, and most commands are over by now.
    if (process.env.TERM === 'dumb' || !isTerminal('stderr')) return;
    draw();
    timer = setInterval(draw, REDRAW_MS);
    timer.unref();
  }, FIRST_MS);
  // It keeps nothing alive.
  timer.unref();
}

/** To be called before anything is printed: the line comes back later, in another place. */
export function hideProgress(): void {
  if (isDrawn && isInForeground()) stdio('stderr')?.write(CLEAR_LINE);
  isDrawn = false;
}

/** For good: results come, or another program has the terminal. */
export function stopProgress(): void {
  clearTimeout(timer);
  timer = undefined;
  hideProgress();
}

function draw(): void {
  const progress = passProgress();
  const terminal = stdio('stderr');
  if (progress === undefined || terminal === undefined || !isInForeground()) return;
  const { verb, label } = progress;
  const name = path.basename(label);
  const what = NARROW.test(name) ? `${verb} ${name}` : verb;
  const line = lines.get(what) ?? new ProgressLine(BYTES);
  lines.set(what, line);
  const columns = terminal.columns || 80;
  const left = columns - what.length - 2;
  // The numbers say more than the name.
  const [before, width] = left < MIN_CELLS ? ['', columns] : [`${what}  `, left];
  terminal.write(CLEAR_LINE + before + line.draw(progress, [], performance.now(), width));
  isDrawn = true;
}
