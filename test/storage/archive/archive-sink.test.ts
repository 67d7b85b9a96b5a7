import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { openSource, type RewriteOptions, rewrite } from '../../../src';
import { remakeHeaders } from '../../../src/storage/archive/remake-headers';
import {
  archiveOf,
  blocksOf,
  type Chunk,
  chunksOf,
  longName,
  membersOf,
  type RawMember,
  recordsOf,
} from '../../support/archives';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../../support/directories';

/** Members that do not change are byte for byte what they were, and of others nothing changes but what has to. */

const SPECS = ['fd[5]:pipe:[4711]'];
const CHANGED = ['files.img', 'fdinfo-1.img', 'fdinfo-2.img'];

function imagesOf(t: ExecutionContext, prefix = ''): RawMember[] {
  return membersOf(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()), prefix);
}

async function rewritten(t: ExecutionContext, bytes: Buffer, options: Partial<RewriteOptions> = {}): Promise<Chunk[]> {
  const top = temporaryDirectory(t);
  const [file, out] = [path.join(top, 'archive'), path.join(top, 'out')];
  fs.writeFileSync(file, bytes);
  const source = await openSource(file);
  try {
    await rewrite(source, { specs: SPECS, out, ...options });
  } finally {
    await source.close();
  }
  t.deepEqual(fs.readFileSync(file), bytes, 'the source was changed');
  t.deepEqual(fs.readdirSync(top).sort(), ['archive', 'out']);
  return chunksOf(fs.readFileSync(out));
}

/** Fields of a header that tell of the content. */
function withoutSize(main: Buffer): string {
  const header = Buffer.from(main);
  header.fill(0, 124, 136);
  header.fill(0, 148, 156);
  return header.toString('hex');
}

/** All but the changed images are as they were, in their order; these keep what their headers say; the plan is last. */
function areKept(t: ExecutionContext, before: readonly Chunk[], after: readonly Chunk[]): void {
  t.deepEqual(
    after.slice(0, -1).map(({ name }) => name),
    before.map(({ name }) => name),
  );
  t.is(after.at(-1)?.name.split('/').pop(), 'inherit-plan.img');
  for (const [i, old] of before.entries()) {
    const now = after[i] as Chunk;
    if (CHANGED.includes(old.name.split('/').pop() ?? '')) {
      t.is(withoutSize(now.main), withoutSize(old.main), old.name);
      t.deepEqual(now.pax, old.pax);
      t.notDeepEqual(now.content, old.content);
    } else {
      t.true(now.headers.equals(old.headers), old.name);
      t.true(now.content.equals(old.content), old.name);
    }
  }
}

const ODD: Partial<RawMember> = {
  mode: 0o100751,
  uid: 1234,
  gid: 4321,
  mtime: 1_234_567_890,
  userName: 'somebody',
  groupName: 'wheel',
};

test('what headers say of changed images is kept: modes with types, owners and their names, times, attributes', async (t) => {
  const pax = {
    mtime: '1700000000.123456789',
    'SCHILY.xattr.user.note': Buffer.from('\xff\n=\xfe', 'latin1'),
    'LIBARCHIVE.creationtime': '1',
    atime: '-5.5',
    comment: 'c',
  };
  const bytes = archiveOf(...imagesOf(t, './checkpoint//').map((member) => ({ ...member, ...ODD, pax })));
  const after = await rewritten(t, bytes);
  areKept(t, chunksOf(bytes), after);
  const plan = after.at(-1) as Chunk;
  const files = after.find(({ name }) => name.endsWith('files.img')) as Chunk;
  // The plan is like an image: its name is all that it has of its own.
  t.is(plan.name, './checkpoint//inherit-plan.img');
  t.is(withoutSize(plan.main).slice(200), withoutSize(files.main).slice(200));
  t.deepEqual(plan.pax, files.pax);
});

test('base 256, fractions below zero and odd digits stay as they are', async (t) => {
  const field = Buffer.from([0x80, 0, 0, 0, 0xb2, 0xd0, 0x5e, 0]);
  const raw = { 100: Buffer.from('   751 \0'), 108: field, 116: field, 136: Buffer.alloc(12, 0xff) };
  const bytes = archiveOf(...imagesOf(t).map((member) => ({ ...member, raw, magic: 'ustar  ' })));
  areKept(t, chunksOf(bytes), await rewritten(t, bytes));
});

test('headers that have nothing to change stay as they are written, the checksum too', (t) => {
  const raw = { 100: Buffer.from('   751 \0'), 124: Buffer.from('  17\0'), 157: Buffer.from('no link') };
  for (const type of ['0', '\0']) {
    const headers = blocksOf({ name: 'files.img', type, raw, size: 15 }).subarray(0, 512);
    // Blanks in front instead of zeros.
    headers.write(
      headers.toString('latin1', 148, 154).replace(/^0+/, (zeros) => ' '.repeat(zeros.length)),
      148,
      'latin1',
    );
    t.deepEqual(remakeHeaders(headers, { size: 15, mode: 0o751, uid: 0, gid: 0 }), headers, JSON.stringify(type));
  }
});

test('extended headers of an image stay where nothing of it changes, of whatever kind they are', (t) => {
  const long = (type: string) => blocksOf({ name: '././@LongLink', type, content: Buffer.from('long/name\0') });
  const pax = { comment: 'c', linkpath: 'nowhere', size: '15', uid: '7', path: 'files.img' };
  const member = blocksOf({ name: 'files.img', mode: 0o644, uid: 7, pax, content: Buffer.alloc(15) }).subarray(0, -512);
  const headers = Buffer.concat([long('K'), long('L'), member]);
  const same = { size: 15, mode: 0o644, uid: 7, gid: 0 };
  t.deepEqual(remakeHeaders(headers, same), headers);
  for (const change of [{ size: 16 }, { mode: 0o600 }, { uid: 8 }, { gid: 1 }, { name: Buffer.from('other.img') }])
    t.notDeepEqual(remakeHeaders(headers, { ...same, ...change }), headers, JSON.stringify(change));
});

test('an owner in base 256 that no user can have is refused, whoever reads the number', async (t) => {
  for (const first of [0x81, 0xa0, 0xbf]) {
    for (const [offset, what] of Object.entries({
      108: 'a uid that is no number of a user',
      116: 'a gid that is no',
    })) {
      const raw = { [offset]: Buffer.from([first, 0, 0, 0, 0, 0, 0, 0]) };
      // The first member shows that it is an archive.
      const bytes = archiveOf(
        ...imagesOf(t).map((member, i) => (i === 0 ? member : { ...member, raw, magic: 'ustar  ' })),
      );
      await t.throwsAsync(rewritten(t, bytes), { message: new RegExp(what) }, `${offset}: ${first}`);
    }
  }
});

test('the plan has the owner and the mode of files.img, and no name of another', async (t) => {
  const bytes = archiveOf(
    ...imagesOf(t).map((member) => ({
      ...member,
      ...ODD,
      ...(member.name === 'files.img' ? { uid: 3_000, mode: 0o600, userName: 'else' } : {}),
    })),
  );
  const [plan] = (await rewritten(t, bytes)).slice(-1) as [Chunk];
  t.is(plan.main.toString('latin1', 100, 123), '0000600\x000005670\x000010341');
  t.is(plan.main.toString('latin1', 265, 272), '\0'.repeat(7));
  t.is(plan.main.toString('latin1', 297, 302), 'wheel');
});

test('global headers stay where they are', async (t) => {
  const images = imagesOf(t);
  const global = blocksOf({ name: 'pax_global_header', type: 'g', content: recordsOf({ comment: 'a'.repeat(700) }) });
  const bytes = archiveOf(...images.flatMap((member) => [global, member]));
  const after = await rewritten(t, bytes);
  areKept(t, chunksOf(bytes), after);
  for (const { headers } of after.slice(0, -1)) t.is(headers.length, global.length + 512);
});

test('devices, FIFOs, labels and what lies around the images stay', async (t) => {
  const bytes = archiveOf(
    { name: 'label', type: 'V' },
    { name: './', type: '5', mode: 0 },
    { name: 'checkpoint/', type: '5', mode: 0o500 },
    { name: 'dev/null', type: '3', raw: { 329: Buffer.from('0000001\0'), 337: Buffer.from('0000003\0') } },
    { name: 'dev/sda', type: '4' },
    { name: 'fifo', type: '6' },
    ...imagesOf(t, 'checkpoint/'),
    { name: 'rootfs-diff.tar', content: Buffer.alloc(70_000, 'r') },
    { name: 'checkpoint/work/', type: '5', mode: 0o3777 },
    { name: 'checkpoint/work', type: '5', mode: 0o1777 },
    { name: 'empty', size: 0 },
    { name: 'files.img', content: 'not of the image directory' },
  );
  const before = chunksOf(bytes);
  const after = await rewritten(t, bytes);
  const isOther = ({ name }: Chunk) => name !== 'files.img';
  areKept(t, before.filter(isOther), after.filter(isOther));
  t.deepEqual(
    after.find(({ name }) => name === 'files.img'),
    before.find(({ name }) => name === 'files.img'),
  );
});

test('a hard link to an image that changes keeps the old content, however many links are between', async (t) => {
  const images = imagesOf(t);
  const bytes = archiveOf(
    ...images,
    { name: 'saved', type: '1', target: './files.img', ...ODD },
    { name: 'again', type: '1', target: 'saved' },
    { name: 'pages-2.img', type: '1', target: 'pages-1.img' },
  );
  const after = await rewritten(t, bytes);
  const content = (name: string) => after.find((chunk) => chunk.name === name);
  const old = images.find(({ name }) => name === 'files.img')?.content as Buffer;
  t.is(content('saved')?.type, '0');
  t.deepEqual(content('saved')?.content, old);
  t.is(content('saved')?.main.toString('latin1', 265, 273), 'somebody');
  t.deepEqual(content('again')?.content, old);
  t.is(content('pages-2.img')?.type, '1');
});

test('an image that is a hard link is an own file after it changes, and links to it keep what they had', async (t) => {
  const images = imagesOf(t);
  const files = images.find(({ name }) => name === 'files.img') as RawMember;
  const bytes = archiveOf(
    { ...files, name: 'original' },
    ...images.filter((member) => member !== files),
    { name: 'files.img', type: '1', target: 'original' },
    { name: 'last', type: '1', target: 'files.img' },
  );
  const after = await rewritten(t, bytes);
  const chunk = (name: string) => after.find((found) => found.name === name) as Chunk;
  t.deepEqual(chunk('original').content, files.content as Buffer);
  t.is(chunk('files.img').type, '0');
  t.notDeepEqual(chunk('files.img').content, files.content as Buffer);
  t.deepEqual(chunk('last').content, files.content as Buffer);
});

test('an image behind a symbolic link becomes a file with the mode and the owner that it had there', async (t) => {
  const images = imagesOf(t);
  const files = images.find(({ name }) => name === 'files.img') as RawMember;
  const bytes = archiveOf(
    ...images.filter((member) => member !== files),
    { ...files, name: 'real', mode: 0o640, uid: 7 },
    { name: 'files.img', type: '2', target: 'real', mode: 0o777 },
  );
  const after = await rewritten(t, bytes);
  const changed = after.find(({ name }) => name === 'files.img') as Chunk;
  t.is(changed.type, '0');
  t.is(changed.main.toString('latin1', 100, 115), '0000640\x000000007');
  t.deepEqual(after.find(({ name }) => name === 'real')?.content, files.content as Buffer);
});

test('a changed image with a long name keeps it, in every format', async (t) => {
  const directory = `${'d'.repeat(90)}/${'e'.repeat(60)}/`;
  const wraps: ((member: RawMember) => (RawMember | Buffer)[])[] = [
    (member: RawMember) => [{ ...member, name: `${member.name}`.slice(91), prefix: 'd'.repeat(90) }],
    (member: RawMember) => [longName(`${member.name}`), { ...member, magic: 'ustar  ' }],
    (member: RawMember) => [{ ...member, name: 'short', pax: { path: `${member.name}` } }],
  ];
  for (const wrap of wraps) {
    const bytes = archiveOf(...imagesOf(t, directory).flatMap(wrap));
    const after = await rewritten(t, bytes);
    areKept(t, chunksOf(bytes), after);
    t.is(after.at(-1)?.name, `${directory}inherit-plan.img`);
  }
});

test('the plan lies in the image directory, also where no image can be its model', async (t) => {
  const images = imagesOf(t, 'real/');
  const links = images.map(({ name }) => ({
    name: `checkpoint/${`${name}`.slice(5)}`,
    type: '2',
    target: `../${name}`,
  }));
  const after = await rewritten(
    t,
    archiveOf(
      ...images.map((image) => (image.name === 'real/inventory.img' ? { ...image, name: 'real/i' } : image)),
      ...links.map((link) => (link.name === 'checkpoint/inventory.img' ? { ...link, target: '../real/i' } : link)),
    ),
  );
  t.is(after.at(-1)?.name, './checkpoint/inherit-plan.img');
});

test('an archive keeps being filled up to records, or not', async (t) => {
  const size = async (bytes: Buffer) => {
    const top = temporaryDirectory(t);
    fs.writeFileSync(path.join(top, 'a'), bytes);
    const source = await openSource(path.join(top, 'a'));
    await rewrite(source, { specs: SPECS, out: path.join(top, 'b') });
    await source.close();
    return fs.statSync(path.join(top, 'b')).size;
  };
  const bytes = archiveOf(...imagesOf(t));
  t.is((await size(Buffer.concat([bytes, Buffer.alloc(10240 - (bytes.length % 10240))]))) % 10240, 0);
  t.not((await size(bytes)) % 10240, 0);
});

const name = fc.oneof(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.stringMatching(/^[a-z]{1,60}\/[ -.:-~]{1,90}$/),
  fc.string({ minLength: 1, maxLength: 150, unit: 'binary' }).map((text) => text.replaceAll(/[/\0]/g, '_')),
);
const member = fc.record({
  name,
  how: fc.constantFrom('plain', 'pax', 'gnu'),
  kind: fc.constantFrom('file', 'file', 'directory', 'link', 'fifo'),
  content: fc.uint8Array({ maxLength: 2000 }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0o7777777 }),
  mtime: fc.integer({ min: 0, max: 8 ** 11 - 1 }),
  dots: fc.constantFrom('', './', './/'),
});

test('any members around and in between are byte for byte the same', async (t) => {
  const images = imagesOf(t, 'checkpoint/');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(member, { maxLength: 12, selector: ({ name: text }) => text.split('/')[0] }),
      fc.nat(20),
      async (members, at) => {
        const blocks = members
          .filter(
            ({ name: text }) =>
              !['.', '..', 'checkpoint'].includes(text.split('/')[0] as string) && !/(^|\/)\.{1,2}$/.test(text),
          )
          .map(({ name: text, how, kind, content, mode, uid, mtime, dots }) => {
            const full = `${dots}${text}${kind === 'directory' ? '/' : ''}`;
            const type = { file: '0', directory: '5', link: '2', fifo: '6' }[kind] as string;
            const body = kind === 'file' ? Buffer.from(content) : Buffer.alloc(0);
            const long = Buffer.byteLength(full) > 100;
            const plainMember: RawMember = {
              name: full,
              type,
              content: body,
              mode,
              uid,
              mtime,
              ...(kind === 'link' ? { target: 'somewhere' } : {}),
            };
            if (how === 'gnu') return Buffer.concat([longName(full), blocksOf({ ...plainMember, magic: 'ustar  ' })]);
            return blocksOf(
              how === 'pax' || long ? { ...plainMember, pax: { path: full, mtime: '1.5' } } : plainMember,
            );
          });
        const bytes = archiveOf(...images.slice(0, 3), ...blocks.slice(0, at), ...images.slice(3), ...blocks.slice(at));
        areKept(t, chunksOf(bytes), await rewritten(t, bytes));
      },
    ),
    { numRuns: 40 },
  );
});
