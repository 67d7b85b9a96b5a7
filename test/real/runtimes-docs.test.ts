import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { until } from '../support/until';
import {
  containerPid,
  makeBundle,
  makePodmanImage,
  PODMAN,
  podmanPid,
  startPodman,
  startPodmanService,
  startRunc,
} from './support/containers';
import { CLIENTS, RUNTIMES, readRecipes } from './support/cookbook';
import { realTest } from './support/real-test';
import { RuntimeRoom } from './support/runtime-room';

/** The recipes of docs/RUNTIMES.md, as they stand there: fdgraft runs on this machine, all else where the runtimes are. */

const top = path.resolve(__dirname, '../..');
const recipes = new Map(readRecipes(RUNTIMES).map(({ title, blocks }) => [title, blocks]));
/** test/real/rpc.test.ts tries the first. */
const tried = new Set<string>([CLIENTS]);

/** Runs all blocks of a recipe, line by line: none of them goes over two, and only the name of a variable does. */
async function follow(room: RuntimeRoom, title: string): Promise<void> {
  tried.add(title);
  const blocks = recipes.get(title) ?? [];
  const lines = blocks.flatMap(({ text }) => text.split('\n')).filter((line) => line !== '');
  if (lines.length === 0) throw new Error(`docs/RUNTIMES.md has no recipe "${title}"`);
  const variables = new Map<string, string>();
  const inRoom = (line: string) => {
    const known = [...variables].map(([name, value]) => `${name}=${value}; `).join('');
    return room.run(['sh', '-e', '-c', `cd /tmp/work; PATH=/tmp/work/bin:/tmp/native:$PATH; ${known}${line}`]);
  };
  for (const line of lines) {
    const [, name, value] = /^([A-Z]+)=(\$\(.*\))$/.exec(line) ?? [];
    if (name !== undefined) variables.set(name, (await inRoom(`echo "${value}"`)).trim());
    else if (line.startsWith('fdgraft ')) {
      const env = [...variables].map(([each, text]) => [each, text.replace(/^\/tmp\/work\//, `${room.directory}/`)]);
      execFileSync('sh', ['-e', '-c', `fdgraft() { ${process.execPath} ${top}/dist/cli/bin.js "$@"; }; ${line}`], {
        cwd: room.directory,
        stdio: 'pipe',
        env: { ...process.env, ...Object.fromEntries(env) },
      });
    } else await inRoom(line);
  }
}

/** The restored container writes to the caller's file; then it ends. */
async function check(t: ExecutionContext, room: RuntimeRoom, pid: number): Promise<void> {
  t.is(fs.readlinkSync(`/proc/${pid}/fd/5`), '/tmp/work/new.log');
  process.kill(pid, 'SIGUSR1');
  const log = path.join(room.directory, 'new.log');
  await until('a line in the log', () => fs.readFileSync(log, 'utf8') === 'task 5\n');
  process.kill(pid, 'SIGKILL');
  fs.rmSync(log);
}

realTest('the recipe for runc', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  await makeBundle(room);
  await startRunc(room, lab, 'web');
  await follow(room, 'runc');
  await check(t, room, await containerPid(room, 'runc', 'web'));
  await room.run(['runc', 'delete', '-f', 'web']);
});

realTest('the recipes for podman and its service', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  await makePodmanImage(room);
  const bin = path.join(room.directory, 'bin');
  fs.mkdirSync(bin);
  const remote = '/usr/bin/podman --remote --url unix:///run/podman.sock';
  const own = `/usr/bin/podman ${PODMAN.slice(1).join(' ')}`;
  const script = `#!/bin/sh\nif [ "$1" = --remote ]; then shift; exec ${remote} "$@"; fi\nexec ${own} "$@"\n`;
  fs.writeFileSync(path.join(bin, 'podman'), script, { mode: 0o755 });
  await startPodman(room, 'web');
  await follow(room, 'podman');
  await check(t, room, await podmanPid(room, 'web'));
  await room.run([...PODMAN, 'rm', '-f', 'web']);

  await startPodman(room, 'web');
  await follow(room, 'podman without an export');
  await check(t, room, await podmanPid(room, 'web'));
  await room.run([...PODMAN, 'rm', '-f', 'web']);

  await startPodmanService(room);
  await follow(room, 'podman --remote');
  await check(t, room, await podmanPid(room, 'web'));
  await room.run([...PODMAN, 'rm', '-f', '-a']);
  t.deepEqual([...tried].sort(), [...recipes.keys()].sort(), 'every recipe is tried');
});
