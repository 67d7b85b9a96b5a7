import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { LINK_MODES, openSource, rewrite } from '../../src';
import {
  descriptor,
  fileEntry,
  type Images,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** What becomes of bytes that were unread in a pipe. */

const PIPE = 'fd[5]:pipe:[4711]';
const unread = (...pipes: [pipe: number, bytes: string][]) =>
  encodeImage(
    'pipes-data.img',
    pipes.map(([pipe_id, { length }]) => ({ pipe_id, bytes: length, size: 65536 })),
    { extras: pipes.map(([, bytes]) => Buffer.from(bytes)) },
  );

/** Readers with ids 2 and 3, the writer with id 5: 7/0, 8/0 and 8/1. */
const readers = (more: Images = {}): Images =>
  smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(5, 4711, 1),
      pipeEntry(2, 4711, 0),
      pipeEntry(3, 4711, 0o4000),
      fileEntry(4, '/', 0o200000),
    ],
    'fdinfo-1.img': [descriptor(2, 0, 'PIPE'), descriptor(2, 6, 'PIPE')],
    'fdinfo-2.img': [descriptor(3, 0, 'PIPE'), descriptor(5, 1, 'PIPE')],
    'pipes-data.img': unread([99, 'not this'], [4711, 'hello'], [4711, ' world'], [4711, '']),
    ...more,
  });

const flights = (plan: {
  placeholders: readonly { file_id: number; in_flight: readonly { bytes: number; fate: string }[] }[];
}) =>
  plan.placeholders.flatMap(({ file_id, in_flight }) =>
    in_flight.map(({ bytes, fate }) => `${file_id}: ${bytes} ${fate}`),
  );

test('they are delivered with the first readable entry of the pipe, in order and once', async (t) => {
  const { plan, source, out } = await rewriteImages(t, readers(), { specs: [PIPE] });
  t.deepEqual(checkRewritten(source, out), []);
  t.deepEqual(flights(plan), ['2: 5 REPLAY', '2: 6 REPLAY']);
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['BOTH_ENDS'],
  );
  const image = fs.readFileSync(path.join(out, 'pipes-data.img'));
  const texts = plan.placeholders.flatMap(({ in_flight }) =>
    in_flight.map(({ offset, bytes }) => image.toString('utf8', offset, offset + bytes)),
  );
  t.deepEqual(texts, ['hello', ' world']);
});

test('--drop-in-flight and inFlight drop lose them, with a warning; what a spec says goes first', async (t) => {
  const dropped = ['2: 5 DROP', '2: 6 DROP'];
  for (const [spec, dropInFlight, expected] of [
    [PIPE, true, dropped],
    [{ inherit: PIPE, inFlight: 'drop' }, false, dropped],
    [{ inherit: PIPE, inFlight: 'replay' }, true, ['2: 5 REPLAY', '2: 6 REPLAY']],
  ] as const) {
    const { plan } = await rewriteImages(t, readers(), { specs: [spec], dropInFlight });
    t.deepEqual(flights(plan), expected);
    const warned = plan.warnings.filter(({ code }) => code === 'BYTES_DROPPED').map(({ message }) => message);
    t.is(warned.length, expected === dropped ? 2 : 0);
    if (expected === dropped) t.regex(warned[0] ?? '', /5 unread bytes are dropped here, as you asked$/);
  }
});

test('inFlight fail stops the rewrite where there are any, and only there', async (t) => {
  const spec = { inherit: PIPE, inFlight: 'fail' as const };
  const error = await refusal(t, readers(), { specs: [spec], dropInFlight: true });
  t.like(error, { code: 'BYTES_IN_FLIGHT', exitCode: 2, file: 'pipes-data.img', entry: 1 });
  t.regex(
    error.message,
    /pipe:\[4711\] held 5 unread bytes at the dump, and spec 'fd\[5\]:pipe:\[4711\]' has inFlight fail/,
  );
  const none = await rewriteImages(t, readers({ 'pipes-data.img': unread([4711, '']) }), { specs: [spec] });
  t.deepEqual(flights(none.plan), []);
});

const SHARED = [
  ['another entry', 'fd[5]:/proc/7/fd/0', '2'],
  ['the same entry', { inherit: 'fd[5]:/proc/7/fd/0', only: true }, '6'],
] as const;
for (const [what, spec, id] of SHARED) {
  test(`where a reader stays (${what}), CRIU gives them to that one, and they do not come twice`, async (t) => {
    const error = await refusal(t, readers(), { specs: [spec] });
    t.like(error, { code: 'BYTES_IN_FLIGHT', exitCode: 2 });
    t.regex(error.message, /takes one end of it while another one stays in the tree: CRIU delivers them there/);
    const explicit = typeof spec === 'string' ? { inherit: spec } : spec;
    t.is((await refusal(t, readers(), { specs: [{ ...explicit, inFlight: 'replay' }] })).code, 'BYTES_IN_FLIGHT');
    const { plan, source, out } = await rewriteImages(t, readers(), { specs: [spec], dropInFlight: true });
    t.deepEqual(checkRewritten(source, out), []);
    t.deepEqual(flights(plan), [`${id}: 5 DROP`, `${id}: 6 DROP`]);
    const warned = plan.warnings.filter(({ code }) => code === 'BYTES_DROPPED');
    t.regex(warned[0]?.message ?? '', /CRIU gives them to the end that stays in the tree$/);
  });
}

test('a write end that moves leaves them to the reader', async (t) => {
  const { plan, source, out } = await rewriteImages(t, readers(), { specs: ['fd[5]:/proc/8/fd/1'] });
  t.deepEqual(checkRewritten(source, out), []);
  t.deepEqual(flights(plan), []);
});

test('two readers to two caller fds: the first spec’s gets them', async (t) => {
  const specs = ['fd[6]:/proc/8/fd/0', 'fd[5]:/proc/7/fd/0'];
  const { plan } = await rewriteImages(t, readers(), { specs });
  t.deepEqual(flights(plan), ['2: 5 REPLAY', '2: 6 REPLAY']);
});

test('the image with the bytes is never a link in OUT, for the executor follows none', async (t) => {
  const top = temporaryDirectory(t);
  const real = writeCheckpoint(top, readers());
  const elsewhere = path.join(top, 'elsewhere');
  fs.renameSync(path.join(real, 'pipes-data.img'), elsewhere);
  fs.symlinkSync(elsewhere, path.join(real, 'pipes-data.img'));
  for (const source of [writeCheckpoint(top, readers()), real]) {
    for (const link of LINK_MODES) {
      const out = path.join(top, `out-${link}-${path.basename(source)}`);
      try {
        await rewrite(await openSource(source), { specs: [PIPE], out, link });
      } catch (error) {
        // Not every file system has reflinks.
        t.is((error as { code?: string }).code, 'LINK_UNSUPPORTED');
        continue;
      }
      t.deepEqual(checkRewritten(source, out), []);
      t.true(fs.lstatSync(path.join(out, 'pipes-data.img')).isFile(), link);
    }
  }
});

test('inFlight fail has its say whichever end its spec takes, and a reader that wants the bytes gets them', async (t) => {
  const [first, second] = ['fd[5]:/proc/7/fd/0', 'fd[6]:/proc/8/fd/0'];
  const rest = 'fd[7]:/proc/8/fd/1';
  for (const failing of [
    [
      { inherit: first, inFlight: 'drop' as const },
      { inherit: second, inFlight: 'fail' as const },
    ],
    [first, second, { inherit: rest, inFlight: 'fail' as const }],
  ]) {
    t.is((await refusal(t, readers(), { specs: failing })).code, 'BYTES_IN_FLIGHT');
  }
  const specs = [{ inherit: first, inFlight: 'drop' as const }, second];
  const { plan } = await rewriteImages(t, readers(), { specs });
  t.deepEqual(flights(plan), ['3: 5 REPLAY', '3: 6 REPLAY']);
});
