import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../support/until';
import { compileHelper } from './compile';
import type { Lab } from './lab';
import type { Pipe } from './pipe';
import type { RuntimeRoom } from './runtime-room';

/** Makes the work directory of a room a bundle for runc, with the program `stdio` in it. */
export async function makeBundle(room: RuntimeRoom): Promise<void> {
  const rootfs = path.join(room.directory, 'rootfs');
  fs.mkdirSync(rootfs);
  fs.copyFileSync(compileHelper('stdio'), path.join(rootfs, 'program'));
  fs.chmodSync(path.join(rootfs, 'program'), 0o755);
  await room.run(['sh', '-c', 'cd /tmp/work && runc spec']);
  const file = path.join(room.directory, 'config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8'));
  config.process.terminal = false;
  config.process.args = ['/program'];
  config.root.readonly = false;
  // What runc and crun name differently in a dump.
  config.linux.maskedPaths = [];
  config.linux.readonlyPaths = [];
  config.mounts = config.mounts.filter(({ type }: { type: string }) => type !== 'cgroup');
  config.linux.namespaces = config.linux.namespaces.filter(
    ({ type }: { type: string }) => type !== 'network' && type !== 'cgroup',
  );
  fs.writeFileSync(file, JSON.stringify(config));
}

/** Of a container's first process, as this machine counts. */
export async function containerPid(room: RuntimeRoom, runtime: 'runc' | 'crun', id: string): Promise<number> {
  const { pid } = JSON.parse(await room.run([runtime, 'state', id])) as { pid: number };
  return hostPid(room, pid);
}

/** Of a process of the room, by its pid there. */
async function hostPid(room: RuntimeRoom, pid: number): Promise<number> {
  for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const pids =
        /^NSpid:\s*(.*)$/m
          .exec(fs.readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]
          ?.split(/\s+/)
          .map(Number) ?? [];
      if (pids.length > 2 && pids.at(-2) === pid && [...room.tasks.pids().values()].includes(Number(name)))
        return Number(name);
    } catch {
      // It ended while the list was read.
    }
  }
  throw new Error(`no container with pid ${pid}`);
}

/** podman with a store in the work directory, for a root that an overlay bears. */
export const PODMAN: readonly string[] = [
  ...['podman', '--storage-driver', 'vfs', '--root', '/tmp/work/store', '--runroot', '/run/store'],
  ...['--cgroup-manager', 'cgroupfs', '--runtime', 'runc', '--events-backend', 'file'],
];

/** Has runc dump a container into /tmp/work/dump; an error has what criu's log says of it. */
export async function checkpointRunc(room: RuntimeRoom, id: string, ...more: string[]): Promise<void> {
  const paths = ['--image-path', '/tmp/work/dump', '--work-path', '/tmp/work/log'];
  try {
    await room.run(['runc', 'checkpoint', ...more, ...paths, id]);
  } catch (error) {
    const log = fs.readFileSync(path.join(room.directory, 'log/dump.log'), 'utf8');
    const errors = log.split('\n').filter((line) => / (Error|Warn) /.test(line));
    throw new Error(`${(error as Error).message}\n${errors.join('\n')}`);
  }
}

/** Gives podman an image, `program`, that has the program `stdio`. */
export async function makePodmanImage(room: RuntimeRoom): Promise<void> {
  const image = path.join(room.directory, 'image');
  for (const name of ['dev', 'proc', 'sys']) fs.mkdirSync(path.join(image, name), { recursive: true });
  fs.copyFileSync(compileHelper('stdio'), path.join(image, 'program'));
  fs.chmodSync(path.join(image, 'program'), 0o755);
  await room.run(['sh', '-c', 'tar -C /tmp/work/image -cf /tmp/work/image.tar .']);
  await room.run([...PODMAN, 'import', '/tmp/work/image.tar', 'program']);
}

/** Starts a container of the bundle with runc, its stdio pipes of the lab, and waits until it is ready. */
export async function startRunc(room: RuntimeRoom, lab: Lab, id: string): Promise<{ readonly input: Pipe }> {
  const [input, output, errors] = [await lab.pipe(), await lab.pipe(), await lab.pipe()];
  const stdio = { 0: input.readEnd, 1: output.writeEnd, 2: errors.writeEnd };
  await room.run(['runc', 'run', '-d', '--bundle', '/tmp/work', id], stdio);
  await until('the container', () => fs.existsSync(path.join(room.directory, 'rootfs/ready')));
  return { input };
}

/** Starts a container of podman's image, and waits until it is ready. */
export async function startPodman(room: RuntimeRoom, name: string, ...more: string[]): Promise<void> {
  const options = [...more, '--network', 'host', '--security-opt', 'seccomp=unconfined'];
  await room.run([...PODMAN, 'run', '-d', ...options, '--name', name, 'program', '/program']);
  await until('the container', async () => (await room.run([...PODMAN, 'diff', name])).includes('A /ready\n'));
}

/** Of a podman container's first process, as this machine counts. */
export async function podmanPid(room: RuntimeRoom, name: string): Promise<number> {
  const [inspected] = JSON.parse(await room.run([...PODMAN, 'inspect', name])) as [{ State: { Pid: number } }];
  return hostPid(room, inspected.State.Pid);
}

/** The image directory of a container that podman has checkpointed into its own storage, as this machine names it. */
export async function podmanImages(room: RuntimeRoom, name: string): Promise<string> {
  const id = (await room.run([...PODMAN, 'inspect', '--format', '{{.Id}}', name])).trim();
  return path.join(room.directory, 'store/vfs-containers', id, 'userdata/checkpoint');
}

/** Starts podman's service and waits for its socket. */
export async function startPodmanService(room: RuntimeRoom): Promise<string> {
  const url = 'unix:///run/podman.sock';
  room.start([...PODMAN, 'system', 'service', '--time=0', url]);
  const socket = ['sh', '-c', 'ls /run/podman.sock 2>&1 || :'];
  await until('the service', async () => (await room.run(socket)) === '/run/podman.sock\n');
  return url;
}
