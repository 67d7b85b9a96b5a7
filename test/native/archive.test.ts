import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { archiveOf } from '../support/archives';
import { exec, type RunOptions, type Variant } from '../support/native';
import { planBytes } from '../support/planfile';
import { complaints, file, O, scratch } from './support';

/** --plan ARCHIVE: what the launcher takes of a rewritten archive, and archives that are none. */

const give = [file(5, O.RDONLY, '/dev/zero')];
const VARIANTS: Variant[] = ['plain', 'sanitized'];

interface Member {
  readonly name: string;
  readonly body?: Buffer;
  /** Of the header; that of the body unless told. */
  readonly size?: number;
  readonly type?: string;
}

/** A tar with these very members, and its end. */
function tarOf(members: readonly Member[]): Buffer {
  const raw = members.map(({ name, body = Buffer.alloc(0), size, type = '0' }) => ({
    name,
    type,
    content: body,
    ...(size === undefined ? {} : { size }),
  }));
  return archiveOf(...raw);
}

/** inherit-plan.img for caller fd 5, without images whose digests matter. */
function planOf(): Buffer {
  return planBytes({ placeholders: [{ fileId: 1, callerFd: 5 }] });
}

function put(t: ExecutionContext, bytes: Buffer, name = 'archive'): string {
  const place = join(scratch(t), name);
  writeFileSync(place, bytes);
  return place;
}

const check = (archive: string, options: RunOptions = {}) => exec(['--plan', archive, '--check'], { give, ...options });

async function refused(t: ExecutionContext, archive: string, code: number, message: RegExp, options: RunOptions = {}) {
  for (const variant of VARIANTS) {
    const result = await check(archive, { ...options, variant });
    t.is(result.code, code, result.stderr);
    const [first = '', ...others] = complaints(t, result.stderr);
    t.regex(first, message);
    t.deepEqual(others, []);
  }
}

const PLAN = 'checkpoint/inherit-plan.img';

for (const variant of VARIANTS)
  test(`${variant}: plain and compressed, whatever the name says`, async (t) => {
    const tar = tarOf([
      { name: 'checkpoint/', type: '5' },
      { name: PLAN, body: planOf() },
    ]);
    const plain = put(t, tar, 'plain.tar.gz');
    execFileSync('zstd', ['-q', plain, '-o', `${plain}.zst`]);
    for (const archive of [plain, put(t, gzipSync(tar), 'gzip'), `${plain}.zst`]) {
      const { code, stderr } = await check(archive, { variant });
      t.is(code, 0, stderr);
    }
  });

test('the plan at the top, with ./ in front, behind a long name of GNU and one of pax', async (t) => {
  const body = planOf();
  const long = `${'long/'.repeat(60)}inherit-plan.img`;
  const record = `path=${long}\n`;
  const pax = Buffer.from(`${record.length + 4} ${record}`);
  const forms: Member[][] = [
    [{ name: 'inherit-plan.img', body }],
    [{ name: './checkpoint/inherit-plan.img', body }],
    [
      { name: '././@LongLink', type: 'L', body: Buffer.from(`${long}\0`) },
      { name: 'cut', body },
    ],
    [
      { name: 'PaxHeader', type: 'x', body: pax },
      { name: 'cut', body },
    ],
  ];
  for (const members of forms) t.is((await check(put(t, tarOf(members)))).code, 0);
});

test('COMMAND has nothing open of the archive, and the program is gone', async (t) => {
  const archive = put(t, gzipSync(tarOf([{ name: PLAN, body: planOf() }])));
  const script = 'ls -l /proc/$$/fd; ps -o stat=,ppid=,comm= --ppid $$';
  const { code, stdout } = await exec(['--plan', archive, '--', 'sh', '-c', script], { give });
  t.is(code, 0);
  t.regex(stdout, /-> /);
  t.notRegex(stdout, /memfd|archive/);
  t.notRegex(stdout, /gzip/);
});

test('a plugin that inventory.img beside the plan names has to be there, another inventory counts for nothing', async (t) => {
  const fixture = 'fixtures/images/pipe_outside/inventory.img';
  const inventory = readFileSync(join(__dirname, '../..', fixture));
  const members = (directory: string) => [
    { name: `${directory}/inventory.img`, body: Buffer.from('no inventory at all') },
    { name: 'checkpoint/inventory.img', body: inventory },
    { name: PLAN, body: planOf() },
  ];
  t.is((await check(put(t, tarOf(members('other'))))).code, 0);
  const wrong = [
    { name: 'checkpoint/inventory.img', body: Buffer.from('no inventory') },
    { name: PLAN, body: planOf() },
  ];
  await refused(t, put(t, tarOf(wrong)), 100, /inventory\.img: byte 0: not the magic number/);
});

test('archives that no rewrite has written', async (t) => {
  const body = planOf();
  const plan = { name: PLAN, body };
  await refused(t, put(t, tarOf([{ name: 'files.img', body }])), 100, /has no inherit-plan\.img/);
  await refused(t, put(t, tarOf([plan, { name: 'other/inherit-plan.img', body }])), 100, /has two plans/);
  await refused(t, put(t, tarOf([plan, plan])), 100, /has two plans/);
  for (const type of ['1', '2', '3', '5', '6']) {
    await refused(t, put(t, tarOf([{ name: PLAN, type }])), 100, /has to be a plain file/);
  }
  await refused(t, put(t, tarOf([{ name: PLAN, type: '2', body }])), 100, /content in a member that is no file/);
  await refused(t, put(t, tarOf([{ name: PLAN, body: Buffer.from('{}') }])), 100, /this is the JSON form/);
  const places = Array.from({ length: 9 }, (_, i) => ({ name: `${i}/pstree.img`, body: Buffer.alloc(1) }));
  await refused(t, put(t, tarOf([...places, plan])), 100, /images in more than 8 directories/);
  const twice = [1, 2].map(() => ({ name: 'checkpoint/pstree.img', body: Buffer.alloc(1) }));
  await refused(t, put(t, tarOf([...twice, plan])), 100, /checkpoint\/pstree\.img twice/);
});

test('names of members come out escaped', async (t) => {
  const body = planOf();
  const plan = { name: PLAN, body };
  const nasty = (name: string) => ({ name: `\x1b[31m\n/${name}`, body });
  const shown = (name: string) => new RegExp(String.raw`\\x1b\[31m\\x0a/${name}`);
  const pstree = 'pstree.img';
  await refused(t, put(t, tarOf([nasty(pstree), nasty(pstree), plan])), 100, shown('pstree\\.img twice'));
  await refused(t, put(t, tarOf([plan, nasty('inherit-plan.img')])), 100, shown('inherit-plan\\.img'));
  await refused(t, put(t, tarOf([nasty('inherit-plan.img'), plan])), 100, shown('inherit-plan\\.img and'));
  const link = { ...nasty(pstree), type: '2', body: Buffer.alloc(0) };
  await refused(t, put(t, tarOf([link])), 100, shown('pstree\\.img is no regular file'));
  const large = { ...nasty(pstree), size: (64 << 20) + 1 };
  await refused(t, put(t, tarOf([large])), 100, shown('pstree\\.img has 67108865 bytes'));
});

test('sizes that are not there', async (t) => {
  const body = planOf();
  await refused(t, put(t, tarOf([{ name: PLAN, body, size: 2 ** 28 + 1 }])), 100, /larger than 268435456 bytes/);
  await refused(t, put(t, tarOf([{ name: PLAN, body, size: 2 ** 28 }])), 100, /the archive is cut off/);
  await refused(
    t,
    put(t, tarOf([{ name: 'pstree.img', size: 2 ** 26 + 1 }])),
    100,
    /the limit for an archive is 67108864/,
  );
  await refused(t, put(t, tarOf([{ name: 'pages-1.img', size: 2 ** 32 }])), 100, /the archive is cut off/);
  for (const type of ['x', 'L', 'g', 'K']) {
    await refused(t, put(t, tarOf([{ name: 'x', type, size: 2 ** 30 }])), 100, /past the limit of 1 MiB/);
  }
  for (const text of [
    '99 path=a\n',
    '5 a=\n\n',
    '11 size=1x\n',
    '9 path=a\n',
    'x',
    '0 path=a\n',
    '30 size=99999999999999999999\n',
  ]) {
    const pax = tarOf([
      { name: 'x', type: 'x', body: Buffer.from(text) },
      { name: PLAN, body },
    ]);
    await refused(
      t,
      put(t, pax),
      100,
      /an extended header that is no list of records|member that is no file|has no inherit-plan/,
    );
  }
});

test('cut off and damaged at every block', async (t) => {
  const tar = tarOf([
    { name: 'checkpoint/pstree.img', body: Buffer.alloc(600) },
    { name: PLAN, body: planOf() },
  ]);
  const end = tar.length - 1024;
  for (let size = 512; size <= end; size += 512) {
    await refused(t, put(t, tar.subarray(0, size)), 100, /the archive is cut off/);
    await refused(t, put(t, tar.subarray(0, size - 1)), 100, size === 512 ? /not a plan/ : /the archive is cut off/);
  }
  const packed = gzipSync(tar);
  for (const size of [3, 12, packed.length - 9, packed.length - 1]) {
    await refused(t, put(t, packed.subarray(0, size)), 100, /gzip cannot unpack it \(exit code 1\)/);
  }
  const bad = Buffer.from(tar);
  bad[150] = 0x41;
  await refused(t, put(t, bad), 100, /not the header of a member|not a plan/);
});

/** A directory with a program of this name alone, and a shell for it. */
function programs(t: ExecutionContext, name: string, script: string): Record<string, string> {
  const bin = join(scratch(t), 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
}

test('the program that unpacks: missing, dying, failing late, and going on', async (t) => {
  const tar = tarOf([{ name: PLAN, body: planOf() }]);
  const plain = put(t, tar, 'plain');
  const archive = put(t, gzipSync(tar));
  await refused(t, archive, 111, /needs the program gzip, which is not in PATH/, { env: { PATH: '/nonexistent' } });
  await refused(t, archive, 111, /gzip was killed by signal 9/, { env: programs(t, 'gzip', 'kill -9 $$') });
  const late = programs(t, 'gzip', `cat ${plain}; exit 3`);
  await refused(t, archive, 100, /gzip cannot unpack it \(exit code 3\)/, { env: late });
  const pid = join(scratch(t), 'pid');
  const endless = programs(t, 'gzip', `echo $$ >${pid}; cat ${plain}; exec >&-; exec sleep 1000`);
  const result = await check(archive, { env: endless });
  t.is(result.code, 111);
  t.regex(result.stderr, /gzip does not end after its last byte/);
  t.false(existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}`), 'it was ended');
});

test('--task with unread bytes wants a directory', async (t) => {
  const inFlight = [{ image: 'pipes-data.img', offset: 20, bytes: 4, fate: 'replay' as const }];
  const plan = planBytes({ placeholders: [{ fileId: 1, callerFd: 5, type: 'PIPE', needsRead: true, inFlight }] });
  const archive = put(t, tarOf([{ name: PLAN, body: plan }]));
  const { code, stderr } = await exec(['--plan', archive, '--task', '7', '--', 'true'], { give });
  t.is(code, 100);
  t.regex(stderr, /--task/);
});
