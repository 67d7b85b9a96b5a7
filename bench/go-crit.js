// go-criu's own `crit`, the upstream program in Debian's package, built once and kept in the user's cache.
// Built with this host's Debian packages where they are there, else in a copy of the directory of tools/criu-root.js:
// Debian before 13 has a go-criu without it.
//
//   node bench/go-crit.js     prints the path of the program

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { ensureCriuRoot } = require('../tools/criu-root');
const { cacheDirectory } = require('../tools/cache-directory');

const PACKAGES = ['golang-go', 'golang-github-checkpoint-restore-go-criu-dev', 'golang-github-spf13-cobra-dev'];
const GOPATH = '/usr/share/gocode';
const GO_CRIU = 'github.com/checkpoint-restore/go-criu';
const HAND = `as root on Debian 13 or newer, apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;

const directory = () => path.join(cacheDirectory(), 'go-crit');
const program = () => path.join(directory(), 'crit');
const marker = () => path.join(directory(), 'go-crit.json');

function run([command, ...args], env = {}) {
  const { status, error } = spawnSync(command, args, {
    // stdout is the answer of this tool, so what the commands say goes to stderr.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, ...env },
  });
  return !error && status === 0;
}

/** The import path of the program in the newest go-criu under ROOT that comes with one. */
function findSource(root) {
  const base = path.join(root, GOPATH, 'src', GO_CRIU);
  let names;
  try {
    names = fs.readdirSync(base);
  } catch {
    return undefined;
  }
  const major = names
    .filter((name) => /^v\d+$/.test(name) && fs.existsSync(path.join(base, name, 'crit/cmd/main.go')))
    .sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)))[0];
  return major === undefined ? undefined : `${GO_CRIU}/${major}/crit/cmd`;
}

function packageVersion(prefix) {
  const [command, ...args] = [...prefix, 'dpkg-query', '-W', PACKAGES[1]];
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\t')[1] : undefined;
}

/** Compiles with the packages of ROOT, reached through PREFIX, into OUT (a path under ROOT). */
function compile(root, prefix, out, extra = {}) {
  const source = findSource(root);
  if (source === undefined) return false;
  // No modules and no network: what Debian packaged is all there is. Static, so that it runs outside ROOT.
  const env = {
    GO111MODULE: 'off',
    GOPATH,
    GOFLAGS: '',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
    GOCACHE: `${path.posix.dirname(out)}/gocache`,
    ...extra,
  };
  return run([...prefix, 'go', 'build', '-o', out, source], env);
}

function compileOnHost(partial) {
  if (!compile('/', [], path.join(partial, 'crit'))) return undefined;
  return { goCriu: packageVersion([]) };
}

/**
 * The packages are hundreds of MiB that CRIU's own directory does without: a copy of it gets them, and goes when it is
 * done.
 */
function compileInRoot(partial) {
  const copy = path.join(partial, 'root');
  if (!run(['cp', '-a', '--reflink=auto', ensureCriuRoot().root, copy])) throw new Error('the root cannot be copied');
  const inside = ['unshare', '-m', 'chroot', copy];
  // Release files of a mirror that lags can be past their date; the signature still counts.
  const apt = [...inside, 'apt-get', '-qq', '-y', '-o', 'Acquire::Check-Valid-Until=false'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (!run([...apt, 'update'], env) || !run([...apt, 'install', '--no-install-recommends', ...PACKAGES], env)) {
    throw new Error(`apt-get could not install its packages: node bench/go-crit.js --build tells more`);
  }
  // go finds its own directory through /proc, which the copy lacks.
  if (!compile(copy, inside, '/tmp/crit', { GOROOT: '/usr/lib/go' }))
    throw new Error('go could not build it: node bench/go-crit.js --build tells more');
  fs.renameSync(path.join(copy, 'tmp/crit'), path.join(partial, 'crit'));
  return { goCriu: packageVersion(inside) };
}

/** Builds beside its place and renames when it is whole. Runs under the lock. */
function build() {
  if (fs.existsSync(marker())) return;
  const partial = `${directory()}.partial`;
  fs.rmSync(partial, { recursive: true, force: true });
  fs.mkdirSync(partial, { recursive: true });
  try {
    const made = compileOnHost(partial) ?? compileInRoot(partial);
    fs.writeFileSync(path.join(partial, 'go-crit.json'), `${JSON.stringify(made)}\n`);
    for (const name of ['root', 'gocache']) fs.rmSync(path.join(partial, name), { recursive: true, force: true });
    fs.rmSync(directory(), { recursive: true, force: true });
    fs.renameSync(partial, directory());
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}

/**
 * Makes sure that the program is there; at once where it is. { path, version } with the version of Debian's
 * package, or { missing } with a line that says the way out.
 */
function ensureGoCrit() {
  if (!fs.existsSync(marker())) {
    const missing = (reason) => ({ missing: `crit of go-criu is missing: ${HAND} (${reason})` });
    try {
      fs.mkdirSync(cacheDirectory(), { recursive: true });
    } catch (error) {
      return missing(error.message);
    }
    // flock(1) keeps the lock for as long as the build runs, however this process ends.
    const { stderr, error } = spawnSync('flock', [`${directory()}.lock`, process.execPath, __filename, '--build'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (!fs.existsSync(marker())) {
      const reason = (error?.message ?? stderr).trim().split('\n').at(-1);
      return missing(reason);
    }
  }
  return { path: program(), version: JSON.parse(fs.readFileSync(marker(), 'utf8')).goCriu };
}

module.exports = { ensureGoCrit };

if (require.main === module) {
  if (process.argv[2] === '--build') {
    try {
      build();
    } catch (error) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  } else {
    const { path: found, version, missing } = ensureGoCrit();
    if (missing === undefined) {
      process.stdout.write(`${found}\n`);
      process.stderr.write(`go-criu ${version}\n`);
    } else {
      process.stderr.write(`${missing}\n`);
      process.exitCode = 1;
    }
  }
}
