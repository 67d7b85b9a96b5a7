// The programs and the plugin for those who have no compiler: native/prebuilt/linux-x64 and linux-arm64, built in a
// Debian 12, whose libraries every current distribution has or can stand in for. `npm pack` calls this.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { cacheDirectory } = require('./cache-directory');
const { debootstrap, environment, inRoot, makeUnderLock, run, whatRootsNeed } = require('./debian-root');
const { runMain, top } = require('./ensure');
const { filesBelow } = require('./files-below');

const SUITE = 'bookworm';
const NAME = 'bookworm-native';
const MARKER = 'fdgraft-native.json';
const PACKAGES = [
  ...['gcc', 'libc6-dev', 'make', 'protobuf-c-compiler', 'libprotobuf-c-dev', 'ca-certificates'],
  ...['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'],
];
/** Of arm64, unpacked in SYSROOT: to be linked with, not to be run. */
const FOREIGN = ['libprotobuf-c1:arm64', 'libprotobuf-c-dev:arm64'];
const SYSROOT = '/opt/arm64';

const LIBRARIES = `${SYSROOT}/usr/lib/aarch64-linux-gnu`;
/** By the name that Node.js has for a processor: what make gets, as variables of the environment. */
const TARGETS = {
  x64: { CC: 'gcc' },
  arm64: {
    CC: 'aarch64-linux-gnu-gcc',
    CPPFLAGS: `-idirafter ${SYSROOT}/usr/include`,
    LDFLAGS: `-L${LIBRARIES} -Wl,-rpath-link,${LIBRARIES}`,
  },
};
const PRODUCTS = ['fdgraft-exec', 'fdgraft.so', 'fdgraft-exchange', 'fdgraft-lock', 'fdgraft-sparse'];

/** The license of the library that the executor has in it. */
const NOTICE = 'native/prebuilt/libprotobuf-c.copyright';

/** What make needs. */
const SOURCES = ['package.json', 'schemas', 'native/Makefile', 'native/src'];

function isWhole() {
  try {
    const marker = JSON.parse(fs.readFileSync(path.join(cacheDirectory(), NAME, MARKER), 'utf8'));
    return [...PACKAGES, ...FOREIGN].every((name) => marker.packages.includes(name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return false;
    throw error;
  }
}

/** Runs under the lock. */
function makeRoot() {
  if (isWhole()) return;
  const root = path.join(cacheDirectory(), NAME);
  const partial = `${root}.partial`;
  debootstrap(SUITE, PACKAGES, partial);
  const unpack = `for package in ./*.deb; do dpkg -x "$package" ${SYSROOT}; done`;
  const fetch = [
    'dpkg --add-architecture arm64',
    'apt-get update -o Acquire::Check-Valid-Until=false',
    `mkdir -p ${SYSROOT} /opt/packages && cd /opt/packages`,
    `apt-get -o APT::Sandbox::User=root download ${FOREIGN.join(' ')}`,
    unpack,
  ];
  if (!run(inRoot(partial, 'sh', '-ec', fetch.join('\n'))))
    throw new Error(`libprotobuf-c of arm64 could not be fetched in ${partial} (the messages are above)`);
  fs.rmSync(path.join(partial, 'var/cache/apt'), { recursive: true, force: true });
  fs.rmSync(path.join(partial, 'var/lib/apt/lists'), { recursive: true, force: true });
  fs.writeFileSync(path.join(partial, MARKER), `${JSON.stringify({ packages: [...PACKAGES, ...FOREIGN] })}\n`);
  fs.rmSync(root, { recursive: true, force: true });
  fs.renameSync(partial, root);
}

/** The directory with the root. Throws an Error that says the way out. */
function ensureNativeRoot() {
  const missing = whatRootsNeed();
  if (missing) throw new Error(`the programs of the package cannot be built here: ${missing}`);
  makeUnderLock(NAME, __filename, isWhole, `${SUITE} root with compilers`);
  return path.join(cacheDirectory(), NAME);
}

/** In a directory of its own in the root. */
function copySources(place) {
  for (const name of SOURCES) fs.cpSync(path.join(top, name), path.join(place, name), { recursive: true });
}

function buildFor(root, place, target, variables) {
  const inside = path.join('/', path.relative(root, place), 'native');
  // Debian's static libprotobuf-c goes into the program; the plugin takes the one that CRIU itself has.
  const words = ['make', '-s', '-j2', '-C', inside, `OUT=build/${target}`, 'EXEC_LDLIBS=-l:libprotobuf-c.a'];
  const LDFLAGS = `-s ${variables.LDFLAGS ?? ''}`;
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...variables, LDFLAGS };
  const made = [...words, ...PRODUCTS.map((name) => `build/${target}/${name}`)];
  const [command, ...args] = inRoot(root, ...made);
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...environment(), ...env } });
  if (status !== 0) throw new Error(`native/ could not be built for ${target} (the messages are above)`);
  const to = path.join(top, 'native/prebuilt', `linux-${target}`);
  fs.mkdirSync(to, { recursive: true });
  for (const name of PRODUCTS) {
    fs.copyFileSync(path.join(place, 'native/build', target, name), path.join(to, name));
    fs.chmodSync(path.join(to, name), 0o755);
  }
}

/** Makes native/prebuilt anew. Throws an Error where this machine cannot. */
function prebuild() {
  const root = ensureNativeRoot();
  fs.rmSync(path.join(top, 'native/prebuilt'), { recursive: true, force: true });
  const place = fs.mkdtempSync(path.join(root, 'tmp/fdgraft-'));
  try {
    copySources(place);
    for (const [target, variables] of Object.entries(TARGETS)) buildFor(root, place, target, variables);
    // Its license asks for that where it is part of a program.
    fs.copyFileSync(path.join(root, 'usr/share/doc/libprotobuf-c1/copyright'), path.join(top, NOTICE));
    fs.chmodSync(path.join(top, NOTICE), 0o644);
  } finally {
    fs.rmSync(place, { recursive: true, force: true });
  }
}

/** Whether native/prebuilt is not there, or older than what it is made of. */
function isStale() {
  const products = Object.keys(TARGETS).flatMap((target) =>
    PRODUCTS.map((name) => path.join('native/prebuilt', `linux-${target}`, name)),
  );
  const made = [...products, NOTICE].map((name) => path.join(top, name));
  const sources = [...SOURCES, 'tools/prebuild.js'].flatMap((name) => filesBelow(path.join(top, name)));
  const time = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.min(...made.map(time)) < Math.max(...sources.map(time));
}

/** Makes native/prebuilt if it is stale: once, also if several tests ask for it at a time. */
function ensurePrebuilt() {
  if (!isStale()) return;
  fs.mkdirSync(cacheDirectory(), { recursive: true });
  const lock = path.join(cacheDirectory(), 'prebuilt.lock');
  const words = [lock, process.execPath, __filename, '--if-stale'];
  const { status, stderr, error } = spawnSync('flock', words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`native/prebuilt could not be made:\n${stderr || error}`);
}

module.exports = { ensureNativeRoot, ensurePrebuilt, NOTICE, prebuild };

if (require.main === module) {
  const [, , mode] = process.argv;
  if (mode === '--build') runMain(makeRoot);
  else if (mode !== '--if-stale' || isStale()) runMain(prebuild);
}
