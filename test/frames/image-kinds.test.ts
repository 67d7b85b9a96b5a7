import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { decode, diff, inspect, openSource } from '../../src';
import {
  IMAGE_KINDS,
  INVENTORY_IMAGE,
  identifyImage,
  kindNamed,
  type NumberOf,
  PLAN_IMAGE,
  rawFileOf,
} from '../../src/frames/image-kinds';
import { descriptor, snapshot, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { encodeImage } from '../support/images';
import { rewriteImages, smallWith } from '../support/rewriting';

const KNOWN: [string, string, number][] = [
  ['fdinfo-0.img', 'FDINFO', 0],
  ['fdinfo-4294967295.img', 'FDINFO', 2 ** 32 - 1],
  ['core-4294967295.img', 'CORE', 2 ** 32 - 1],
  ['ghost-file-0.img', 'GHOST_FILE', 0],
  ['ghost-file-1f.img', 'GHOST_FILE', 31],
  ['ghost-file-10.img', 'GHOST_FILE', 16],
  ['ghost-file-ffffffff.img', 'GHOST_FILE', 2 ** 32 - 1],
  ['tcp-stream-ab12.img', 'TCP_STREAM', 0xab12],
  // CRIU prints these numbers with %lu.
  ['pagemap-shmem-4294967296.img', 'PAGEMAP', 2 ** 32],
  ['pagemap-shmem-18446744073709551615.img', 'PAGEMAP', 2 ** 64],
];
for (const [name, kind, number] of KNOWN) {
  test(`${name} is an image`, (t) => {
    const image = identifyImage(name);
    t.deepEqual([image?.kind.name, image?.number], [kind, number]);
  });
}

/** CRIU opens images by names that it prints, so it never opens these. */
const NEVER_OPENED = [
  'fdinfo-4294967296.img',
  'fdinfo-18446744073709551615.img',
  'fdinfo-99999999999999999999999999.img',
  'fdinfo-00.img',
  'fdinfo-01.img',
  'fdinfo--1.img',
  'fdinfo-+1.img',
  'fdinfo-1f.img',
  'fdinfo-f1.img',
  'fdinfo- 1.img',
  'fdinfo-.img',
  'fdinfo-%u.img',
  'ghost-file-%x.img',
  'ghost-file-01.img',
  'ghost-file-1F.img',
  'ghost-file-100000000.img',
  'ghost-file-4294967296.img',
  'ids-4294967296.img',
  'pagemap-shmem-18446744073709551616.img',
  'fdinfo-1.img~',
  'x\nfdinfo-1.img',
  'xfdinfo-1.img',
  '-1.img',
];
for (const name of NEVER_OPENED) {
  test(`${name} is no image`, (t) => {
    t.is(identifyImage(name), undefined);
  });
}

test('of every kind with a number, the names at the ends of the range are told apart from those past it', (t) => {
  for (const { files, name } of IMAGE_KINDS) {
    for (const file of files) {
      if (!/%[ux]/.test(file)) continue;
      const most = name === 'PAGEMAP' ? 2n ** 64n - 1n : 2n ** 32n - 1n;
      const named = (number: bigint) => file.replace('%u', `${number}`).replace('%x', number.toString(16));
      t.is(identifyImage(named(0n))?.kind.name, name);
      t.is(identifyImage(named(most))?.kind.name, name);
      t.is(identifyImage(named(most + 1n)), undefined, named(most + 1n));
    }
  }
});

test('the inventory is an image of its own, and the plan is none', (t) => {
  t.is(identifyImage(INVENTORY_IMAGE)?.kind.name, 'INVENTORY');
  t.is(identifyImage(PLAN_IMAGE), undefined);
});

/** Two kinds of name: of tasks and of the system, of both queues, of both commands. */
const TWO_NAMES = [
  ['PAGEMAP', 'pagemap-%u.img', 'pagemap-shmem-%u.img'],
  ['SIGNAL', 'signal-s-%u.img', 'signal-p-%u.img'],
  ['BINFMT_MISC', 'binfmt-misc.img', 'binfmt-misc-%u.img'],
  ['STATS', 'stats-dump', 'stats-restore'],
] as const;
test('some images have two kinds of name, and all others have one', (t) => {
  for (const [name, ...files] of TWO_NAMES) {
    t.deepEqual(kindNamed(name)?.files, files);
    for (const file of files) t.is(identifyImage(file.replace('%u', '7'))?.kind.name, name);
  }
  const several = IMAGE_KINDS.filter(({ files }) => files.length > 1).map(({ name }) => name);
  t.deepEqual(
    several,
    TWO_NAMES.map(([name]) => name),
  );
});

test('what CRIU never opens is left alone by every command', async (t) => {
  const name = 'fdinfo-18446744073709551615.img';
  const table = encodeImage('fdinfo-1.img', [descriptor(2, 99, 'PIPE')]);
  const images = smallWith({ [name]: table, 'fdinfo-01.img': Buffer.from('no image at all') });
  const { plan, source, out } = await rewriteImages(t, images, { specs: ['fd[5]:pipe:[4711]'] });
  t.deepEqual(
    plan.placeholders[0]?.references.map(
      (one) => 'descriptor' in one && `${one.descriptor.table}/${one.descriptor.fd}`,
    ),
    ['1/1', '1/6', '2/1'],
  );
  for (const one of [name, 'fdinfo-01.img']) {
    t.deepEqual(fs.readFileSync(path.join(out, one)), fs.readFileSync(path.join(source, one)));
  }
  const listed: string[] = [];
  for await (const { descriptors } of inspect(await openSource(source))) {
    for (const { table: number, fd } of descriptors) listed.push(`${number}/${fd}`);
  }
  t.false(listed.some((one) => one.endsWith('/99')));
  const top = temporaryDirectory(t);
  const json = path.join(top, 'json');
  await decode(await openSource(source), { out: json });
  t.is(snapshot(json)[name], snapshot(source)[name]);
  const other = writeCheckpoint(top, { ...images, [name]: Buffer.concat([table, Buffer.from([0])]) });
  const { differences } = await diff(await openSource(source), await openSource(other));
  const found: string[] = [];
  for await (const one of differences()) found.push(`${one.what} ${'file' in one ? one.file : ''}`);
  t.deepEqual(found, [`file ${name}`]);
});

/** Files that CRIU writes without magics: dumps of namespaces by other programs, and pages. */
const RAW: [name: string, content: RegExp, numberOf: NumberOf | undefined][] = [
  ['pages-1.img', /pages/, 'pages'],
  ['tmpfs-12.tar.gz.img', /tmpfs/, undefined],
  ['iptables-9.img', /iptables-save$/, 'namespace'],
  ['ip6tables-9.img', /ip6tables-save$/, 'namespace'],
  ['nftables-9.img', /nft/, 'namespace'],
  ['route-9.img', /ip route/, 'namespace'],
  ['route6-9.img', /ip -6 route/, 'namespace'],
  ['rule-9.img', /ip rule/, 'namespace'],
  ['ifaddr-9.img', /ip addr/, 'namespace'],
  ['netns-ct-9.img', /connections$/, 'namespace'],
  ['netns-exp-9.img', /expected connections$/, 'namespace'],
  ['amdgpu-kfd-1.img', /AMD GPU/, undefined],
];
for (const [name, content, numberOf] of RAW) {
  test(`${name} has no records`, (t) => {
    t.is(identifyImage(name), undefined);
    t.regex(rawFileOf(name)?.content ?? '', content);
    t.is(rawFileOf(name)?.numberOf, numberOf);
    t.is(rawFileOf(name.replace('.img', '')), undefined);
  });
}
