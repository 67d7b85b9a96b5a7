import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource, rewrite } from '../../src';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import { restoreGrafted } from './support/graft';
import { CriuFailure, type Lab } from './support/lab';
import { realTest } from './support/real-test';

/** A dump that is rewritten with linked pages, and a way to dump another run of its program. */
async function rewritten(lab: Lab) {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const out = path.join(lab.directory(), 'out');
  const { notices } = await rewrite(await openSource(dump), {
    specs: [`fd[7]:${program.directory}/log`],
    out,
    link: 'hard',
  });
  const dumpAgain = async (dir: string) => lab.dump(await lab.startProgram(compileProgram('two_logs')), { dir });
  return { dump, out, notices, dumpAgain, callerFds: { 7: callerFile(lab, 'a').fd } };
}

realTest('a dump into the source writes into pages that OUT has links of, and OUT is refused', async (t, lab) => {
  const { dump, out, notices, dumpAgain, callerFds } = await rewritten(lab);
  t.true(notices.some(({ code }) => code === 'PAGES_LINKED'));
  await (await restoreGrafted(lab, out, { callerFds })).end();
  await sleep(2100); // The clocks of two hosts may be that far apart.
  await dumpAgain(dump);
  const failure = await t.throwsAsync(restoreGrafted(lab, out, { callerFds }), { instanceOf: CriuFailure });
  t.is(failure.exitCode, 100);
  t.regex(failure.output, /image pages-1\.img of .* is a link, and its file was written after the rewrite/);
});

realTest('a dump into OUT leaves an old plan, which is refused with the way out', async (t, lab) => {
  const { out, dumpAgain, callerFds } = await rewritten(lab);
  await dumpAgain(out);
  const failure = await t.throwsAsync(restoreGrafted(lab, out, { callerFds }), { instanceOf: CriuFailure });
  t.is(failure.exitCode, 100);
  t.regex(failure.output, /image files\.img .*if criu has dumped here since then, remove inherit-plan\.img/);
});
