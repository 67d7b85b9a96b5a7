import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The native part: built once, then run as a shell would run it, with whatever a test puts at its descriptors. */

const root = join(__dirname, '../..');
const native = join(root, 'native');

export type Variant = 'plain' | 'sanitized' | 'undefined';

/** Where the programs are; all builds have the same names. That of UBSan alone runs in a real CRIU. */
export const builds: Record<Variant, string> = {
  plain: join(native, 'build'),
  sanitized: join(native, 'build/sanitize'),
  undefined: join(native, 'build/undefined'),
};

const targets: Record<Variant, string> = { plain: 'all', sanitized: 'sanitize', undefined: 'undefined' };

const done = new Set<string>();

/** One build at a time, whoever else runs tests in this tree. */
function locked(key: string, argv: readonly string[]): void {
  if (done.has(key)) return;
  execFileSync('flock', [join(native, 'Makefile'), ...argv], { stdio: ['ignore', 'ignore', 'inherit'], cwd: root });
  done.add(key);
}

/** Builds what a test of this variant needs and returns the directory of it. */
export function build(variant: Variant = 'plain'): string {
  locked(variant, ['make', '-s', '-C', native, targets[variant]]);
  return builds[variant];
}

/** Programs that play CRIU, or a library that is preloaded (swap, splice, refuse); the last four linked in other ways or with system calls of their own. */
export const LINKED = ['host-now', 'host-no-plt', 'host-no-pie', 'host-no-setsid'] as const;
export type Helper =
  | 'give'
  | 'show'
  | 'host'
  | 'host-options'
  | 'host-no-store'
  | 'peer'
  | 'window'
  | 'swap'
  | 'splice'
  | 'refuse'
  | (typeof LINKED)[number];

const sources: Record<Helper, [string, string[]]> = {
  give: ['give.c', []],
  show: ['show.c', []],
  host: ['host.c', []],
  'host-options': ['host.c', ['-DWITH_OPTIONS']],
  'host-no-store': ['host.c', ['-DWITHOUT_STORE']],
  'host-now': ['host.c', ['-Wl,-z,relro,-z,now']],
  'host-no-plt': ['host.c', ['-fno-plt', '-Wl,-z,relro,-z,now']],
  'host-no-pie': ['host.c', ['-no-pie']],
  'host-no-setsid': ['host.c', ['-DWITHOUT_SETSID']],
  peer: ['peer.c', []],
  window: ['window.c', []],
  swap: ['swap.c', ['-shared', '-fPIC']],
  splice: ['splice.c', ['-shared', '-fPIC']],
  refuse: ['refuse.c', ['-shared', '-fPIC']],
};

/** Compiles a program of test/native and returns its path. */
export function helper(name: Helper, variant: Variant = 'plain'): string {
  const [source, defines] = sources[name];
  const program = join(native, 'build/test', variant, name);
  const sanitize = variant === 'sanitized' ? ['-g', '-fsanitize=address,undefined'] : [];
  const warnings = ['-std=c11', '-Wall', '-Wextra', '-Werror'];
  // make compiles it only where the source is newer, and a running copy of it is never written over.
  const compile = ['cc', ...warnings, ...sanitize, ...defines, '-rdynamic', '-o', '"$2.new"', '"$1"', '-ldl'].join(' ');
  const script = `mkdir -p "\${2%/*}" && { [ "$2" -nt "$1" ] || { ${compile} && mv "$2.new" "$2"; }; }`;
  locked(program, ['sh', '-c', script, 'sh', join(root, 'test/native', source), program]);
  return program;
}

export interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Words for give: what is at which descriptor, such as 5=file:2:/tmp/log. */
  give?: readonly string[];
  /** Added to an environment of PATH, HOME and TMPDIR alone. */
  env?: Record<string, string>;
  /** Descriptors of this process that the child gets too, by the number there. Without `give`. */
  pass?: Record<number, number>;
  variant?: Variant;
  cwd?: string;
}

let ownRuntime: string | undefined;

/** For a user other than root: where the executor puts its sockets, of this user's or of this process alone. */
export function runtimeEnvironment(): Record<string, string> {
  if (process.getuid?.() === 0) return {};
  ownRuntime ??= process.env.XDG_RUNTIME_DIR || mkdtempSync(join(tmpdir(), 'native-runtime-'));
  return { XDG_RUNTIME_DIR: ownRuntime };
}

let reports: string | undefined;

/** Where the sanitizers write: a keeper has /dev/null as stderr, and its end is seen by nobody. */
function reportEnvironment(): Record<string, string> {
  if (reports === undefined) {
    const { path, remove } = directory();
    // Other users write there too.
    chmodSync(path, 0o1777);
    process.on('exit', remove);
    reports = path;
  }
  const options = `log_path=${join(reports, 'report')}`;
  return { ASAN_OPTIONS: options, UBSAN_OPTIONS: options };
}

/** Fails where a sanitizer has reported something, in this run or late in the one before. */
function refuseReports(): void {
  for (const name of reports === undefined ? [] : readdirSync(reports)) {
    const path = join(reports as string, name);
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    throw new Error(text);
  }
}

/** Runs a command to its end. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const words = options.give ? [helper('give'), ...options.give, '--', ...argv] : [...argv];
  const highest = Math.max(2, ...Object.keys(options.pass ?? {}).map(Number));
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'];
  for (let fd = 3; fd <= highest; fd++) stdio.push(options.pass?.[fd] ?? 'ignore');
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, {
    stdio,
    cwd: options.cwd ?? '/',
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: '/nonexistent',
      TMPDIR: tmpdir(),
      ...runtimeEnvironment(),
      ...(options.variant === 'sanitized' ? reportEnvironment() : {}),
      ...options.env,
    },
  });
  const result: Result = { code: null, signal: null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    result.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      try {
        refuseReports();
        resolve({ ...result, code, signal });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Runs fdgraft-exec. */
export function exec(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  return run([join(build(options.variant), 'fdgraft-exec'), ...argv], options);
}

export interface Shown {
  cloexec: string | null;
  socket: string | null;
  libs: string | null;
  limit: number;
  fds: Record<string, { link: string; flags: number; offset: number; cloexec: boolean; file: number }>;
}

/** What the program `show` said. */
export function shown(result: Result): Shown {
  if (result.code !== 0) throw new Error(`exit ${result.code ?? result.signal}: ${result.stderr}`);
  return JSON.parse(result.stdout) as Shown;
}

/** A fresh directory, and how to remove it. */
export function directory(): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'native-test-')));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
