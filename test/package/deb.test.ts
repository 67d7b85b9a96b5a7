/** The Debian package: made twice, checked, and installed, used and removed in a Debian 13. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): { [name: string]: string };
};
const { ensureCriuRoot } = require('../../tools/criu-root.js') as { ensureCriuRoot(): { root: string } };
const { ensurePrebuilt } = require('../../tools/prebuild.js') as { ensurePrebuilt(): void };

const top = path.join(__dirname, '../..');
const NAMES = ['fdgraft_amd64.deb', 'fdgraft_arm64.deb'];

/** Makes both in a new directory, with names without the version. */
function pack(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  const script = `require('./tools/deb.js').packBuilt(${JSON.stringify(directory)})`;
  const env = { ...process.env, DEBFULLNAME: 'A Packager', DEBEMAIL: 'packager@debian.org' };
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: top, env, encoding: 'utf8' });
  t.is(status, 0, stderr);
  for (const name of fs.readdirSync(directory))
    fs.renameSync(path.join(directory, name), path.join(directory, name.replace(/_.*_/, '_')));
  t.deepEqual(fs.readdirSync(directory).sort(), NAMES);
  return directory;
}

test.serial('the same sources give the same packages, which lintian finds nothing wrong with', (t) => {
  t.timeout(1_200_000);
  ensurePrebuilt();
  const [missing] = Object.values(ensurePrograms(['lintian']));
  if (missing !== undefined) throw new Error(missing);
  const [one, other] = [pack(t), pack(t)];
  for (const name of NAMES) {
    const [file, again] = [path.join(one, name), path.join(other, name)];
    t.true(fs.readFileSync(file).equals(fs.readFileSync(again)), name);
    const words = ['--allow-root', '--fail-on', 'error,warning', file];
    const { status, stdout } = spawnSync('lintian', words, { encoding: 'utf8' });
    t.is(status, 0, stdout);
  }
});

/** In a Debian 13 with Node.js of its own: nothing of this is kept. */
const INSTALL = `
apt-get -qq -o Acquire::Check-Valid-Until=false update
apt-get -qq -y --no-install-recommends install nodejs libprotobuf-c1 >/dev/null 2>&1
apt-get -qq -y --no-install-recommends install /package/fdgraft_amd64.deb >/dev/null 2>&1
cd /package
echo "version $(fdgraft --version), $(fdgraft-exec --version)"
for command in ls info show decode; do fdgraft $command --help >/dev/null; done
fdgraft ls ck >list
fdgraft rewrite ck -o out --inherit-fd 'fd[5]:pipe:[128372]' --quiet
fdgraft-exec --check --plan out -- criu restore -D out 5>file
fdgraft rewrite ck --in-place --inherit-fd 'fd[5]:pipe:[128372]' --quiet
fdgraft diff out ck
fdgraft batch ls out --out lists --jobs 2 --quiet
fdgraft completion bash >script
echo "plugin $(readlink -f /usr/lib/criu/fdgraft.so)"
ls /usr/share/man/man1/fdgraft-rewrite.1.gz /usr/share/zsh/vendor-completions/_fdgraft
apt-get -qq -y remove fdgraft >/dev/null 2>&1
find / -xdev -path /proc -prune -o -print | grep fdgraft | grep -v '^/package\\|^/fdgraft-root.json\\|/var/\\|^/tmp' | sort >/after.list || true
cat /after.list
`;

test.serial('it is installed, works, and leaves nothing in a Debian 13', (t) => {
  t.timeout(1_200_000);
  ensurePrebuilt();
  const { root } = ensureCriuRoot();
  const directory = temporaryDirectory(t);
  const made = pack(t);
  for (const name of ['upper', 'work', 'merged']) fs.mkdirSync(path.join(directory, name));
  const script = [
    `mount -t tmpfs tmpfs '${directory}/work' && mkdir '${directory}/work/upper' '${directory}/work/work'`,
    `mount -t overlay overlay -o 'lowerdir=${root},upperdir=${directory}/work/upper,workdir=${directory}/work/work' '${directory}/merged'`,
    `mount -t proc proc '${directory}/merged/proc'`,
    `mkdir '${directory}/merged/package' && cp -r '${made}'/. '${top}/fixtures/images/two_paths' '${directory}/merged/package'`,
    `mv '${directory}/merged/package/two_paths' '${directory}/merged/package/ck'`,
    `cp /etc/resolv.conf '${directory}/merged/etc/resolv.conf' 2>/dev/null || true`,
    `exec chroot '${directory}/merged' env -u TMPDIR PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh -ec "$1"`,
  ];
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-ec', script.join('\n'), 'sh', INSTALL], {
    encoding: 'utf8',
  });
  t.is(status, 0, stdout + stderr);
  t.regex(
    stdout,
    /^version \d\S+, fdgraft-exec \d\S+\nplugin \/usr\/lib\/fdgraft\/native\/prebuilt\/linux-x64\/fdgraft\.so\n\/usr\/share\/man\/man1\/\S+\n\/usr\/share\/zsh\/\S+\n$/,
  );
});
