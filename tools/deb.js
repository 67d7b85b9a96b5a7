// npm run deb: Debian packages of the command, the executor, the CRIU plugin, man pages and completion, one for each
// processor, in the directory that is given (the current one unless told). Their maintainer is who DEBFULLNAME and
// DEBEMAIL say, as for Debian's own tools, or the user of git.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { buildCommand } = require('./build');
const { NOTICES } = require('./compile-command');
const { Missing, runMain, top } = require('./ensure');
const { filesBelow } = require('./files-below');
const { inRoot } = require('./debian-root');
const { ensureNativeRoot, NOTICE, prebuild } = require('./prebuild');

/** By Node.js' name for a processor: Debian's, and the directory of its libraries. */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };
const OWN = 'usr/lib/fdgraft';
/** Where Debian's criu looks for plugins. */
const PLUGINS = 'usr/lib/criu';
const DOC = 'usr/share/doc/fdgraft';

const { version, engines } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8'));

/** The command's own files in dist: each has all that it needs in it. */
const COMMAND = ['dist/cli/bin.js', 'dist/cli/line.js', 'dist/cli/tell-version.js', 'dist/batch/worker.js'];

const commandFiles = () => [
  ...['package.json', 'bin/fdgraft.js', 'schemas', ...COMMAND],
  ...fs
    .readdirSync(path.join(top, 'dist/cli/commands'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => `dist/cli/commands/${name}`),
];

function git(...args) {
  return spawnSync('git', args, { cwd: top, encoding: 'utf8' }).stdout?.trim() || undefined;
}

/** `NAME <ADDRESS>`. Throws where nobody is known. */
function maintainer() {
  const name = process.env.DEBFULLNAME || git('config', 'user.name');
  const address = process.env.DEBEMAIL || process.env.EMAIL || git('config', 'user.email');
  if (name === undefined || address === undefined)
    throw new Missing('nobody is known as maintainer of the package: set DEBFULLNAME and DEBEMAIL');
  return `${name} <${address}>`;
}

/** Seconds since 1970 of what is packed: the same commit gives the same bytes. */
const sourceTime = () => Number(process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct') || 0);

function write(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

function copy(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.cpSync(path.join(top, from), to, { recursive: true });
}

function link(target, place) {
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.symlinkSync(target, place);
}

/** As gzip -9n makes it. */
const gzip = (content) => zlib.gzipSync(content, { level: 9 });

function putShared(tree) {
  const shared = path.join(top, 'dist/share');
  for (const file of filesBelow(shared)) {
    const name = path.join('usr/share', path.relative(shared, file));
    const content = fs.readFileSync(file);
    if (name.startsWith('usr/share/man/')) write(path.join(tree, `${name}.gz`), gzip(content));
    else
      write(path.join(tree, name.replace('usr/share/zsh/site-functions', 'usr/share/zsh/vendor-completions')), content);
  }
}

/** The license in Debian's form. */
function copyrightText() {
  const license = fs.readFileSync(path.join(top, 'LICENSE'), 'utf8').trim();
  const [, holder] = /^Copyright (?:\(c\) )?(.*)$/m.exec(license) ?? [];
  const body = license.split('\n').map((line) => (line.trim() === '' ? ' .' : ` ${line}`));
  const head = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';
  return `${head}\n\nFiles: *\nCopyright: ${holder}\nLicense: MIT\n\nLicense: MIT\n${body.join('\n')}\n`;
}

function changelogText(by) {
  const date = new Date(sourceTime() * 1000).toUTCString().replace('GMT', '+0000');
  return `fdgraft (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${by}  ${date}\n`;
}

function controlText(architecture, kilobytes, by) {
  const oldest = engines.node.replace('>=', '');
  return `Package: fdgraft
Version: ${version}
Architecture: ${architecture}
Maintainer: ${by}
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.34), libprotobuf-c1 (>= 1.3.1), nodejs (>= ${oldest})
Recommends: criu
Section: admin
Priority: optional
Description: restore CRIU checkpoints with descriptors of the caller
 CRIU saves a process tree as image files and restores it later. fdgraft
 rewrites such images, so that pipes, files, sockets and terminals of the
 restored tasks are open files of whoever starts the restore.
 .
 fdgraft lists, rewrites and compares checkpoints. fdgraft-exec starts criu
 with the open files. The plugin gives them to the restored tasks.
`;
}

/** The command keeps V8's code of each Node.js that runs it. */
const PRERM = `#!/bin/sh
set -e
find /${OWN}/dist -name '*.code' -delete
`;

function makeTree(tree, target, by) {
  for (const name of commandFiles()) copy(name, path.join(tree, OWN, name));
  const native = `native/prebuilt/linux-${target}`;
  copy(native, path.join(tree, OWN, native));
  link(`../lib/fdgraft/bin/fdgraft.js`, path.join(tree, 'usr/bin/fdgraft'));
  link(`../lib/fdgraft/${native}/fdgraft-exec`, path.join(tree, 'usr/bin/fdgraft-exec'));
  link(`../fdgraft/${native}/fdgraft.so`, path.join(tree, PLUGINS, 'fdgraft.so'));
  putShared(tree);
  for (const name of ['README.md', 'docs', 'examples']) copy(name, path.join(tree, DOC, name));
  write(path.join(tree, DOC, 'CHANGELOG.md.gz'), gzip(fs.readFileSync(path.join(top, 'CHANGELOG.md'))));
  write(path.join(tree, DOC, 'changelog.gz'), gzip(changelogText(by)));
  copy(NOTICE, path.join(tree, DOC, path.basename(NOTICE)));
  copy(`dist/${NOTICES}`, path.join(tree, DOC, NOTICES));
  write(path.join(tree, DOC, 'copyright'), copyrightText());
}

/** One of two modes for each, and one time for all. Returns the size of all in kilobytes. */
function settle(tree) {
  const PROGRAM = /\/(fdgraft\.js|dist\/cli\/bin\.js|fdgraft-(exec|exchange|lock|sparse))$/;
  let bytes = 0;
  for (const entry of fs.readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    bytes += entry.isFile() ? fs.statSync(file).size : 4096;
    const isProgram = entry.isDirectory() || (PROGRAM.test(file) && !file.includes('/completions/'));
    fs.chmodSync(file, isProgram ? 0o755 : 0o644);
  }
  fs.chmodSync(tree, 0o755);
  return Math.ceil(bytes / 1024);
}

function packFor(root, target, to) {
  const by = maintainer();
  const architecture = ARCHITECTURES[target];
  const place = fs.mkdtempSync(path.join(root, 'tmp/fdgraft-'));
  try {
    const tree = path.join(place, 'tree');
    makeTree(tree, target, by);
    const kilobytes = settle(tree);
    write(path.join(tree, 'DEBIAN/control'), controlText(architecture, kilobytes, by));
    write(path.join(tree, 'DEBIAN/prerm'), PRERM);
    fs.chmodSync(path.join(tree, 'DEBIAN'), 0o755);
    const inside = path.join('/', path.relative(root, place));
    const sums =
      'find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums && chmod 644 DEBIAN/* && chmod 755 DEBIAN/prerm';
    const build = `dpkg-deb --root-owner-group --build ${inside}/tree ${inside}/fdgraft.deb`;
    const script = `umask 022; cd ${inside}/tree; ${sums}; ${build} >&2`;
    const [command, ...argv] = inRoot(root, 'sh', '-ec', script);
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(sourceTime()), PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    if (spawnSync(command, argv, { stdio: ['ignore', 2, 2], env }).status !== 0)
      throw new Missing(`the package for ${architecture} could not be made (the messages are above)`);
    const file = path.join(to, `fdgraft_${version}_${architecture}.deb`);
    fs.copyFileSync(path.join(place, 'fdgraft.deb'), file);
    return file;
  } finally {
    fs.rmSync(place, { recursive: true, force: true });
  }
}

/** Makes the packages of what is built. Returns their paths. Throws an Error that says the way out. */
function packBuilt(to) {
  const root = ensureNativeRoot();
  return Object.keys(ARCHITECTURES).map((target) => packFor(root, target, to));
}

module.exports = { packBuilt };

if (require.main === module)
  runMain(() => {
    buildCommand();
    prebuild();
    for (const file of packBuilt(path.resolve(process.argv[2] ?? '.'))) console.log(file);
  });
