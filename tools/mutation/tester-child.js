const { fork } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const MEMORY_MB = 2048;
/** Buffers are not in the heap that node limits, and a mutant may take them without end. */
const RESIDENT_MB = 3072;
const LOOK_MS = 500;

/** The memory that a process has; 0 if it has ended. */
function residentMb(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes(error.code)) throw error;
    return 0;
  }
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
        clearTimeout(timer);
        clearInterval(watch);
        child.removeAllListeners();
        if (answer === undefined) this.stop();
        resolve(answer);
      };
      const timer = setTimeout(end, ms);
      const watch = setInterval(() => residentMb(child.pid) > RESIDENT_MB && end(), LOOK_MS);
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
