// What a fresh clone needs before anything can be built: npm packages and Debian packages. Installs what
// is missing where it can, and says exactly what to install where it cannot.

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const top = path.join(__dirname, '..');

/** What native/ is built with: a probe that succeeds where it is there, and the Debian package that brings it. */
const NATIVE_NEEDS = [
  { probe: ['cc', '--version'], packages: ['gcc', 'libc6-dev'] },
  { probe: ['make', '--version'], packages: ['make'] },
  { probe: ['protoc-c', '--version'], packages: ['protobuf-c-compiler'] },
  { probe: ['sh', '-c', 'echo "#include <protobuf-c/protobuf-c.h>" | cc -E -'], packages: ['libprotobuf-c-dev'] },
];

/** What native/fuzz is built with besides. */
const FUZZ_NEEDS = [
  {
    probe: [
      'sh',
      '-c',
      'echo "int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }" | clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null -',
    ],
    packages: ['clang', 'libclang-rt-dev'],
  },
];

/** A reason to stop that the user can do something about. */
class Missing extends Error {}

/** Runs a command with its output on the screen; throws where it fails. */
function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: top, stdio: 'inherit', ...options });
  if (error) throw new Missing(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Missing(`${[command, ...args].join(' ')} ended with ${status ?? signal}`);
}

/** Begins what `run` does. Returns what waits for its end, and throws as `run` does. */
function begin(command, args) {
  const ended = new Promise((resolve) => {
    const child = spawn(command, args, { cwd: top, stdio: 'inherit' });
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (status, signal) => resolve(status === 0 ? undefined : `ended with ${status ?? signal}`));
  });
  return async () => {
    const problem = await ended;
    if (problem !== undefined) throw new Missing(`${[command, ...args].join(' ')} ${problem}`);
  };
}

/** The packages of package-lock.json, as they stand there. */
function ensureNodeModules() {
  const installed = path.join(top, 'node_modules', '.package-lock.json');
  const lock = path.join(top, 'package-lock.json');
  if (fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(lock).mtimeMs) return;
  console.error('installing npm packages: npm ci');
  run(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

function works([command, ...args]) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Installs what is missing of these needs. */
function ensurePackages(needs) {
  if (process.platform !== 'linux') throw new Missing('the executor and the plugin are built on Linux only');
  const packages = needs.filter(({ probe }) => !works(probe)).flatMap((need) => need.packages);
  if (packages.length === 0) return;
  if (process.getuid() !== 0 || !works(['apt-get', '--version'])) {
    throw new Missing(`native/ cannot be built. Install, as root: apt-get install ${packages.join(' ')}`);
  }
  console.error(`installing Debian packages: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const stdio = ['ignore', 'ignore', 'inherit'];
  run('apt-get', ['-qq', 'update'], { env, stdio });
  run('apt-get', ['-qq', '-y', 'install', ...packages], { env, stdio });
}

/** The compiler and the library for native/. */
function ensureNativeTools() {
  ensurePackages(NATIVE_NEEDS);
}

/** The compiler for native/fuzz, which is none for native/ alone. */
function ensureFuzzTools() {
  ensurePackages(FUZZ_NEEDS);
}

/** Runs a tool's main function; what the user can mend is told without a stack trace. */
function runMain(main) {
  Promise.resolve()
    .then(main)
    .catch((error) => {
      console.error(error instanceof Missing ? error.message : error);
      process.exitCode = 1;
    });
}

module.exports = { begin, ensureFuzzTools, ensureNativeTools, ensureNodeModules, Missing, run, runMain, top };
