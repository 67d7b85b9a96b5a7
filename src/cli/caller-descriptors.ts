import fs from 'node:fs';

const STANDARD = 2;
/** The two flags that fdinfo shows for a descriptor and that count here (octal; the same on all processors that CRIU runs on). */
const CLOSE_ON_EXEC = 0o2000000;
const ACCESS_MODE = 3;
/** As far above the numbers of Node.js as a number has to be, to be told from these in another run too. */
const CLEAR_OF_OURS = 32;

/** The file that is open at a number of this process. */
interface Open {
  readonly fd: number;
  readonly target: string;
  readonly flags: number;
}

/**
 * The descriptors that this process was started with. Node.js has some of its own by the time that the first line of a
 * program runs, at the lowest numbers that were free, and makes all low numbers close-on-exec. So a number in that
 * range counts as the caller's only if Node.js cannot have opened what is there.
 */
export class CallerDescriptors {
  private constructor(
    /** Ascending. */
    private readonly numbers: ReadonlySet<number>,
    /** The first number above those of Node.js. */
    private readonly firstClear: number,
    /** The numbers that a program started from here would not have by itself. */
    private readonly closing: readonly number[],
  ) {}

  /** To be called before the program opens anything. */
  static look(): CallerDescriptors {
    const open = list();
    const numbers = new Set(open.map(({ fd }) => fd));
    let firstClear = STANDARD + 1;
    while (numbers.has(firstClear)) firstClear += 1;
    const ours = new Set(open.filter((one) => one.fd < firstClear && canBeOurs(one, open)).map(({ fd }) => fd));
    const callers = open.filter(({ fd }) => !ours.has(fd));
    const closing = callers.filter(({ fd, flags }) => fd > STANDARD && (flags & CLOSE_ON_EXEC) !== 0);
    return new CallerDescriptors(
      new Set(callers.map(({ fd }) => fd)),
      firstClear,
      closing.map(({ fd }) => fd),
    );
  }

  has(fd: number): boolean {
    return this.numbers.has(fd);
  }

  /** A number at which all that is open is known to be the caller's; undefined if this one is such. */
  clearNumberFor(fd: number): number | undefined {
    return fd < this.firstClear ? this.firstClear + CLEAR_OF_OURS : undefined;
  }

  /**
   * The descriptors of a child, as spawn takes them: each of the caller's at its own number, and the standard ones at
   * `standard` alone, since spawn changes the flags of 0, 1 and 2 on the way. What is above comes along by itself.
   * `own`: one of ours that the child has too.
   */
  forChild(own: number): { stdio: ('ignore' | number)[]; standard: readonly number[] } {
    const passed = [...this.closing, own];
    const standard: number[] = [];
    for (let fd = Math.max(...passed) + 1; standard.length <= STANDARD; fd += 1) {
      if (!this.numbers.has(fd)) standard.push(fd);
    }
    const stdio = Array.from({ length: (standard.at(-1) as number) + 1 }, (): 'ignore' | number => 'ignore');
    for (const fd of passed) stdio[fd] = fd;
    for (const [fd, at] of standard.entries()) stdio[at] = fd;
    return { stdio, standard };
  }

  /**
   * Closes those above the standard ones, once a child has them: who waits at the other end of a pipe waits for all who
   * hold it. A channel to a Node.js that has started this one is its own.
   */
  letGo(): void {
    for (const fd of this.numbers) {
      if (fd <= STANDARD || `${fd}` === process.env.NODE_CHANNEL_FD) continue;
      try {
        fs.closeSync(fd);
      } catch {
        // Closed all the same: this process has only passed it on.
      }
    }
  }
}

function list(): Open[] {
  return fs
    .readdirSync('/proc/self/fd')
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((fd) => describe(fd) ?? []);
}

/** Undefined for the one that read the list: it is closed by now. */
function describe(fd: number): Open | undefined {
  try {
    const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
    const [, flags = ''] = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return { fd, target, flags: Number.parseInt(flags, 8) };
  } catch {
    return undefined;
  }
}

/** Things of the kinds that Node.js opens when it starts: queues of events, pipes to itself, and /dev/null for reading. */
function canBeOurs({ fd, target, flags }: Open, open: readonly Open[]): boolean {
  if (fd <= STANDARD || (flags & CLOSE_ON_EXEC) === 0) return false;
  if (/^anon_inode:\[(?:eventpoll|eventfd|io_uring|signalfd|timerfd)\]$/.test(target)) return true;
  const alike = open.filter((other) => other.fd > STANDARD && other.target === target);
  if (target.startsWith('pipe:[')) return alike.some((other) => (other.flags & ACCESS_MODE) !== (flags & ACCESS_MODE));
  // One at most.
  return target === '/dev/null' && (flags & ACCESS_MODE) === 0 && alike.length === 1;
}
