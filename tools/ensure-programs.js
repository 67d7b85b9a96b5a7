// What tests need beside CRIU: the recipes of docs/COOKBOOK.md their tools, the page of `fdgraft diff --format html`
// a browser, archives the programs that make them, terminals what runs in them; and what makes a Debian for CRIU.
// Installs what is missing as Debian packages where it can, and says exactly what to install where it cannot.
//
//   node tools/ensure-programs.js [NAME…]     python3, go, zstd, …: all of TOOLS unless told

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { cacheDirectory } = require('./cache-directory');

/** By name: programs, the Debian packages that bring them, and a probe where it takes more than to find them. */
const TOOLS = {
  python3: { programs: ['python3'], packages: ['python3'] },
  go: { programs: ['go'], packages: ['golang-go'] },
  tar: { programs: ['tar'], packages: ['tar'] },
  bsdtar: { programs: ['bsdtar'], packages: ['libarchive-tools'] },
  zstd: { programs: ['zstd'], packages: ['zstd'] },
  less: { programs: ['less'], packages: ['less'] },
  tmux: { programs: ['tmux'], packages: ['tmux'] },
  groff: { programs: ['groff'], packages: ['groff-base'] },
  man: { programs: ['man', 'lexgrog'], packages: ['man-db'] },
  mandoc: { programs: ['mandoc'], packages: ['mandoc'] },
  bash: { programs: ['bash'], packages: ['bash'] },
  zsh: { programs: ['zsh'], packages: ['zsh'] },
  fish: { programs: ['fish'], packages: ['fish'] },
  socat: { programs: ['socat'], packages: ['socat'] },
  'socket-activate': { programs: ['systemd-socket-activate'], packages: ['systemd'] },
  'systemd-analyze': { programs: ['systemd-analyze'], packages: ['systemd'] },
  debootstrap: { programs: ['debootstrap'], packages: ['debootstrap', 'debian-archive-keyring'] },
  'mkfs.ext4': { programs: ['mkfs.ext4', 'chattr', 'lsattr'], packages: ['e2fsprogs'] },
  setfattr: { programs: ['setfattr', 'getfattr'], packages: ['attr'] },
  slurm: {
    programs: ['munged', 'slurmctld', 'slurmd', 'srun'],
    packages: ['munge', 'slurmctld', 'slurmd', 'slurm-client'],
  },
  lintian: { programs: ['lintian'], packages: ['lintian'] },
  qemu: { programs: ['qemu-aarch64-static'], packages: ['qemu-user-static'] },
  clang: { programs: ['clang'], packages: ['clang'] },
  'musl-gcc': { programs: ['musl-gcc'], packages: ['musl-tools'] },
  readelf: { programs: ['readelf'], packages: ['binutils'] },
  chromium: { programs: ['chromium'], packages: ['chromium'], probe: ['/usr/bin/chromium', '--version'] },
};

// The daemons live in sbin. Packages that bring a daemon leave it alone in runlevel 1: the tests start their own.
function environment() {
  return {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    RUNLEVEL: '1',
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`,
  };
}

function run([command, ...args], stdio = 'ignore') {
  return spawnSync(command, args, { stdio, encoding: 'utf8', env: environment() });
}

function works(name) {
  const { programs, probe } = TOOLS[name];
  if (probe !== undefined) return run(probe).status === 0;
  return programs.every((program) => run(['sh', '-c', 'command -v "$0"', program]).status === 0);
}

/** Runs under the lock; whoever waited for it finds the work done. */
function install(names) {
  const packages = names.filter((name) => !works(name)).flatMap((name) => TOOLS[name].packages);
  if (packages.length === 0) return;
  const quiet = ['ignore', 'ignore', 'inherit'];
  const command = ['apt-get', '-qq', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', ...packages];
  if (run(command, quiet).status === 0) return;
  run(['apt-get', '-qq', 'update'], quiet);
  const { status } = run(command, quiet);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
}

/** Makes sure that tools are there; returns what is missing, by name, as a line that says the way out. */
function ensurePrograms(names = Object.keys(TOOLS)) {
  const absent = names.filter((name) => !works(name));
  if (absent.length === 0) return {};
  let reason = '';
  if (process.platform === 'linux' && process.getuid() === 0 && run(['apt-get', '--version']).status === 0) {
    fs.mkdirSync(cacheDirectory(), { recursive: true });
    const lock = path.join(cacheDirectory(), 'programs.lock');
    const argv = ['flock', lock, process.execPath, __filename, '--install', ...absent];
    const { status, stderr, error } = run(argv, ['ignore', 'ignore', 'pipe']);
    if (status !== 0) reason = ` (${(error?.message ?? stderr).trim().split('\n').at(-1)})`;
  }
  const missing = absent.filter((name) => !works(name));
  return Object.fromEntries(
    missing.map((name) => [
      name,
      `${name} is missing: as root, apt-get install --no-install-recommends ${TOOLS[name].packages.join(' ')}${reason}`,
    ]),
  );
}

module.exports = { ensurePrograms };

if (require.main === module) {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--install') {
    try {
      install(rest);
    } catch (error) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  } else {
    const wanted = first === undefined ? undefined : [first, ...rest];
    const unknown = wanted?.find((name) => TOOLS[name] === undefined);
    if (unknown !== undefined) {
      process.stderr.write(`no tool ${unknown}: there are ${Object.keys(TOOLS).join(', ')}\n`);
      process.exitCode = 2;
    } else {
      const missing = Object.values(ensurePrograms(wanted));
      for (const line of missing) process.stderr.write(`${line}\n`);
      if (missing.length > 0) process.exitCode = 1;
    }
  }
}
