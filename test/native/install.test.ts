import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { register } from '../support/command';
import { build, helper, run, shown } from '../support/native';
import { file, O, planned, scratch } from './support';

/** `make install` and `make uninstall`. */

const native = join(__dirname, '../../native');
const give = [file(5, O.RDONLY, '/dev/null')];

type Variables = Record<string, string>;

/** Without a criu in PATH, unless the test gives it one, and without what `npm run build` makes, unless it says so. */
function make(target: string, variables: Variables, bin?: string) {
  build();
  // Other tests build in the same tree.
  const words = [join(native, 'Makefile'), 'make', '-s', '-C', native, target];
  const given = Object.entries({ SHARE: '', DOCS: '', ...variables }).map(([name, value]) => `${name}=${value}`);
  const PATH = [...(bin === undefined ? [] : [bin]), process.env.PATH].join(':');
  const { status, stdout, stderr } = spawnSync('flock', [...words, ...given], {
    encoding: 'utf8',
    env: { PATH, HOME: '/nonexistent' },
  });
  return { status, stdout, stderr };
}

/** All that is below a directory. */
function below(top: string, at = ''): string[] {
  return readdirSync(join(top, at), { withFileTypes: true }).flatMap((entry) => {
    const path = join(at, entry.name);
    return [path, ...(entry.isDirectory() ? below(top, path) : [])];
  });
}

function install(t: ExecutionContext, variables: Variables, bin?: string): string[] {
  const { status, stdout, stderr } = make('install', variables, bin);
  t.is(status, 0, stderr);
  const { DESTDIR = '' } = variables;
  return stdout
    .trimEnd()
    .split('\n')
    .map((path) => path.slice(DESTDIR.length))
    .sort();
}

/** A program that the script takes for CRIU, with what it was built with. */
function addCriu(directory: string, ...strings: string[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'criu'), `\x7fELF\0/etc/criu/\0/usr/libexec\0${strings.join('\0')}\0`, { mode: 0o755 });
}

test('what is installed works, and uninstall leaves nothing', async (t) => {
  const top = scratch(t);
  const DESTDIR = join(top, 'a root');
  const variables = { DESTDIR, PLUGINDIR: '/usr/lib64/criu' };
  t.deepEqual(install(t, variables), [
    '/usr/lib64/criu/fdgraft.so',
    '/usr/local/bin/fdgraft-exchange',
    '/usr/local/bin/fdgraft-exec',
    '/usr/local/bin/fdgraft-lock',
    '/usr/local/bin/fdgraft-sparse',
    '/usr/local/lib/fdgraft/fdgraft-exec',
    '/usr/local/lib/fdgraft/fdgraft.so',
  ]);
  const files = below(DESTDIR).filter((path) => !lstatSync(join(DESTDIR, path)).isDirectory());
  t.is(files.length, 8, 'the list is the eighth');
  for (const name of files.filter((path) => !path.endsWith('bin/fdgraft-exec')))
    t.is(lstatSync(join(DESTDIR, name)).mode & 0o777, /\.so$|installed$/.test(name) ? 0o644 : 0o755, name);
  const bin = join(DESTDIR, 'usr/local/bin');
  const lib = join(DESTDIR, 'usr/local/lib/fdgraft');
  t.is(readlinkSync(join(bin, 'fdgraft-exec')), '../lib/fdgraft/fdgraft-exec');

  // As users call it: by PATH.
  const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const none = join(directory, 'none');
  mkdirSync(none);
  const words = ['fdgraft-exec', '--plan', plan, '--plugins', none, '--', helper('show')];
  t.like(shown(await run(words, { give, env })), { libs: lib });
  // The plugin of CRIU's directory is there too, and is not loaded beside the other.
  const plugins = join(DESTDIR, 'usr/lib64/criu');
  const play = ['sh', '-c', `exec "$0" "$CRIU_LIBS_DIR" "$@"`, helper('host'), directory, '2', '1'];
  writeFileSync(join(lib, 'stranger.so'), 'makes a directory of links needed');
  const played = await run(['fdgraft-exec', '--plan', plan, '--plugins', plugins, '--', ...play], { give, env });
  t.is(played.code, 0, played.stderr);
  t.is(played.stdout.match(/^descriptor fdgraft /gm)?.length, 1);
  t.regex(played.stdout, /^hook 1 .* fd \/dev\/null/m);
  execFileSync('rm', [join(lib, 'stranger.so')]);

  t.deepEqual(make('uninstall', { DESTDIR }), { status: 0, stdout: '', stderr: '' });
  t.deepEqual(below(DESTDIR), []);
  const again = make('uninstall', { DESTDIR });
  t.is(again.status, 2);
  t.regex(again.stderr, /installed: cannot read: .*give the PREFIX and DESTDIR of make install/);
});

test('uninstall leaves what others put there, and what was there before', (t) => {
  const DESTDIR = scratch(t);
  const variables = { DESTDIR, PREFIX: '/opt/graft/' };
  mkdirSync(join(DESTDIR, 'opt/graft/bin'), { recursive: true });
  mkdirSync(join(DESTDIR, 'usr/lib64/criu'), { recursive: true });
  writeFileSync(join(DESTDIR, 'usr/lib64/criu/cuda_plugin.so'), 'cuda');
  const before = below(DESTDIR).sort();
  addCriu(join(DESTDIR, 'none'), '/usr/lib64/criu/');
  install(t, variables, join(DESTDIR, 'none'));
  // Again, and then with another directory of plugins: the first plugin goes.
  install(t, variables, join(DESTDIR, 'none'));
  t.true(existsSync(join(DESTDIR, 'usr/lib64/criu/fdgraft.so')));
  install(t, { ...variables, PLUGINDIR: '/opt/plugins' });
  t.false(existsSync(join(DESTDIR, 'usr/lib64/criu/fdgraft.so')));
  t.true(existsSync(join(DESTDIR, 'opt/plugins/fdgraft.so')));
  writeFileSync(join(DESTDIR, 'opt/plugins/mine.so'), 'mine');
  t.is(make('uninstall', variables).status, 0);
  execFileSync('rm', ['-r', join(DESTDIR, 'none')]);
  t.deepEqual(below(DESTDIR).sort(), [...before, 'opt/plugins', 'opt/plugins/mine.so'].sort());
});

test('man pages, completion and documents are installed if they are there, and uninstalled', (t) => {
  const top = scratch(t);
  const DESTDIR = join(top, 'root');
  const SHARE = join(top, 'a share');
  const DOCS = join(top, 'some docs');
  const shared = ['man/man1/fdgraft.1', 'zsh/site-functions/_fdgraft'];
  const documents = ['LS.md', 'api/types.txt'];
  const files = [...shared.map((name) => join(SHARE, name)), ...documents.map((name) => join(DOCS, name))];
  for (const path of files) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, path, { mode: 0o600 });
  }
  const variables = { DESTDIR, SHARE, DOCS, PLUGINDIR: '/plugins' };
  const share = join(DESTDIR, 'usr/local/share');
  const names = [...shared, ...documents.map((name) => `doc/fdgraft/docs/${name}`)];
  const told = install(t, variables);
  for (const [index, name] of names.entries()) {
    t.true(told.includes(`/usr/local/share/${name}`));
    t.is(readFileSync(join(share, name), 'utf8'), files[index] as string);
    t.is(lstatSync(join(share, name)).mode & 0o777, 0o644);
  }
  // A build without some of them takes them away.
  execFileSync('rm', ['-r', join(SHARE, 'zsh'), DOCS]);
  install(t, variables);
  t.deepEqual(
    below(share).filter((name) => lstatSync(join(share, name)).isFile()),
    ['man/man1/fdgraft.1'],
  );
  t.is(make('uninstall', { DESTDIR }).status, 0);
  t.deepEqual(below(DESTDIR), []);
});

test('CRIU’s plugin directory is found', (t) => {
  const plugin = (DESTDIR: string, bin: string) =>
    install(t, { DESTDIR }, bin).find((path) => path.endsWith('/criu/fdgraft.so'));
  const top = scratch(t);
  const root = (name: string, ...directories: string[]) => {
    const made = join(top, name);
    for (const directory of ['', ...directories]) mkdirSync(join(made, directory), { recursive: true });
    return made;
  };
  // The one that criu was built with, through a link and with others there.
  const bin = join(top, 'sbin');
  addCriu(join(top, 'real'), '/usr/local/lib/x86_64-linux-gnu/criu/');
  mkdirSync(bin);
  symlinkSync(join(top, 'real/criu'), join(bin, 'criu'));
  const many = root('many', 'usr/lib/criu', 'usr/lib64/criu');
  t.is(plugin(many, bin), '/usr/local/lib/x86_64-linux-gnu/criu/fdgraft.so');
  // The one beside a criu that does not tell, such as a script.
  const beside = root('beside/usr/local', 'sbin', 'lib64/criu');
  addCriu(join(beside, 'sbin'));
  t.is(plugin(root('plain'), join(beside, 'sbin')), `${realpathSync(beside)}/lib64/criu/fdgraft.so`);
  // Without that, one that is there, else the usual one.
  const alone = join(top, 'alone/bin');
  addCriu(alone);
  t.is(plugin(root('fedora', 'usr/lib64/criu', 'usr/local/lib/criu'), alone), '/usr/lib64/criu/fdgraft.so');
  t.is(plugin(root('source', 'usr/local/lib/criu'), alone), '/usr/local/lib/criu/fdgraft.so');
});

test('wrong variables, and what stands in the way', (t) => {
  const DESTDIR = scratch(t);
  for (const [name, value] of [
    ['PREFIX', 'usr'],
    ['PLUGINDIR', 'lib/criu'],
  ] as const) {
    const result = make('install', { DESTDIR, [name]: value });
    t.is(result.status, 2);
    t.regex(result.stderr, new RegExp(`^fdgraft: ${name}=${value}: not an absolute path; begin it with a slash`));
    t.deepEqual(below(DESTDIR), []);
  }
  mkdirSync(join(DESTDIR, 'usr/local/bin/fdgraft-exec'), { recursive: true });
  const result = make('install', { DESTDIR, PLUGINDIR: '/plugins' });
  t.is(result.status, 2);
  t.regex(result.stderr, /bin\/fdgraft-exec: cannot install: it is a directory; remove it/);
  t.deepEqual(below(DESTDIR), ['usr', 'usr/local', 'usr/local/bin', 'usr/local/bin/fdgraft-exec']);
});

test('the command finds its helpers in PATH where the package has no build', (t) => {
  const DESTDIR = scratch(t);
  install(t, { DESTDIR, PLUGINDIR: '/plugins' });
  const top = join(__dirname, '../..');
  const copy = join(DESTDIR, 'package');
  for (const directory of ['src', 'schemas', 'node_modules']) {
    mkdirSync(copy, { recursive: true });
    if (directory === 'src') execFileSync('cp', ['-r', join(top, directory), copy]);
    else symlinkSync(join(top, directory), join(copy, directory));
  }
  for (const name of ['package.json', 'tsconfig.json']) copyFileSync(join(top, name), join(copy, name));
  const script = "console.log(require('./src/storage/native-program').pathOfNative('fdgraft-exchange'))";
  const ask = (PATH: string) =>
    execFileSync(process.execPath, ['-r', register, '-e', script], {
      cwd: copy,
      encoding: 'utf8',
      env: { PATH, HOME: '/nonexistent' },
    }).trimEnd();
  const bin = join(DESTDIR, 'usr/local/bin');
  t.is(ask(`relative::${bin}`), join(bin, 'fdgraft-exchange'));
  t.is(ask('/nonexistent'), join(realpathSync(copy), 'native/build/fdgraft-exchange'));
});

test('the package has what make install needs', (t) => {
  const { files } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8')) as { files: string[] };
  for (const name of ['Makefile', 'install.sh', 'src']) t.true(files.includes(`native/${name}`));
  t.true(files.includes('schemas'));
});
