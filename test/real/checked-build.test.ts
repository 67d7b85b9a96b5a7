import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { checkedBuild, takeReports } from './support/checked-build';
import { compileProgram } from './support/compile';
import { restoreGiven } from './support/given';
import { CriuFailure, type Lab } from './support/lab';
import { realTest } from './support/real-test';

/** What the tests with a real CRIU rely on: UBSan is in the plugin, and its reports are seen. */

const FLAGS = ['-g', '-shared', '-fPIC', '-fsanitize=undefined', '-fno-sanitize-recover=undefined'];
const STATIC = ['-static-libubsan', '-static-libgcc'];

/** A directory with a plugin whose init has a fault. */
function faulty(lab: Lab): string {
  const directory = lab.directory();
  const source = path.join(__dirname, '../native/other-plugin.c');
  const defines = ['-DNAME="faulty"', '-DOWN_ID=99999', '-DOVERFLOWS'];
  execFileSync('cc', [...FLAGS, ...STATIC, ...defines, '-o', path.join(directory, 'faulty.so'), source]);
  return directory;
}

realTest('a fault in a plugin ends CRIU, and is reported', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const extraArgs = ['-L', faulty(lab), '--inherit-fd', `fd[5]:${old.name}`];
  await t.throwsAsync(() => lab.restore(dump, { extraArgs, callerFds: { 5: old.writeEnd } }), {
    instanceOf: CriuFailure,
  });
  t.regex(takeReports().join('\n'), /other-plugin\.c:\d+:\d+: runtime error: signed integer overflow/);
});

realTest('the plugin that restores has UBSan within', async (t, lab) => {
  const names = execFileSync('nm', [path.join(checkedBuild(), 'fdgraft.so')], { encoding: 'utf8' });
  t.regex(names, / t __ubsan_handle_\w+_abort$/im);
  const needed = execFileSync('objdump', ['-p', path.join(checkedBuild(), 'fdgraft.so')], { encoding: 'utf8' });
  t.notRegex(needed, /NEEDED +lib(ubsan|gcc)/, 'CRIU may have neither');
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const { tasks } = await restoreGiven(lab, dump, { specs: [`fd[5]:${old.name}`], give: ['5=file:2:/dev/null'] });
  t.is(tasks.fds(program.pid).get(1)?.target, '/dev/null');
});
