import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openSource, rewrite } from '../../src';
import { build } from '../support/native';
import { compileProgram } from './support/compile';
import { descriptor } from './support/graft';
import type { Lab } from './support/lab';
import { realTest } from './support/real-test';

/** A CRIU whose plugin directory has what `make install` puts there, and a plugin of CRIU's. */

const native = path.join(__dirname, '../../native');

function install(lab: Lab): { exec: string; plugins: string } {
  build();
  const DESTDIR = lab.directory();
  const words = ['make', '-s', '-C', native, 'install', `DESTDIR=${DESTDIR}`, 'PLUGINDIR=/usr/lib/criu'];
  execFileSync('flock', [path.join(native, 'Makefile'), ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  const plugins = path.join(DESTDIR, 'usr/lib/criu');
  const source = path.join(__dirname, '../native/other-plugin.c');
  const options = ['-shared', '-fPIC', '-DNAME="amdgpu_plugin"', '-DOWN_ID=99999'];
  execFileSync('cc', [...options, '-o', path.join(plugins, 'amdgpu_plugin.so'), source]);
  return { exec: path.join(DESTDIR, 'usr/local/bin/fdgraft-exec'), plugins };
}

/** The plugins that CRIU's log says it loaded. */
function loaded(directory: string): string[] {
  const log = fs.readFileSync(path.join(directory, 'restore.log'), 'utf8');
  return [...log.matchAll(/Plugin "([^"]+)" \(/g)].map(([, name]) => name as string).sort();
}

const WRITTEN = 'parent 1\nparent 6\nparent 7\n';

realTest('the installed plugin changes nothing without a plan, and is loaded once with one', async (t, lab) => {
  const { exec, plugins } = install(lab);
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const env = { ...process.env, CRIU_LIBS_DIR: plugins };

  const plain = await lab.pipe();
  const extraArgs = ['--inherit-fd', `fd[5]:${old.name}`];
  const first = await lab.restore(dump, { program, env, extraArgs, callerFds: { 5: plain.writeEnd } });
  t.deepEqual(loaded(dump), ['amdgpu_plugin', 'fdgraft']);
  t.is(descriptor(first.tasks, program.pid, 1).target, plain.name);
  await first.tasks.signal(program.pid, 'SIGUSR1');
  t.is(plain.drain().toString(), WRITTEN);
  await first.end();

  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[5]:${old.name}`], out });
  const grafted = await lab.pipe();
  const prefix = [exec, '--plan', out, '--'];
  const second = await lab.restore(out, { program, env, prefix, callerFds: { 5: grafted.writeEnd } });
  t.deepEqual(loaded(out), ['amdgpu_plugin', 'fdgraft']);
  t.true(second.tasks.isOurs(program.pid, 1, grafted.writeEnd));
  await second.tasks.signal(program.pid, 'SIGUSR1');
  t.is(grafted.drain().toString(), WRITTEN);
});
