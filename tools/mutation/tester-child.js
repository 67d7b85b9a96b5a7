const { fork } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const MEMORY_MB = 2048;
/** Buffers are not in the heap that node limits, and a mutant may take them without end. */
const RESIDENT_MB = 3072;
const LOOK_MS = 500;
const PAGES_A_MB = 256;
const TICK_MS = 10;

/** What Linux tells of a process: its memory, its processor time, and whether it waits. Undefined if it has ended. */
function look(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...numbers] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system] = [numbers[10], numbers[11]].map(Number);
    return { memoryMb: Number(numbers[20]) / PAGES_A_MB, cpuMs: (user + system) * TICK_MS, isWaiting: state === 'S' };
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes(error.code)) throw error;
    return undefined;
  }
}

/**
 * Calls `end` when the process has taken so much processor time, waits for so long, or takes too much memory. Other
 * work on the machine does not count: it can leave the process none of its time.
 */
function watch(pid, ms, end) {
  const begin = look(pid)?.cpuMs ?? 0;
  let [cpuMs, waitsMs] = [begin, 0];
  return setInterval(() => {
    const seen = look(pid);
    if (seen === undefined) return;
    waitsMs = seen.isWaiting && seen.cpuMs === cpuMs ? waitsMs + LOOK_MS : 0;
    cpuMs = seen.cpuMs;
    if (cpuMs - begin > ms || waitsMs > ms || seen.memoryMb > RESIDENT_MB) end();
  }, LOOK_MS);
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A child that runs tester.js; an order is answered by undefined if it ends first, or takes too long or too much memory. */
class Tester {
  constructor(about) {
    this.about = about;
  }

  async start(active) {
    this.stop();
    if (this.isOver) throw new Error('the run is over');
    this.child = fork(path.join(this.about.top, 'tools/mutation/tester.js'), [], {
      cwd: this.about.top,
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      // A group of its own, so that what a test has started ends with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    return this.tell({ order: 'load', ...this.about, active }, 120_000);
  }

  tell(message, ms) {
    return new Promise((resolve) => {
      const { child } = this;
      const end = (answer) => {
        clearInterval(watching);
        child.removeAllListeners();
        if (answer === undefined) this.stop();
        resolve(answer);
      };
      const watching = watch(child.pid, ms, end);
      child.once('message', end);
      child.once('exit', () => end());
      child.on('error', () => {});
      child.send(message);
    });
  }

  stop() {
    if (this.child !== undefined) endGroup(this.child.pid);
    this.child = undefined;
  }

  /** After it nothing starts it again: when one tester has failed, the others still have work. */
  end() {
    this.isOver = true;
    this.stop();
  }
}

module.exports = { Tester };
