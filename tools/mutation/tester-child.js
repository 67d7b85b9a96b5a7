const { fork } = require('node:child_process');
const path = require('node:path');

const MEMORY_MB = 2048;

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A child that runs tester.js; an order is answered by undefined if it ends first or takes too long. */
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
        child.removeAllListeners();
        if (answer === undefined) this.stop();
        resolve(answer);
      };
      const timer = setTimeout(end, ms);
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
