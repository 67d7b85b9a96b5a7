/** The package as users have it: installed by npm with each Node.js, run in systems that have no compiler. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';

const { ensureNodes } = require('../../tools/node-versions.js') as { ensureNodes(): { [version: string]: string } };
const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): { [name: string]: string };
};
const { ensureCriuRoot } = require('../../tools/criu-root.js') as { ensureCriuRoot(): { root: string } };
const { ensureNativeRoot, ensurePrebuilt } = require('../../tools/prebuild.js') as {
  ensureNativeRoot(): string;
  ensurePrebuilt(): void;
};

const top = path.join(__dirname, '../..');
const native = path.join(top, 'native/prebuilt');
const TARGETS = ['linux-x64', 'linux-arm64'];
const PROGRAMS = ['fdgraft-exec', 'fdgraft-exchange', 'fdgraft-lock', 'fdgraft-sparse'];

/** Of glibc: RHEL 9 has this one, Ubuntu 22.04 a newer one. */
const NEWEST = [2, 34];

function needs(...names: string[]): void {
  const [missing] = Object.values(ensurePrograms(names));
  if (missing !== undefined) throw new Error(missing);
}

function output(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

test.serial.before(() => {
  ensurePrebuilt();
});

test.serial('the programs need libc alone, the plugin what CRIU has, and no glibc that is newer than 2.34', (t) => {
  needs('readelf');
  for (const target of TARGETS) {
    for (const name of [...PROGRAMS, 'fdgraft.so']) {
      const file = path.join(native, target, name);
      const libraries = [...output('readelf', '-d', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, one]) => one);
      const others = libraries.filter((one) => one !== 'libc.so.6' && !one?.startsWith('ld-linux-'));
      t.deepEqual(others, name === 'fdgraft.so' ? ['libprotobuf-c.so.1'] : [], file);
      const versions = [...output('readelf', '-V', file).matchAll(/GLIBC_(\d+)\.(\d+)/g)];
      t.true(versions.length > 0, file);
      for (const [version, major, minor] of versions)
        t.true(Number(major) === NEWEST[0] && Number(minor) <= (NEWEST[1] as number), `${file}: ${version}`);
      t.regex(output('readelf', '-h', file), target === 'linux-x64' ? /X86-64/ : /AArch64/, file);
    }
  }
});

test.serial('the license of the library that is part of the executor comes with it', (t) => {
  t.regex(fs.readFileSync(path.join(native, 'libprotobuf-c.copyright'), 'utf8'), /Redistributions in binary form/);
});

test.serial('those of arm64 run', (t) => {
  needs('qemu');
  const loader = path.join(ensureNativeRoot(), 'usr/aarch64-linux-gnu');
  const program = path.join(native, 'linux-arm64/fdgraft-exec');
  const run = (...args: string[]) =>
    spawnSync('qemu-aarch64-static', ['-L', loader, program, ...args], { encoding: 'utf8' });
  t.regex(run('--version').stdout, /^fdgraft-exec \d/);
  const plan = path.join(top, 'test/golden');
  t.is(run('--plan', plan, '--', 'true').status, 100, 'it reads its words and looks for the plan');
});

/** A shell's lines in the system of `root`, which has the prefix, this node and a checkpoint. */
function runIn(root: string, prefix: string, node: string, checkpoint: string, lines: string) {
  const at = fs.mkdtempSync(path.join(root, 'tmp/fdgraft-'));
  const inside = path.join('/', path.relative(root, at));
  for (const name of ['prefix', 'node', 'work']) fs.mkdirSync(path.join(at, name));
  try {
    fs.cpSync(checkpoint, path.join(at, 'work/ck'), { recursive: true });
    const script = [
      `mount --bind '${prefix}' '${at}/prefix'`,
      `mount -t proc proc '${root}/proc'`,
      `mount --bind '${path.dirname(node)}' '${at}/node'`,
      `exec chroot '${root}' env -i PATH=${inside}/node:${inside}/prefix/bin:/usr/bin:/bin sh -ec 'cd ${inside}/work; ${lines}'`,
    ];
    return spawnSync('unshare', ['-m', 'sh', '-ec', script.join('\n')], { encoding: 'utf8' });
  } finally {
    fs.rmSync(at, { recursive: true, force: true });
  }
}

const LINES = [
  'command -v cc gcc make >compilers || true',
  'fdgraft rewrite ck -o out --inherit-fd "fd[5]:pipe:[128372]" --quiet',
  'fdgraft-exec --check --plan out -- criu restore -D out 5>file',
  'fdgraft rewrite ck --in-place --inherit-fd "fd[5]:pipe:[128372]" --quiet',
  'fdgraft diff out ck',
  'fdgraft-exec --version',
  'readlink -f "$(command -v fdgraft-exec)"',
];

function install(t: ExecutionContext, node: string, archive: string): string {
  const prefix = temporaryDirectory(t);
  const npm = fs.realpathSync(output('sh', '-c', 'command -v npm').trim());
  const words = ['install', '--global', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  const env = { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH}` };
  const { status, stderr, stdout } = spawnSync(node, [npm, ...words, '--prefix', prefix, archive], {
    encoding: 'utf8',
    env,
  });
  t.is(status, 0, stdout + stderr);
  return prefix;
}

/** Tells of the code that runs have kept of commands, and whether V8 takes it. */
const TELL_CODE = `
const fs = require('fs');
const [cli] = process.argv.slice(1);
const { codeFileOf, compileModule, openCode } = require(cli + '/load-compiled.js');
for (const file of fs.readdirSync(cli + '/commands').filter((name) => name.endsWith('.js')).map((name) => cli + '/commands/' + name)) {
  if (!fs.existsSync(codeFileOf(file))) continue;
  const source = fs.readFileSync(file);
  const { cachedDataRejected } = compileModule(source, file, openCode(source, fs.readFileSync(codeFileOf(file))));
  console.log(file.replace(/.*\\/(.*)\\.js/, '$1') + (cachedDataRejected === false ? ': taken' : ': refused'));
}`;

test.serial('installed by npm with Node.js 20, 22 and 24, it works in Debian 12 and in Debian 13', (t) => {
  t.timeout(1_800_000);
  const directory = temporaryDirectory(t);
  // What it is made of is there: to make it again would be in the way of other tests.
  output('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', directory, top);
  const [name] = fs.readdirSync(directory) as [string];
  const roots = [ensureNativeRoot(), ensureCriuRoot().root];
  const versions = Object.entries(ensureNodes());
  t.deepEqual(
    versions.map(([version]) => version.split('.')[0]),
    ['20', '22', '24'],
  );
  for (const [version, node] of versions) {
    const prefix = install(t, node, path.join(directory, name));
    for (const root of roots) {
      const { status, stdout, stderr } = runIn(
        root,
        prefix,
        node,
        path.join(top, 'fixtures/images/two_paths'),
        LINES.join('\n'),
      );
      t.is(status, 0, `${version} in ${root}: ${stderr}`);
      t.regex(stdout, /^fdgraft-exec \d.*\n.*\/fdgraft\/native\/fdgraft-exec\.sh\n$/s, version);
    }
    const told = output(node, '-e', TELL_CODE, path.join(prefix, 'lib/node_modules/fdgraft/dist/cli'));
    t.is(told, 'diff: taken\nrewrite: taken\n', version);
  }
});
