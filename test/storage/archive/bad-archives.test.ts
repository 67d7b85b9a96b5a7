import { spawnSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import test from 'ava';
import { FdgraftError, openSource, rewrite } from '../../../src';
import {
  archiveOf,
  archiveTest,
  BLOCK,
  blocksOf,
  END,
  longName,
  type RawMember,
  recordOf,
} from '../../support/archives';
import { atDepth, numbersTo } from '../../support/depth';
import { temporaryDirectory } from '../../support/directories';
import { good, images, noSpoolStays, type Refusal, refused, spools, withMember } from '../../support/refused-archives';

/** Whatever is wrong with an archive: an error that says what and where, soon, with nothing written anywhere. */

const SPECS = ['fd[5]:pipe:[4711]'];

test.after.always(noSpoolStays);

async function works(bytes: Buffer): Promise<boolean> {
  const parent = fs.mkdtempSync(path.join(spools, 'good-'));
  try {
    fs.writeFileSync(path.join(parent, 'a'), bytes);
    const source = await openSource(path.join(parent, 'a'));
    await source.close();
    return true;
  } catch (error) {
    if (error instanceof FdgraftError && error.exitCode === 2) return false;
    throw error;
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
}

test('the archive that the others are made from is good', async (t) => {
  t.true(await works(good));
  t.true(await works(zlib.gzipSync(good)));
});

const at = good.length - END.length;

const REFUSED: { [title: string]: [Buffer, Refusal] } = {
  'a name with ..': [
    withMember({ name: 'a/../../b' }),
    { offset: at, message: /member a\/\.\.\/\.\.\/b leads out of the archive with \.\./ },
  ],
  'a name that is ..': [withMember({ name: '..' }), { offset: at }],
  'a directory with .. behind it': [withMember({ name: 'a/..', type: '5' }), { offset: at }],
  'an absolute name': [withMember({ name: '/etc/passwd' }), { message: /absolute/, offset: at }],
  'an absolute name in a pax header': [
    withMember({ name: 'x', pax: { path: '/etc/passwd' } }),
    { message: /absolute/, offset: at },
  ],
  'an absolute name by its prefix': [withMember({ name: 'passwd', prefix: '/etc' }), { message: /absolute/ }],
  '.. in a long name': [
    withMember(longName(`${'l'.repeat(200)}/../x`), { name: 'x', magic: 'ustar  ' }),
    { message: /with \.\./ },
  ],
  'a name with a zero byte': [withMember({ name: 'x', pax: { path: 'a\0b' } }), { message: /zero byte/ }],
  'a name of 4096 bytes': [
    withMember({ name: 'x', pax: { path: 'a/'.repeat(2048) } }),
    { message: /name of 4096 bytes/ },
  ],
  'no name': [withMember({ name: '' }), { message: /no name/ }],
  'a file for the top': [withMember({ name: './', type: '2', target: 'x' }), { message: /no name/ }],
  'a member twice': [withMember({ name: './checkpoint//files.img' }), { message: /is there twice/, offset: at }],
  'a file and a directory of one name': [withMember({ name: 'a' }, { name: 'a/', type: '5' }), { message: /twice/ }],
  'a directory and a link of one name': [
    withMember({ name: 'checkpoint', type: '2', target: 'elsewhere' }),
    { message: /is no directory/ },
  ],
  'a member below a link': [
    withMember({ name: 'l', type: '2', target: 'checkpoint' }, { name: 'l/x' }),
    { message: /lies below something that is no directory/, offset: at + BLOCK },
  ],
  'a member below a file': [withMember({ name: 'f' }, { name: 'f/x/y' }), { message: /lies below/ }],
  'a link behind what lies below it': [
    withMember({ name: 'l/x' }, { name: 'l', type: '2', target: 'checkpoint' }),
    { message: /is no directory, but others before it lie below it/ },
  ],
  'parent behind what lies below it': [
    withMember({ name: 'checkpoint/parent/x' }, { name: 'checkpoint/parent', type: '2', target: '/' }),
    { message: /is no directory/ },
  ],
  'a member below parent': [
    withMember({ name: 'checkpoint/parent', type: '2', target: '/tmp' }, { name: 'checkpoint/parent/x' }),
    { message: /lies below/ },
  ],
  'an absolute link': [
    withMember({ name: 'l', type: '2', target: '/etc' }),
    { message: /symbolic link out of the archive, to \/etc/ },
  ],
  'a link up': [withMember({ name: 'checkpoint/l', type: '2', target: '../../x' }), { message: /link out/ }],
  'a link to the directory above': [withMember({ name: 'l', type: '2', target: '..' }), { message: /link out/ }],
  'a link up behind dots': [withMember({ name: 'l', type: '2', target: './/../x' }), { message: /link out/ }],
  'a link through another one and up': [
    withMember({ name: 'x', type: '2', target: 'checkpoint/deep' }, { name: 'l', type: '2', target: 'x/../../../y' }),
    { message: /link out/ },
  ],
  'a link down and up': [withMember({ name: 'l', type: '2', target: 'checkpoint/..' }), { message: /link out/ }],
  'a link with an absolute target in a pax header': [
    withMember({ name: 'l', type: '2', target: 'x', pax: { linkpath: '/etc' } }),
    { message: /link out/ },
  ],
  'a link to nothing': [withMember({ name: 'l', type: '2' }), { message: /what cannot be a path/ }],
  'a link with a zero byte': [
    withMember({ name: 'l', type: '2', pax: { linkpath: 'a\0b' } }),
    { message: /what cannot be a path/ },
  ],
  'a link of 4096 bytes': [
    withMember({ name: 'l', type: '2', pax: { linkpath: 'l'.repeat(4096) } }),
    { message: /what cannot be a path/ },
  ],
  'a hard link to nothing': [
    withMember({ name: 'l', type: '1', target: 'nothing' }),
    { message: /hard link to no regular file/ },
  ],
  'a hard link out': [withMember({ name: 'l', type: '1', target: '../x' }), { message: /hard link to no/ }],
  'an absolute hard link': [
    withMember({ name: 'l', type: '1', target: '/checkpoint/files.img' }),
    { message: /hard link to no/ },
  ],
  'a hard link to what comes later': [
    withMember({ name: 'l', type: '1', target: 'm' }, { name: 'm' }),
    { message: /hard link to no/ },
  ],
  'a hard link to itself': [withMember({ name: 'l', type: '1', target: 'l' }), { message: /hard link to no/ }],
  'a hard link to a directory': [
    withMember({ name: 'f/', type: '5' }, { name: 'l', type: '1', target: 'f' }),
    { message: /hard link to no/ },
  ],
  'a hard link to a symbolic one': [
    withMember({ name: 'checkpoint/s', type: '2', target: '../x' }, { name: 'l', type: '1', target: 'checkpoint/s' }),
    { message: /hard link to no/ },
  ],
  'a hard link with content': [
    withMember({ name: 'l', type: '1', target: 'checkpoint/files.img', content: 'x' }),
    { message: /content in a member that is no file/ },
  ],
  'a name of the oldest GNU tar': [
    withMember({ name: 'x', type: 'N', content: 'x' }),
    { message: /type "N", which no checkpoint needs/ },
  ],
  'a directory with content': [withMember({ name: 'f/', type: '5', content: 'x' }), { message: /content in a member/ }],
  'a link with content': [
    withMember({ name: 'l', type: '2', target: 'x', size: 512, content: 'x'.repeat(512) }),
    { message: /content in a member/ },
  ],
  'a wrong checksum': [withMember({ name: 'x', checksum: '000001\0 ' }), { message: /checksum is wrong/, offset: at }],
  'a checksum that is no number': [withMember({ name: 'x', checksum: 'abcdefgh' }), { message: /checksum is wrong/ }],
  'a size below zero': [
    withMember({ name: 'x', raw: { 124: Buffer.alloc(12, 0xff) } }),
    { message: /size that is no number/ },
  ],
  'a size with a sign': [
    withMember({ name: 'x', raw: { 124: Buffer.from('-0000000001\0') } }),
    { message: /size that is no/ },
  ],
  'a size of other digits': [
    withMember({ name: 'x', raw: { 124: Buffer.from('00000000999\0') } }),
    { message: /size that is no/ },
  ],
  'a size of 2^63': [
    withMember({ name: 'x', raw: { 124: Buffer.from('800000008000000000000000', 'hex') } }),
    { message: /size that is no/ },
  ],
  'a size past the end': [
    withMember({ name: 'x', size: 4096, content: 'x' }),
    { code: 'ARCHIVE_DAMAGED', message: /cut off/ },
  ],
  'a size of 2^52': [
    withMember({ name: 'x', raw: { 124: Buffer.from('800000000010000000000000', 'hex') } }),
    { code: 'ARCHIVE_DAMAGED', message: /cut off/ },
  ],
  'a size in a pax header that is none': [
    withMember({ name: 'x', pax: { size: '12abc' } }),
    { message: /size that is no/ },
  ],
  'a size in a pax header below zero': [
    withMember({ name: 'x', pax: { size: '-512' } }),
    { message: /size that is no/ },
  ],
  'a size in a pax header of 2^63': [
    withMember({ name: 'x', pax: { size: '9223372036854775808' } }),
    { message: /size that is no/ },
  ],
  'another size in a pax header': [
    withMember({ name: 'x', content: 'x'.repeat(600), pax: { size: '10' } }),
    { message: /checksum is wrong/ },
  ],
  'an owner that is none': [withMember({ name: 'x', pax: { uid: '-1' } }), { message: /uid that is no/ }],
  'a group that is too large': [
    withMember({ name: 'x', raw: { 116: Buffer.from('8000000100000000', 'hex') } }),
    { message: /gid that is no/ },
  ],
  'a mode that is none': [
    withMember({ name: 'x', raw: { 100: Buffer.from('rwxr-xr-') } }),
    { message: /mode that is no number/ },
  ],
  'an unknown type': [withMember({ name: 'x', type: 'D' }), { message: /member of type "D"/ }],
  'a pax record of a length below zero': [
    withMember(blocksOf({ name: 'p', type: 'x', content: '-5 a=b\n' }), { name: 'x' }),
    { message: /no list of records/, offset: at },
  ],
  'a pax record of no length': [
    withMember(blocksOf({ name: 'p', type: 'x', content: '0 a=b\n' }), { name: 'x' }),
    { message: /no list of records/ },
  ],
  'a pax record that is too long': [
    withMember(blocksOf({ name: 'p', type: 'x', content: '99 a=b\n' }), { name: 'x' }),
    { message: /no list of records/ },
  ],
  'a pax record without =': [
    withMember(blocksOf({ name: 'p', type: 'x', content: '6 abc\n' }), { name: 'x' }),
    { message: /no list of records/ },
  ],
  'a pax record without a line end': [
    withMember(blocksOf({ name: 'p', type: 'x', content: '6 a=bc' }), { name: 'x' }),
    { message: /no list of records/ },
  ],
  'an extended header with no member': [
    withMember(blocksOf({ name: 'p', type: 'x', content: recordOf('a', 'b') })),
    { message: /no member behind it/ },
  ],
  'a large pax header': [
    withMember({ name: 'x', pax: { comment: Buffer.alloc(2 << 20, 'c') } }),
    { message: /headers of over 1048576 bytes/, offset: at },
  ],
  'a pax header that says it is of 8 GiB': [
    withMember({ name: 'p', type: 'x', size: 8 ** 11 - 1 }),
    { message: /headers of over/ },
  ],
  'a large long name': [withMember(longName('l'.repeat(2 << 20)), { name: 'x' }), { message: /headers of over/ }],
  'many extended headers': [
    withMember(Buffer.concat(Array(3000).fill(blocksOf({ name: 'p', type: 'x' }))), { name: 'x' }),
    { message: /headers of over/ },
  ],
  'a global path': [
    withMember(blocksOf({ name: 'p', type: 'g', content: recordOf('path', 'x') }), { name: 'x' }),
    { message: /global header with the path of a member/ },
  ],
  'a global size': [
    withMember(blocksOf({ name: 'p', type: 'g', content: recordOf('size', '0') }), { name: 'x' }),
    { message: /global header with the size/ },
  ],
  'large global headers': [
    withMember(
      ...[1, 2, 3].flatMap((n) => [
        blocksOf({ name: 'p', type: 'g', content: recordOf(`k${n}`, 'x'.repeat(500_000)) }),
        { name: `x${n}` },
      ]),
    ),
    { message: /global headers of over/ },
  ],
  'a sparse file of 8 EiB': [
    withMember({
      name: 'x',
      pax: {
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.realsize': '9223372036854775807',
        'GNU.sparse.name': 'x',
      },
    }),
    { message: /sparse file whose size does not fit/ },
  ],
  'a sparse file whose stretches overlap': [
    withMember({ name: 'x', pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,10,5,10' } }),
    { message: /stretches are not in order/ },
  ],
  'a sparse file with a map of words': [
    withMember({ name: 'x', pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': 'a,b' } }),
    { message: /stretches are not in order/ },
  ],
  'a map without an end': [
    withMember(
      { name: 'x', type: 'S', magic: 'ustar  ', raw: { 482: Buffer.from([1]) } },
      Buffer.alloc(BLOCK * 3000, 1),
    ),
    { message: /headers of over/ },
  ],
  'bytes behind the end': [Buffer.concat([good, Buffer.from('garbage')]), { message: /bytes behind the end/ }],
  'an archive behind the end': [Buffer.concat([good, good]), { message: /bytes behind the end/ }],
  'very many zeros behind the end': [
    Buffer.concat([good, Buffer.alloc(2 << 20)]),
    { message: /zero bytes behind the end/ },
  ],
  'no inventory.img': [
    archiveOf({ name: 'files.img', content: 'x' }),
    { code: 'SOURCE_UNUSABLE', message: /no inventory.img/ },
  ],
  'inventory.img is a directory': [
    archiveOf({ name: 'inventory.img/', type: '5' }),
    { code: 'SOURCE_UNUSABLE', message: /no inventory.img/ },
  ],
  'several image directories': [
    archiveOf({ name: 'a/inventory.img' }, { name: 'b/inventory.img' }),
    { message: /several image directories: a, b/ },
  ],
  xz: [Buffer.from('fd377a585a000004e6d6b446', 'hex'), { code: 'SOURCE_UNUSABLE', message: /compressed by xz/ }],
  bzip2: [Buffer.from('425a6839314159265359', 'hex'), { code: 'SOURCE_UNUSABLE', message: /compressed by bzip2/ }],
  zip: [Buffer.from('504b0304140000000800', 'hex'), { code: 'SOURCE_UNUSABLE', message: /compressed by zip/ }],
  lz4: [Buffer.from('04224d186440a7', 'hex'), { code: 'SOURCE_UNUSABLE', message: /compressed by lz4/ }],
  'an empty file': [Buffer.alloc(0), { code: 'SOURCE_UNUSABLE', message: /neither a directory nor an archive/ }],
  'an archive of nothing': [
    Buffer.alloc(10240),
    { code: 'SOURCE_UNUSABLE', message: /neither a directory nor an archive/ },
  ],
  'a text': [Buffer.alloc(1000, 'text'), { code: 'SOURCE_UNUSABLE', message: /neither a directory nor an archive/ }],
  'gzip of a text': [
    zlib.gzipSync(Buffer.alloc(1000, 'text')),
    { message: /no tar in it: what is compressed is something else/, offset: 0 },
  ],
  'gzip of nothing': [zlib.gzipSync(''), { code: 'ARCHIVE_DAMAGED', message: /cut off/ }],
  'gzip in gzip': [zlib.gzipSync(zlib.gzipSync(good)), {}],
};

for (const [title, [bytes, refusal]] of Object.entries(REFUSED)) {
  test(title, async (t) => {
    await refused(t, bytes, refusal);
  });
}

test('a header block with any byte changed is an error, or what is read is none the worse', async (t) => {
  // The last byte of the checksum is a blank that says nothing.
  for (const offset of numbersTo(BLOCK, atDepth(64, BLOCK)).map((n) => n - 1)) {
    if (offset === 155) continue;
    const bytes = Buffer.from(good);
    // The second member: by the first the file is known as an archive.
    const header = good.indexOf('checkpoint/', BLOCK);
    bytes[header + offset] = (bytes[header + offset] as number) ^ 0x41;
    await refused(t, bytes, { message: /checksum is wrong/, offset: header }, `byte ${offset}`);
  }
});

test('a field of a header with whatever in it, and its checksum right, is an error or is read', async (t) => {
  const fields: [number, number][] = [
    [0, 100],
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [136, 12],
    [156, 1],
    [157, 100],
    [257, 8],
    [265, 32],
    [297, 32],
    [329, 8],
    [337, 8],
    [345, 155],
  ];
  for (const [offset, length] of fields) {
    for (const fill of atDepth(
      [0, 0x37, 0xff],
      [0, 0x20, 0x2f, 0x2e, 0x37, 0x39, 0x41, 0x7f, 0x80, 0x81, 0xbf, 0xff],
    )) {
      const [first, second, ...rest] = images as [RawMember, RawMember, ...RawMember[]];
      const member = { ...second, raw: { [offset]: Buffer.alloc(length, fill) } };
      await t.notThrowsAsync(works(archiveOf(first, member, ...rest)), `${offset} full of ${fill}`);
    }
  }
});

/** Places to cut at: every block, and odd ones. */
function cuts(bytes: Buffer, many: number): number[] {
  const steps = Math.ceil(bytes.length / many);
  return Array.from({ length: many }, (_, i) => i * steps + (i % 2) * 7).filter(
    (cut) => cut > BLOCK && cut < bytes.length - END.length,
  );
}

test('a plain archive that is cut off', async (t) => {
  for (let cut = BLOCK; cut <= good.length - END.length; cut += BLOCK) {
    for (const place of [cut, cut + 1, cut + 300].filter((end) => end <= good.length - END.length)) {
      await refused(t, good.subarray(0, place), { code: 'ARCHIVE_DAMAGED', message: /cut off/ }, `at ${place}`);
    }
  }
});

test('gzip that is cut off, or has a wrong bit', async (t) => {
  const packed = zlib.gzipSync(good);
  for (const cut of [20, ...cuts(packed, atDepth(12, 60)), packed.length - 8, packed.length - 1]) {
    await refused(
      t,
      packed.subarray(0, cut),
      { code: 'ARCHIVE_DAMAGED', message: /unexpected end of file|cut off/ },
      `at ${cut}`,
    );
  }
  for (let i = 10; i < packed.length; i += atDepth(200, 37)) {
    const bytes = Buffer.from(packed);
    bytes[i] = (bytes[i] as number) ^ (1 << (i % 8));
    await refused(t, bytes, {}, `bit in ${i}`);
  }
});

test('bytes behind gzip', async (t) => {
  const packed = zlib.gzipSync(good);
  await refused(t, Buffer.concat([packed, Buffer.from('garbage')]), {});
  await refused(t, Buffer.concat([packed, Buffer.alloc(100), Buffer.from('garbage')]), {
    message: /behind the end of what is compressed/,
  });
  await refused(t, Buffer.concat([packed, Buffer.alloc(2 << 20)]), { message: /behind the end of what is compressed/ });
  await refused(t, Buffer.concat([packed, Buffer.alloc(3), packed]), {
    message: /behind the end of what is compressed/,
  });
  await refused(t, Buffer.concat([packed, packed]), { message: /bytes behind the end/ });
  t.true(await works(Buffer.concat([packed, Buffer.alloc(10240)])));
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(3_000_000));
  const large = archiveOf(...images, { name: 'pages-9.img', content: noise });
  t.true(await works(Buffer.concat([zlib.gzipSync(large), Buffer.alloc(10240)])));
  // A member of gzip may end anywhere.
  t.true(await works(Buffer.concat([zlib.gzipSync(good.subarray(0, 1000)), zlib.gzipSync(good.subarray(1000))])));
});

archiveTest('zstd that is cut off, has a wrong bit, or bytes behind it', ['zstd'], async (t) => {
  const packed = spawnSync('zstd', ['-qc'], { input: good }).stdout;
  for (const cut of [20, ...cuts(packed, 12), packed.length - 1]) {
    const error = await refused(t, packed.subarray(0, cut), { code: 'ARCHIVE_DAMAGED' }, `at ${cut}`);
    t.notRegex(error?.message ?? '', /stdin|SYSTEM/);
  }
  for (let i = 6; i < packed.length; i += Math.ceil(packed.length / 12)) {
    const bytes = Buffer.from(packed);
    bytes[i] = (bytes[i] as number) ^ (1 << (i % 8));
    await refused(t, bytes, {}, `bit in ${i}`);
  }
  await refused(t, Buffer.concat([packed, Buffer.from('garbage')]), { code: 'ARCHIVE_DAMAGED' });
  await refused(t, Buffer.concat([packed, packed]), { message: /bytes behind the end/ });
});

// Serial, since all of the process has one PATH.
test.serial('zstd where the program is not there', async (t) => {
  const top = temporaryDirectory(t);
  const packed = path.join(top, 'archive');
  fs.writeFileSync(packed, Buffer.from('28b52ffd00', 'hex'));
  fs.writeFileSync(path.join(top, 'plain'), good);
  const { PATH } = process.env;
  process.env.PATH = path.join(top, 'nothing');
  try {
    const expected = { code: 'SYSTEM', message: /archive: needs the program zstd, which is not there/ };
    await t.throwsAsync(openSource(packed), expected);
    const source = await openSource(path.join(top, 'plain'));
    await t.throwsAsync(rewrite(source, { specs: SPECS, out: path.join(top, 'out'), to: 'tar.zst' }), {
      code: 'SYSTEM',
      message: /out: needs the program zstd/,
    });
    await source.close();
    t.deepEqual(fs.readdirSync(top).sort(), ['archive', 'plain']);
  } finally {
    process.env.PATH = PATH;
  }
});

test.serial('zstd that cannot be run, is killed, fails without a word, or has no room', async (t) => {
  const top = temporaryDirectory(t);
  const programs = path.join(top, 'programs');
  const zstd = path.join(programs, 'zstd');
  fs.mkdirSync(programs);
  const packed = path.join(top, 'archive');
  fs.writeFileSync(packed, Buffer.from('28b52ffd00', 'hex'));
  fs.writeFileSync(path.join(top, 'plain'), good);
  const { PATH } = process.env;
  const cases: [script: string, mode: number, reading: RegExp, writing: RegExp, code?: string[]][] = [
    ['exit 0', 0o644, /archive: needs .* could not be started: permission denied \(EACCES\)/, /out: needs .*EACCES/],
    ['kill -KILL $$', 0o755, /archive: the program zstd was killed by SIGKILL/, /out: the program zstd was killed/],
    ['exit 3', 0o755, /archive: the program zstd ended with 3 and did not/, /out: the program zstd ended/],
    [
      'echo "zstd: error 70 : Write error : cannot write block : No space left on device" >&2; exit 70',
      0o755,
      /archive, offset 0: cannot be unpacked/,
      /out: cannot be written: the disk is full \(ENOSPC\)/,
      ['ARCHIVE_DAMAGED', 'OUT_UNUSABLE'],
    ],
  ];
  process.env.PATH = programs;
  try {
    for (const [script, mode, reading, writing, [read, write] = ['SYSTEM', 'SYSTEM']] of cases) {
      fs.writeFileSync(zstd, `#!/bin/sh\n${script}\n`);
      fs.chmodSync(zstd, mode);
      await t.throwsAsync(openSource(packed), { code: read as string, message: reading }, script);
      const source = await openSource(path.join(top, 'plain'));
      const writes = rewrite(source, { specs: SPECS, out: path.join(top, 'out'), to: 'tar.zst' });
      await t.throwsAsync(writes, { code: write as string, message: writing }, script);
      await source.close();
      t.deepEqual(fs.readdirSync(top).sort(), ['archive', 'plain', 'programs']);
    }
  } finally {
    process.env.PATH = PATH;
  }
});

archiveTest(
  'opening and refusing leaves no descriptor and no process',
  ['zstd'],
  async (t) => {
    const top = temporaryDirectory(t);
    const zstd = spawnSync('zstd', ['-qc'], { input: good }).stdout;
    const contents = [
      good,
      good.subarray(0, -1500),
      zlib.gzipSync(good),
      zlib.gzipSync(good).subarray(0, -9),
      zstd,
      zstd.subarray(0, -9),
      archiveOf(...images, { name: '..' }),
    ];
    const files = contents.map((bytes, i) => {
      fs.writeFileSync(path.join(top, `${i}`), bytes);
      return path.join(top, `${i}`);
    });
    const openAll = async () => {
      for (const file of files) {
        try {
          const source = await openSource(file);
          for await (const member of source.inArchiveOrder()) if (member.name.toString() === 'pages-1.img') break;
          await source.close();
        } catch (error) {
          if (!(error instanceof FdgraftError)) throw error;
        }
      }
    };
    await openAll();
    // Other threads run other files of tests, which have descriptors and children too.
    const held = () =>
      fs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(top);
        } catch {
          return false;
        }
      });
    const children = () => fs.readFileSync('/proc/thread-self/children', 'utf8');
    for (let i = 0; i < 30; i += 1) await openAll();
    t.deepEqual(held(), []);
    t.is(children().trim(), '');
  },
  test.serial,
);
