// What the page of `fdgraft diff --format html` is tested in: Debian's Chromium. Installs it where it can, and says
// exactly what to install where it cannot.
//
//   node tools/ensure-chromium.js

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { cacheFolder } = require('./criu-root');

const CHROMIUM = '/usr/bin/chromium';
const INSTALL = ['-y', 'install', '--no-install-recommends', 'chromium'];

function run([command, ...args], stdio = 'ignore') {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio, encoding: 'utf8', env });
}

function works() {
  return run([CHROMIUM, '--version']).status === 0;
}

/** Runs under the lock; whoever waited for it finds the work done. */
function install() {
  if (works()) return;
  const quiet = ['ignore', 'ignore', 'inherit'];
  const command = ['apt-get', '-qq', '-o', 'Dpkg::Use-Pty=0', ...INSTALL];
  if (run(command, quiet).status === 0) return;
  run(['apt-get', '-qq', 'update'], quiet);
  const { status } = run(command, quiet);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
}

/** Makes sure that Chromium is there. `missing`: a line that says the way out, where it is not. */
function ensureChromium() {
  if (works()) return { program: CHROMIUM };
  let reason = '';
  if (process.platform === 'linux' && process.getuid() === 0 && run(['apt-get', '--version']).status === 0) {
    fs.mkdirSync(cacheFolder(), { recursive: true });
    const lock = path.join(cacheFolder(), 'chromium.lock');
    const argv = ['flock', lock, process.execPath, __filename, '--install'];
    const { status, stderr, error } = run(argv, ['ignore', 'ignore', 'pipe']);
    if (status === 0 && works()) return { program: CHROMIUM };
    reason = ` (${(error?.message ?? stderr).trim().split('\n').at(-1)})`;
  }
  return { missing: `${CHROMIUM} is missing: as root, apt-get ${INSTALL.slice(1).join(' ')}${reason}` };
}

module.exports = { ensureChromium };

if (require.main === module) {
  try {
    if (process.argv[2] === '--install') install();
    else {
      const { missing } = ensureChromium();
      if (missing !== undefined) throw new Error(missing);
    }
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
