// Loaded into a measured node process: says at its end how much memory it had.

const fs = require('node:fs');

/**
 * KiB. Not getrusage's maxRSS where that can be helped: Linux hands it down through fork and exec, so that it is
 * never less than what the parent had.
 */
function peak() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
}

process.on('exit', () => {
  process.stderr.write(`peak resident ${peak()} KiB\n`);
});
