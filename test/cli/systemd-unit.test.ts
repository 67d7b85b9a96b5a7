import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { copyPackage, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: readonly string[]): Record<string, string>;
};

/** The unit in examples/ under a systemd that a test boots in namespaces of its own. */

const CHECKPOINT = 'web 1';

/** It starts the unit, and looks at what that left. */
const MAIN = `
mkdir -p /opt /etc/fdgraft /var/lib/checkpoints
cp -a /run/share/tree/. /
cp -a /run/share/ck '/var/lib/checkpoints/${CHECKPOINT}'
cp /run/share/specs.json /etc/fdgraft/
cp /run/share/unit '/etc/systemd/system/fdgraft-rewrite@.service'
systemctl daemon-reload
unit="fdgraft-rewrite@$(systemd-escape '${CHECKPOINT}').service"
systemctl start "$unit" || systemctl status -l --no-pager "$unit"
echo "result: $(systemctl show "$unit" -P Result -P ExecMainStatus | tr '\\n' ' ')"
out='/var/lib/fdgraft/${CHECKPOINT}'
[ "$(stat -c %u "$out")" -ge 61184 ] && echo 'a user of its own'
fdgraft diff '/var/lib/checkpoints/${CHECKPOINT}' "$out" --plan "$out"
`;

const missing = Object.values(ensurePrograms(['systemd-analyze']));
if (missing.length > 0 && process.env.CI === 'true') throw new Error(missing.join('\n'));
const canBoot = missing.length === 0 && process.geteuid?.() === 0;

/** Removes a control group and those in it. */
function removeGroup(group: string): void {
  if (!fs.existsSync(group)) return;
  for (const entry of fs.readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(path.join(group, entry.name));
  fs.rmdirSync(group);
}

(canBoot ? test : test.skip)('the unit rewrites a checkpoint, started as its first lines say', (t) => {
  const directory = temporaryDirectory(t);
  const [room, share, groups] = ['room', 'share', 'groups'].map((name) => {
    fs.mkdirSync(path.join(directory, name));
    return path.join(directory, name);
  }) as [string, string, string];
  const tree = path.join(share, 'tree');
  fs.mkdirSync(path.join(tree, 'opt/fdgraft'), { recursive: true });
  copyPackage(path.join(tree, 'opt/fdgraft'));
  fs.copyFileSync(process.execPath, path.join(tree, 'opt/node'));
  fs.mkdirSync(path.join(tree, 'usr/local/bin'), { recursive: true });
  const launcher = '#!/bin/sh\nexec /opt/node /opt/fdgraft/dist/cli/bin.js "$@"\n';
  fs.writeFileSync(path.join(tree, 'usr/local/bin/fdgraft'), launcher, { mode: 0o755 });
  putCheckpoint(path.join(share, 'ck'));
  const specs = JSON.stringify({ version: 1, specs: [{ inherit: SPEC }] });
  fs.writeFileSync(path.join(share, 'specs.json'), specs);
  fs.copyFileSync(path.join(top, 'examples/fdgraft-rewrite@.service'), path.join(share, 'unit'));
  fs.writeFileSync(path.join(share, 'main.sh'), MAIN);

  // systemd wants a control group of its own: it moves all processes of the one that it finds.
  t.is(spawnSync('mount', ['-t', 'cgroup2', 'cgroup2', groups]).status, 0);
  const group = path.join(groups, `fdgraft-test-${process.pid}`);
  fs.mkdirSync(group);
  const boot = `echo $$ > "$1/cgroup.procs"; exec unshare --pid --fork --kill-child --mount --uts --ipc --net --cgroup sh "$0" "$2" "$3"`;
  const script = path.join(top, 'test/support/booted-systemd.sh');
  const { stdout, stderr } = spawnSync('sh', ['-c', boot, script, group, room, share], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  try {
    removeGroup(group);
  } finally {
    spawnSync('umount', [groups]);
  }

  const file = path.join(share, 'said');
  const said = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : `${stdout}${stderr}`;
  t.regex(said, /^result: success 0 $/m, said);
  t.regex(said, /^a user of its own$/m, said);
  t.regex(said, /^The plan explains every difference\.$/m, said);
});
