import { linkSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Plan } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

// Images that OUT shares with the directory that it was made from: a dump into one of the two changes both.

const simple: Plan = { placeholders: [{ fileId: 1, callerFd: 5 }] };
const give = [file(5, O.RDONLY, '/dev/null')];

/** Seconds before or after the plan, by the time of its last write. */
type Age = number;

async function checked(
  t: ExecutionContext,
  share: (source: string, own: string) => void,
  written: Age,
  isTouched = true,
) {
  const { directory, plan } = planned(t, simple);
  const source = scratch(t);
  writeFileSync(join(source, 'pages-1.img'), 'pages');
  share(source, directory);
  const when = statSync(join(directory, 'inherit-plan.img')).ctimeMs / 1000 + written;
  if (isTouched) await sleep(2100);
  utimesSync(join(source, 'pages-1.img'), when, when);
  const result = await exec(['--plan', plan, '--', 'true'], { give });
  t.is(result.code, result.stderr === '' ? 0 : 100, result.stderr);
  return result.stderr === '' ? [] : complaints(t, result.stderr);
}

const hard = (source: string, own: string) => linkSync(join(source, 'pages-1.img'), join(own, 'pages-1.img'));
const soft = (source: string, own: string) => symlinkSync(join(source, 'pages-1.img'), join(own, 'pages-1.img'));

for (const [name, share] of Object.entries({ hard, soft })) {
  test(`a ${name} link to an image that was written after the rewrite`, async (t) => {
    const [complaint = '', ...others] = await checked(t, share, 60);
    t.regex(
      complaint,
      /^image pages-1\.img of .* is a link, and its file was written after the rewrite, .*--link copy$/,
    );
    t.deepEqual(others, []);
  });

  test(`a ${name} link to an image of the dump that was rewritten`, async (t) => {
    t.deepEqual(await checked(t, share, -60), []);
  });
}

test('a link to an image of a dump on a host whose clock is ahead', async (t) => {
  t.deepEqual(await checked(t, hard, 60, false), []);
});

test('an image of its own that is younger than the plan, as after cp -r', async (t) => {
  const copy = (_source: string, own: string) => writeFileSync(join(own, 'pages-1.img'), 'pages');
  t.deepEqual(await checked(t, copy, 60), []);
});

test('names that are no images, links to nothing and directories', async (t) => {
  const share = (source: string, own: string) => {
    linkSync(join(source, 'pages-1.img'), join(own, 'restore.log'));
    symlinkSync('nowhere', join(own, 'tmpfs-1.img'));
    mkdirSync(join(own, 'own.img'));
  };
  t.deepEqual(await checked(t, share, 60), []);
});
