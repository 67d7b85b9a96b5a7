import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { countWrites, killAt, leftAlone } from '../support/at-call';
import { bin, top } from '../support/command';
import { atDepth, numbersTo } from '../support/depth';
import { temporaryDirectory } from '../support/directories';
import { inDirectories } from '../support/in-directories';
import { build } from '../support/native';

/** Whatever call of a rewrite of an archive is the last: each archive is as before it or as after it. */

const POINTS = atDepth(4, 400);
const TIMEOUT_MS = 300_000;

test.before(() => {
  build();
});

function rewriteOf(source: string, ...where: string[]): [string, ...string[]] {
  return [process.execPath, bin, 'rewrite', source, ...where, '--inherit-fd', 'fd[5]:/dev/null'];
}

/** Packs a checkpoint as podman does; returns the path. */
function arrange(directory: string, form: string): string {
  const source = path.join(directory, `ckpt.${form}`);
  const words = ['-c', '--sort=name', '--mtime=@1', '--auto-compress', '-f', source, '--transform=s|^|checkpoint/|'];
  const { status, stderr } = spawnSync('tar', [...words, '-C', path.join(top, 'fixtures/images/many_tasks'), '.']);
  if (status !== 0) throw new Error(String(stderr));
  fs.chmodSync(source, 0o640);
  return source;
}

for (const form of ['tar', 'tar.gz', 'tar.zst']) {
  test.serial(`${form}: OUT is whole or not there, and the source as it was`, async (t) => {
    t.timeout(TIMEOUT_MS);
    const undisturbed = temporaryDirectory(t);
    const source = arrange(undisturbed, form);
    const before = fs.readFileSync(source);
    const out = path.join(undisturbed, `out.${form}`);
    const { calls, code, stderr } = await countWrites(rewriteOf(source, '-o', out));
    t.is(code, 0, stderr);
    t.true(calls.length >= 4, calls.join('\n'));
    const whole = fs.readFileSync(out);
    await inDirectories(t, numbersTo(calls.length, POINTS), async (n, directory) => {
      const source = arrange(directory, form);
      const out = path.join(directory, `out.${form}`);
      const { signal } = await killAt(n, rewriteOf(source, '-o', out));
      const where = `killed before call ${n}, ${calls[n - 1]}`;
      t.is(signal, 'SIGKILL', where);
      if (fs.existsSync(out)) t.true(fs.readFileSync(out).equals(whole), where);
      fs.rmSync(out, { force: true });
      const again = await leftAlone(rewriteOf(source, '-o', out));
      t.is(again.code, 0, `${where}: ${again.stderr}`);
      t.true(fs.readFileSync(out).equals(whole), where);
      t.true(fs.readFileSync(source).equals(before), where);
      t.deepEqual(fs.readdirSync(directory), [`ckpt.${form}`, `out.${form}`], `${where}: something was left behind`);
    });
  });

  test.serial(`${form}: in place, the archive is as before or as after`, async (t) => {
    t.timeout(TIMEOUT_MS);
    const undisturbed = temporaryDirectory(t);
    const place = arrange(undisturbed, form);
    const before = fs.readFileSync(place);
    const { calls, code, stderr } = await countWrites(rewriteOf(place, '--in-place'));
    t.is(code, 0, stderr);
    const after = fs.readFileSync(place);
    t.false(after.equals(before));
    await inDirectories(t, numbersTo(calls.length, POINTS), async (n, directory) => {
      const source = arrange(directory, form);
      const { signal } = await killAt(n, rewriteOf(source, '--in-place'));
      const where = `killed before call ${n}, ${calls[n - 1]}`;
      t.is(signal, 'SIGKILL', where);
      const wasDone = fs.readFileSync(source).equals(after);
      if (!wasDone) t.true(fs.readFileSync(source).equals(before), where);
      const again = await leftAlone(rewriteOf(source, '--in-place'));
      t.is(again.code, wasDone ? 2 : 0, `${where}: ${again.stderr}`);
      t.true(fs.readFileSync(source).equals(after), where);
      t.is(fs.statSync(source).mode & 0o777, 0o640, where);
      t.deepEqual(fs.readdirSync(directory), [`ckpt.${form}`], `${where}: something was left behind`);
    });
  });
}
