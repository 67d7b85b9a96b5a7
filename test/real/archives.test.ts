import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { FORMS, openSource, rewrite } from '../../src';
import { compileProgram } from './support/compile';
import { descriptor, numbers, restoreGrafted } from './support/graft';
import type { Lab } from './support/lab';
import { realTest } from './support/real-test';

const PACKING: { readonly [form: string]: string[] } = {
  tar: [],
  'tar.gz': ['--gzip'],
  'tar.zst': ['--zstd'],
};

function tar(...words: string[]): void {
  const { status, stderr } = spawnSync('tar', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar ${words.join(' ')} ended with ${status}: ${stderr}`);
}

/** What `podman container checkpoint --export` puts around a dump. */
function layOut(lab: Lab, dump: string): string {
  const directory = lab.directory();
  fs.cpSync(dump, path.join(directory, 'checkpoint'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'config.dump'), '{"id": "1"}');
  fs.writeFileSync(path.join(directory, 'spec.dump'), '{"ociVersion": "1.0.2"}');
  fs.mkdirSync(path.join(directory, 'root'));
  fs.writeFileSync(path.join(directory, 'root/new'), 'a file of the container');
  tar('-cf', path.join(directory, 'rootfs-diff.tar'), '-C', path.join(directory, 'root'), '.');
  fs.rmSync(path.join(directory, 'root'), { recursive: true });
  return directory;
}

for (const form of FORMS.filter((each) => each !== 'dir')) {
  realTest(`an archive (${form}) like podman's: rewritten, unpacked by tar, restored`, async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
    const [parent, child] = [program.pid, program.pid + 1];
    const before = [parent, child].map((pid) => numbers(program.tasks, pid));
    const directory = layOut(lab, await lab.dump(program));
    const [archive, out, unpacked] = ['in', 'out', 'unpacked'].map((name) => path.join(lab.directory(), name)) as [
      string,
      string,
      string,
    ];
    const order = ['checkpoint', 'config.dump', 'spec.dump', 'rootfs-diff.tar'];
    tar('-cf', archive, ...(PACKING[form] as string[]), '--sort=name', '-C', directory, ...order);
    const source = await openSource(archive);
    const { next } = await rewrite(source, { specs: [`fd[5]:${old.name}`], out });
    await source.close();
    // podman unpacks it itself, and fdgraft-exec reads the plan in it.
    t.is(next?.unpack, undefined);
    t.deepEqual(next?.words.slice(0, 3), ['fdgraft-exec', '--plan', out]);
    t.true(next?.words.includes('--import'));
    fs.mkdirSync(unpacked);
    tar('-xf', out, '-C', unpacked);
    for (const name of order.slice(1)) {
      t.true(fs.readFileSync(path.join(unpacked, name)).equals(fs.readFileSync(path.join(directory, name))), name);
    }
    const pipe = await lab.pipe();
    const images = path.join(unpacked, 'checkpoint');
    const { tasks } = await restoreGrafted(lab, images, { callerFds: { 5: pipe.writeEnd } });
    t.deepEqual(
      [parent, child].map((pid) => numbers(tasks, pid)),
      before,
    );
    for (const fd of [1, 6, 7]) t.true(tasks.isOurs(parent, fd, pipe.writeEnd));
    t.is(descriptor(tasks, child, 9).target, pipe.name);
    await tasks.signal(child, 'SIGUSR1');
    t.is(pipe.drain().toString(), 'child 1\nchild 6\nchild 7\nchild 8\nchild 9\n');
  });
}

realTest('unread bytes come out of an archive that becomes a directory', async (t, lab) => {
  const old = await lab.pipe();
  fs.writeSync(old.writeEnd, 'not read before the dump');
  const program = await lab.startProgram(compileProgram('unread_pipe'), { fds: { 0: old.readEnd } });
  const dump = await lab.dump(program);
  const archive = path.join(lab.directory(), 'dump.tar.gz');
  tar('-czf', archive, '-C', dump, '.');
  const out = path.join(lab.directory(), 'out');
  const source = await openSource(archive);
  await rewrite(source, { specs: [`fd[5]:${old.name}`], out, to: 'dir' });
  await source.close();
  const pipe = await lab.pipe();
  const { tasks } = await restoreGrafted(lab, out, { callerFds: { 5: pipe.readEnd } });
  t.true(tasks.isOurs(program.pid, 0, pipe.readEnd));
  t.is(pipe.drain().toString().slice(0, 24), 'not read before the dump');
});
