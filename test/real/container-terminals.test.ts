/** Terminals of containers that runc restores: what the restored tasks report. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { until } from '../support/until';
import { compileProgram } from './support/compile';
import { checkpointRunc, containerPid, makeBundle } from './support/containers';
import type { Lab } from './support/lab';
import { PtyHolder } from './support/pty-holder';
import { realTest } from './support/real-test';
import { RuntimeRoom } from './support/runtime-room';
import { openWindow } from './support/shell';

interface Container {
  room: RuntimeRoom;
  /** The root directory. */
  rootfs: string;
  /** Options of runc: one who listens for terminals, the bundle, and the images. */
  options: string[];
}

/** A container of runc whose program leads a session on a terminal: dumped, and rewritten into /tmp/work/out. */
async function dumpedContainer(t: ExecutionContext, lab: Lab): Promise<Container> {
  const room = await RuntimeRoom.open(lab);
  await makeBundle(room);
  const rootfs = path.join(room.directory, 'rootfs');
  fs.copyFileSync(compileProgram('terminal'), path.join(rootfs, 'program'));
  const file = path.join(room.directory, 'config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8'));
  config.process.terminal = true;
  config.process.args = ['/program', '/dev/console'];
  fs.writeFileSync(file, JSON.stringify(config));
  const socket = path.join(room.directory, 'console');
  const console = await PtyHolder.listen(lab, socket);
  const own = ['--console-socket', '/tmp/work/console', '--bundle', '/tmp/work'];
  const paths = (directory: string) => ['--image-path', directory, '--work-path', '/tmp/work/log'];
  await room.run(['runc', 'run', '-d', ...own, 'first']);
  const old = await console.received();
  await until('the container', () => fs.existsSync(path.join(rootfs, 'ready')));
  await checkpointRunc(room, 'first', '--shell-job');
  await old.hangUp();
  const [dump, out] = [path.join(room.directory, 'dump'), path.join(room.directory, 'out')];
  await rewrite(await openSource(dump), { specs: ['fd[5]:/dev/console'], out });
  t.deepEqual(checkRewritten(dump, out), []);
  // runc wants the socket with -d, and sends nothing there.
  fs.rmSync(socket);
  await PtyHolder.listen(lab, socket);
  return { room, rootfs, options: [...own, ...paths('/tmp/work/out')] };
}

const EXECUTOR = ['/tmp/native/fdgraft-exec', '--plan', '/tmp/work/out'];

/** What the tasks of the restored container report of their terminal; the pid of its leader on this machine. */
async function toldByContainer(t: ExecutionContext, { room, rootfs }: Container, size: string): Promise<number> {
  const leader = await containerPid(room, 'runc', 'second');
  const children = fs.readFileSync(`/proc/${leader}/task/${leader}/children`, 'utf8').trim().split(' ').map(Number);
  t.is(children.length, 2);
  const pidOf = (hostPid: number) =>
    Number(/^NSpid:.*\t(\d+)$/m.exec(fs.readFileSync(`/proc/${hostPid}/status`, 'utf8'))?.[1]);
  const foreground = Math.max(...children.map(pidOf));
  for (const hostPid of [leader, ...children]) {
    const said = path.join(rootfs, `read.${pidOf(hostPid)}.terminal`);
    fs.rmSync(said, { force: true });
    process.kill(hostPid, 'SIGUSR2');
    await until('what it reports', () => fs.existsSync(said) && fs.readFileSync(said, 'utf8').endsWith('\n'));
    t.regex(fs.readFileSync(said, 'utf8'), new RegExp(`^pgrp ${foreground} sid 1 tty open size ${size} echo off `));
  }
  return leader;
}

realTest('a container of runc with a terminal: the session goes to the terminal of the caller', async (t, lab) => {
  const container = await dumpedContainer(t, lab);
  const { room, options } = container;
  const holder = await PtyHolder.open(lab, 50, 132);
  const fd = lab.open(holder.name, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  await room.run([...EXECUTOR, '--', 'runc', 'restore', '-d', ...options, 'second'], { 5: fd });
  const leader = await toldByContainer(t, container, '50x132');
  t.is(fs.readlinkSync(`/proc/${leader}/fd/0`), holder.name);
  process.kill(leader, 'SIGUSR1');
  await holder.until(/leader\r\n/);
  await room.run(['runc', 'delete', '-f', 'second']);
});

realTest('a container of runc comes back in a window', async (t, lab) => {
  const container = await dumpedContainer(t, lab);
  const { room, options } = container;
  const command = [...EXECUTOR, '--pty', '--', 'runc', 'restore', '-d', ...options, 'second'];
  const window = openWindow(t, room.argv(command), '/', 33);
  await until('the restored container', async () =>
    (await room.run(['sh', '-c', 'runc state second || :'])).includes('"status": "running"'),
  );
  const leader = await toldByContainer(t, container, '33x80');
  process.kill(leader, 'SIGUSR1');
  await window.until(/leader\r\n/);
  await window.resize(44, 111);
  await toldByContainer(t, container, '44x111');
  await room.run(['runc', 'delete', '-f', 'second']);
  t.is(await window.ended(), 'exit 0');
});
