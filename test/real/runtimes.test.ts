import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { type NextCommand, openSource, rewrite } from '../../src';
import { until } from '../support/until';
import {
  checkpointRunc,
  containerPid,
  makeBundle,
  makePodmanImage,
  PODMAN,
  podmanImages,
  podmanPid,
  startPodman,
  startPodmanService,
  startRunc,
} from './support/containers';
import { Fifo } from './support/fifo';
import type { Lab } from './support/lab';
import type { Pipe } from './support/pipe';
import { realTest } from './support/real-test';
import { RuntimeRoom } from './support/runtime-room';
import { ended } from './support/spawn';

/**
 * Caller fds through container runtimes: stdout, stdin, the log and stderr of a container are what the
 * caller has at 5 to 8.
 */

const EXEC = '/tmp/native/fdgraft-exec';
const SPECS = ['fd[5]:/proc/1/fd/1', 'fd[6]:/proc/1/fd/0', 'fd[7]:/app.log', 'fd[8]:/proc/1/fd/2'];

/** Caller fds, and checks of where they arrive. */
class Caller {
  private readonly fifo: Fifo;
  private readonly log: string;
  private readonly logFd: number;
  private readonly errors: string;
  private readonly errorsFd: number;

  constructor(lab: Lab) {
    this.fifo = new Fifo(lab);
    this.log = path.join(lab.directory(), 'log');
    this.logFd = fs.openSync(this.log, 'a');
    this.errors = path.join(lab.directory(), 'errors');
    this.errorsFd = fs.openSync(this.errors, 'a');
  }

  get fds() {
    return { 5: this.fifo.writer, 7: this.logFd, 8: this.errorsFd };
  }

  /** The restored container has them and nobody else, writes, and with its end the reader sees the end. */
  async check(t: ExecutionContext, hostPid: number): Promise<void> {
    for (const fd of Object.values(this.fds)) fs.closeSync(fd);
    const link = (fd: number) => fs.readlinkSync(`/proc/${hostPid}/fd/${fd}`);
    t.deepEqual([1, 2, 5].map(link), [this.fifo.path, this.errors, this.log]);
    t.deepEqual(this.fifo.holders(), [hostPid], 'no runtime, no monitor and no keeper has it');
    process.kill(hostPid, 'SIGUSR1');
    await until('what the container writes', () => fs.readFileSync(this.log, 'utf8') === 'task 5\n');
    t.is(this.fifo.read(), 'task 1\n');
    t.is(fs.readFileSync(this.errors, 'utf8'), 'task 2\n');
    t.is(this.fifo.read(), 'waits');
    process.kill(hostPid, 'SIGKILL');
    await until('the end of the container', () => this.fifo.read() === 'end');
    t.pass();
  }
}

/** Its stdin has what was unread at the dump, once, and then what comes later. */
async function reads(t: ExecutionContext, hostPid: number, caller: Pipe): Promise<void> {
  t.is(fs.readlinkSync(`/proc/${hostPid}/fd/0`), caller.name);
  const file = `/proc/${hostPid}/root/read.1.0`;
  const read = () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
  process.kill(hostPid, 'SIGUSR2');
  await until('what the container reads', () => read() !== '');
  caller.fill(Buffer.from('later\n'));
  process.kill(hostPid, 'SIGUSR2');
  await until('what the container reads', () => read() !== 'unread\n');
  t.is(read(), 'unread\nlater\n');
  fs.rmSync(file);
}

/** Fills a container's stdin, of which it reads nothing before it is told to. */
function fillStdin(hostPid: number): void {
  const input = fs.openSync(`/proc/${hostPid}/fd/0`, 'w');
  fs.writeSync(input, 'unread\n');
  fs.closeSync(input);
}

/** Nothing is left of a start. */
async function checkNothingLeft(t: ExecutionContext, room: RuntimeRoom): Promise<void> {
  t.is(await room.run(['sh', '-c', 'ls /run/fdgraft; grep -l fdgraft-keeper /proc/[0-9]*/comm || :']), '');
}

/** The command that a rewrite prints, with the paths of the room and words of one's own. */
function printedCommand(
  room: RuntimeRoom,
  next: NextCommand | undefined,
  words: { [word: string]: string } = {},
): string[] {
  if (next === undefined) throw new Error('nothing was written');
  const inRoom = next.words.map((word) => word.replace(room.directory, '/tmp/work'));
  return [EXEC, ...inRoom.slice(1).map((word) => words[word] ?? word)];
}

realTest('runc and crun: in the background, attached, and with nothing in its environment', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  await makeBundle(room);
  const { input } = await startRunc(room, lab, 'first');
  input.fill(Buffer.from('unread\n'));
  await checkpointRunc(room, 'first');
  const out = path.join(room.directory, 'out');
  const { next } = await rewrite(await openSource(path.join(room.directory, 'dump')), {
    specs: SPECS,
    out,
  });

  // The command that a rewrite prints, with the user's words in it.
  t.is(next?.restorer, 'runc');
  const printed = printedCommand(room, next, { BUNDLE: '/tmp/work', ID: 'first' });
  const first = new Caller(lab);
  const firstInput = await lab.pipe();
  const running = room.start(printed, { ...first.fds, 6: firstInput.readEnd });
  await until('the restore', async () => {
    if (running.child.exitCode !== null) throw new Error(running.said());
    return /"status": "running"/.test(await room.run(['sh', '-c', 'runc state first 2>&1 || :']));
  });
  await first.check(t, await containerPid(room, 'runc', 'first'));
  t.is(await ended(running.child, 60), 137, running.said());

  const restore = (id: string, ...more: string[]) => {
    const paths = ['--image-path', '/tmp/work/out', '--work-path', '/tmp/work/log', '--bundle', '/tmp/work'];
    return ['runc', 'restore', ...more, ...paths, id];
  };
  const background = new Caller(lab);
  const backgroundInput = await lab.pipe();
  await room.run([EXEC, '--plan', '/tmp/work/out', '--', ...restore('second', '-d')], {
    ...background.fds,
    6: backgroundInput.readEnd,
  });
  await checkNothingLeft(t, room);
  await reads(t, await containerPid(room, 'runc', 'second'), backgroundInput);
  await background.check(t, await containerPid(room, 'runc', 'second'));

  const foreground = new Caller(lab);
  const foregroundInput = await lab.pipe();
  const attached = room.start([EXEC, '--plan', '/tmp/work/out', '--', ...restore('third')], {
    ...foreground.fds,
    6: foregroundInput.readEnd,
  });
  await until('the restore', async () => {
    if (attached.child.exitCode !== null) throw new Error(attached.said());
    return /"status": "running"/.test(await room.run(['sh', '-c', 'runc state third 2>&1 || :']));
  });
  await checkNothingLeft(t, room);
  await reads(t, await containerPid(room, 'runc', 'third'), foregroundInput);
  await foreground.check(t, await containerPid(room, 'runc', 'third'));
  t.is(await ended(attached.child, 60), 137, attached.said());

  const served = new Caller(lab);
  const servedInput = await lab.pipe();
  const scrubbed = ['env', '-i', 'PATH=/usr/sbin:/usr/bin', ...restore('fourth', '-d')];
  await room.run([EXEC, '--plan', '/tmp/work/out', '--serve', '--timeout', '60', '--', ...scrubbed], {
    ...served.fds,
    6: servedInput.readEnd,
  });
  await checkNothingLeft(t, room);
  await reads(t, await containerPid(room, 'runc', 'fourth'), servedInput);
  await served.check(t, await containerPid(room, 'runc', 'fourth'));
  // crun restores what runc dumped, as long as it leaves cgroups alone.
  const other = new Caller(lab);
  const otherInput = await lab.pipe();
  const cgroups = ['--cgroup-manager', 'disabled'];
  const crun = ['crun', ...cgroups, ...restore('fifth', '-d', '--manage-cgroups-mode=ignore').slice(1)];
  await room.run([EXEC, '--plan', '/tmp/work/out', '--', ...crun], { ...other.fds, 6: otherInput.readEnd });
  await checkNothingLeft(t, room);
  await reads(t, await containerPid(room, 'crun', 'fifth'), otherInput);
  await other.check(t, await containerPid(room, 'crun', 'fifth'));
  await room.run(['crun', ...cgroups, 'delete', '-f', 'fifth']);
  for (const id of ['second', 'third', 'fourth']) await room.run(['runc', 'delete', '-f', id]);
});

realTest('podman: container restore --import, by itself and by its service', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  const podman = PODMAN;
  await makePodmanImage(room);
  await startPodman(room, 'first', '--interactive');
  fillStdin(await podmanPid(room, 'first'));
  const exported = ['--compress', 'none', '--export', '/tmp/work/dump.tar', 'first'];
  await room.run([...podman, 'container', 'checkpoint', ...exported]);
  const out = path.join(room.directory, 'out.tar');
  const { next } = await rewrite(await openSource(path.join(room.directory, 'dump.tar')), { specs: SPECS, out });

  const caller = new Caller(lab);
  const input = await lab.pipe();
  // The command that a rewrite prints, with the store that podman has here and the name that it asks for.
  const printed = printedCommand(room, next);
  const restore = printed.indexOf('podman');
  t.deepEqual(printed.slice(0, restore), [EXEC, '--plan', '/tmp/work/out.tar', '--']);
  const words = [...podman, ...printed.slice(restore + 1), '--name', 'second'];
  await room.run([...printed.slice(0, restore), ...words], { ...caller.fds, 6: input.readEnd });
  await checkNothingLeft(t, room);
  const second = await podmanPid(room, 'second');
  await reads(t, second, input);
  await caller.check(t, second);

  // The service has no caller fd and nothing of fdgraft in its environment; it finds the plugin and the socket by itself.
  const url = await startPodmanService(room);
  const served = new Caller(lab);
  const servedInput = await lab.pipe();
  const remote = ['env', '-i', 'PATH=/usr/bin', 'podman', '--remote', '--url', url, 'container', 'restore'];
  const remoteWords = [...remote, '--import', '/tmp/work/out.tar', '--name', 'third'];
  const serve = [EXEC, '--plan', '/tmp/work/out.tar', '--serve', '--timeout', '60', '--'];
  await room.run([...serve, ...remoteWords], { ...served.fds, 6: servedInput.readEnd });
  await checkNothingLeft(t, room);
  const third = await podmanPid(room, 'third');
  await reads(t, third, servedInput);
  await served.check(t, third);
  await room.run([...podman, 'rm', '-f', '-a']);
});

realTest('podman: container restore of what is rewritten in its storage', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  await makePodmanImage(room);
  await startPodman(room, 'first', '--interactive');
  fillStdin(await podmanPid(room, 'first'));
  await room.run([...PODMAN, 'container', 'checkpoint', 'first']);
  const images = await podmanImages(room, 'first');
  const { next } = await rewrite(await openSource(images), { specs: SPECS, inPlace: true });
  // The command that a rewrite prints, with the store that podman has here.
  const printed = printedCommand(room, next);
  const restore = printed.indexOf('podman');
  t.deepEqual(printed.slice(0, restore), [EXEC, '--plan', images.replace(room.directory, '/tmp/work'), '--']);
  const words = [...printed.slice(0, restore), ...PODMAN, ...printed.slice(restore + 1)];
  const caller = new Caller(lab);
  const input = await lab.pipe();
  await room.run(words, { ...caller.fds, 6: input.readEnd });
  await checkNothingLeft(t, room);
  const pid = await podmanPid(room, 'first');
  await reads(t, pid, input);
  await caller.check(t, pid);
  await room.run([...PODMAN, 'rm', '-f', '-a']);
});
