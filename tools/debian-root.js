// Directories with a Debian in them, each made once and kept in the user's cache.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { cacheDirectory } = require('./cache-directory');
const { ensurePrograms } = require('./ensure-programs');

function environment() {
  // debootstrap lives in sbin, which a plain user's PATH may lack; its messages are read by the log.
  return { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` };
}

function run(argv) {
  const [command, ...args] = argv;
  // stdout is the answer of this tool, so what the commands say goes to stderr.
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: environment() });
  return !error && status === 0;
}

function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore', env: environment() }).status === 0;
}

/** The mirrors that this host's apt uses for Debian, however its sources are written. */
function hostMirrors() {
  const { status, stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Origin: Debian'], {
    encoding: 'utf8',
    env: environment(),
  });
  return status === 0 ? [...new Set(stdout.split('\n').filter(Boolean))] : [];
}

/** Makes a small Debian with these packages in `target`. Throws an Error that says the way out. */
function debootstrap(suite, packages, target) {
  const missing = ensurePrograms(['debootstrap']).debootstrap;
  if (missing !== undefined) throw new Error(missing);
  const command = [
    'unshare',
    '-m',
    'debootstrap',
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    suite,
    target,
  ];
  // debootstrap's own default mirror first: the host's may be a snapshot that lacks the suite.
  for (const mirror of [undefined, ...hostMirrors()]) {
    fs.rmSync(target, { recursive: true, force: true });
    if (run(mirror ? [...command, mirror] : command)) return;
  }
  fs.rmSync(target, { recursive: true, force: true });
  throw new Error(
    `debootstrap could not make a ${suite} root in ${target} (its messages are above): check the network, and http_proxy where one is needed`,
  );
}

/** The argv of a command inside a root, which does not have the caller's directory for temporary files. */
function inRoot(root, ...argv) {
  return ['unshare', '-m', 'chroot', root, 'env', '-u', 'TMPDIR', ...argv];
}

/** What this machine lacks to make a root, or undefined. */
function whatRootsNeed() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `it takes Linux on x86_64, and this is ${process.platform} on ${process.arch}`;
  if (process.getuid() !== 0) return 'it takes root: run again as root';
  for (const program of ['unshare', 'flock']) {
    if (!has(program)) return `${program} is missing: install the package util-linux`;
  }
  return undefined;
}

/**
 * Runs `node SCRIPT --build NAME` under the lock of the root NAME, where `isWhole` says that it is not there. Throws an
 * Error with what that said.
 */
function makeUnderLock(name, script, isWhole, title) {
  if (isWhole()) return;
  const root = path.join(cacheDirectory(), name);
  fs.mkdirSync(cacheDirectory(), { recursive: true });
  // flock(1) keeps the lock for as long as the build runs, however this process ends.
  const built = spawnSync('flock', [`${root}.lock`, process.execPath, script, '--build', name], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: environment(),
  });
  if (built.status === 0 && isWhole()) return;
  const said = (built.stderr || String(built.error)).trim().split('\n').slice(-15).join('\n');
  throw new Error(`no ${title} could be made:\n${said}`);
}

module.exports = { debootstrap, environment, has, inRoot, makeUnderLock, run, whatRootsNeed };
