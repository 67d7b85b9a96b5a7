// A directory with a Debian that has criu in it, made once and kept in the user's cache.
// criu runs out of it beside the host's programs: see criuCommand.
//
//   node tools/criu-root.js [SUITE]     prints the directory; SUITE is trixie unless told (sid, experimental: newer ones)

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { cacheDirectory } = require('./cache-directory');
const { debootstrap, inRoot, makeUnderLock, run, whatRootsNeed } = require('./debian-root');

const DEFAULT_SUITE = 'trixie';
const PACKAGES = ['criu', 'python3-pycriu'];
// Container runtimes: a restore is tried through those of one suite.
const RUNTIMES = ['runc', 'crun', 'libcriu2', 'podman', 'conmon'];
const MARKER = 'fdgraft-root.json';
// A suite that is not a system of its own, only newer packages on top of another one.
const BASE_OF = { experimental: 'sid' };

const packagesOf = (suite) => (suite === DEFAULT_SUITE ? [...PACKAGES, ...RUNTIMES] : PACKAGES);

/** The argv that starts the criu of ROOT without chroot: ROOT's own loader with ROOT's own libraries. */
function criuCommand(root) {
  return [
    path.join(root, 'lib64/ld-linux-x86-64.so.2'),
    '--library-path',
    `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu`,
    path.join(root, 'usr/sbin/criu'),
  ];
}

/**
 * The argv that starts the python of ROOT in the same way. ROOT keeps what it has: no
 * files of compiled modules are added to it.
 */
function pythonCommand(root) {
  const python = path.join(root, 'usr/bin/python3');
  const env = [`PYTHONHOME=${root}/usr`, 'PYTHONDONTWRITEBYTECODE=1', 'LC_ALL=C.UTF-8'];
  return ['env', '-u', 'PYTHONPATH', ...env, ...criuCommand(root).slice(0, -1), python];
}

const critCommand = (root) => [...pythonCommand(root), path.join(root, 'usr/bin/crit')];

function criuVersion(root) {
  const [loader, ...rest] = criuCommand(root);
  const { status, stdout, stderr, error } = spawnSync(loader, [...rest, '--version'], { encoding: 'utf8' });
  const version = /^Version: (\S+)/m.exec(stdout ?? '')?.[1];
  if (status !== 0 || !version) {
    throw new Error(`criu in ${root} does not start: ${error?.message ?? (stderr || stdout).trim()}`);
  }
  return version;
}

/** What the marker of the whole root of a suite says, or undefined where there is none. */
function readMarker(suite) {
  const root = path.join(cacheDirectory(), suite);
  let text;
  try {
    text = fs.readFileSync(path.join(root, MARKER), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
  const marker = JSON.parse(text);
  return packagesOf(suite).every((name) => marker.packages.includes(name)) ? marker : undefined;
}

function addNewerPackages(suite, target) {
  const list = path.join(target, 'etc/apt/sources.list');
  const base = fs.readFileSync(list, 'utf8');
  fs.appendFileSync(list, base.replaceAll(` ${BASE_OF[suite]} `, ` ${suite} `));
  // Release files of a mirror that lags can be past their date; the signature still counts.
  const apt = inRoot(target, 'apt-get', '-y', '-o', 'Acquire::Check-Valid-Until=false');
  if (!run([...apt, 'update']) || !run([...apt, 'install', '-t', suite, '--no-install-recommends', ...PACKAGES])) {
    throw new Error(`the packages of ${suite} could not be installed in ${target} (the messages are above)`);
  }
}

/** Builds the root beside its place and renames it when it is whole. Runs under the lock. */
function build(suite) {
  const root = path.join(cacheDirectory(), suite);
  const partial = `${root}.partial`;
  if (readMarker(suite)) return;
  debootstrap(BASE_OF[suite] ?? suite, packagesOf(suite), partial);
  if (BASE_OF[suite]) addNewerPackages(suite, partial);
  fs.rmSync(path.join(partial, 'var/cache/apt'), { recursive: true, force: true });
  fs.rmSync(path.join(partial, 'var/lib/apt/lists'), { recursive: true, force: true });
  const marker = { suite, criu: criuVersion(partial), packages: packagesOf(suite) };
  fs.writeFileSync(path.join(partial, MARKER), `${JSON.stringify(marker)}\n`);
  fs.rmSync(root, { recursive: true, force: true });
  fs.renameSync(partial, root);
}

/** Makes sure that the root of a suite is there; at once where it is. Throws an Error that says the way out. */
function ensureCriuRoot(suite = DEFAULT_SUITE) {
  if (!/^[a-z][a-z0-9-]*$/.test(suite)) throw new Error(`"${suite}" is no name of a Debian suite: try trixie or sid`);
  const missing = whatRootsNeed();
  if (missing) throw new Error(`CRIU cannot be tested here: ${missing}`);
  const root = path.join(cacheDirectory(), suite);
  makeUnderLock(suite, __filename, () => readMarker(suite) !== undefined, `${suite} root with criu`);
  const marker = readMarker(suite);
  return { root, suite, version: marker.criu, criu: criuCommand(root) };
}

module.exports = { ensureCriuRoot, critCommand, criuCommand, pythonCommand, DEFAULT_SUITE };

if (require.main === module) {
  const args = process.argv.slice(2);
  try {
    if (args[0] === '--build' && args.length === 2) {
      build(args[1]);
    } else if (args.length <= 1 && !args[0]?.startsWith('-')) {
      const { root, version } = ensureCriuRoot(args[0]);
      process.stdout.write(`${root}\n`);
      process.stderr.write(`criu ${version}\n`);
    } else {
      process.stderr.write('usage: node tools/criu-root.js [SUITE]\n');
      process.exitCode = 2;
    }
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
