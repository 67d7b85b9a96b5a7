/** Images and records that no spec is about: they are not opened without need, and not written anew. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openSource, rewrite } from '../../src';
import { descriptor, fileEntry, type Images, mapping, mmEntry, NO_OWNER, pipeEntry } from '../support/directories';
import { encodeImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { rewriteImages, smallWith } from '../support/rewriting';
import { inet, LISTENER, unix } from '../support/sockets';

const memfd = { type: 'MEMFD', id: 30, memfd: { id: 30, flags: 2, pos: 0, fown: NO_OWNER, inode_id: 1 } };
const terminal = { type: 'TTY', id: 32, tty: { id: 32, tty_info_id: 3, flags: 2, fown: NO_OWNER } };
const connected = { state: 1, dst_port: 4000, dst_addr: [0x0200007f] };
const stream = { inq_len: 2, inq_seq: 1, outq_len: 0, outq_seq: 1, opt_mask: 0, snd_wscale: 0, mss_clamp: 0 };
const termios = { c_iflag: 1, c_oflag: 1, c_cflag: 1, c_lflag: 1, c_line: 0, c_ispeed: 1, c_ospeed: 1, c_cc: [1] };
const info = {
  ...{ id: 3, type: 'EXT_TTY', locked: false, exclusive: false, packet_mode: false, sid: 0, pgrp: 0, rdev: 0x8803 },
  ...{ termios, termios_locked: termios },
};

/** Under way to a socket that no spec names; the pipe and the log keep their file ids. */
const RIGHTS = { id_for: 99, length: 0, scm: [{ type: 1, rights: [2, 3] }] };

/** One of all that specs can name, and images of all kinds that a rewrite may change. */
const everything: Images = smallWith({
  'files.img': [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 0),
    fileEntry(3, '/var/log/app.log', 1, { mode: 0o100644 }),
    fileEntry(4, '/', 0o200000, { mode: 0o040755 }),
    memfd,
    unix(31, 500, 0, { ...LISTENER, name: Buffer.from('/s\0') }),
    terminal,
    inet(33, 0x1f4, connected),
    inet(34, 0x1f5, { ...connected, dst_port: 4001 }),
  ],
  'fdinfo-1.img': [descriptor(2, 0, 'PIPE'), descriptor(3, 3, 'REG'), descriptor(30, 5, 'MEMFD')],
  'fdinfo-2.img': [
    descriptor(31, 6, 'UNIXSK'),
    descriptor(32, 7, 'TTY'),
    descriptor(33, 8, 'INETSK'),
    descriptor(34, 9, 'INETSK'),
  ],
  'memfd.img': [{ name: 'm', uid: 0, gid: 0, size: 4096, shmid: 1, seals: 0, inode_id: 1 }],
  'mm-8.img': [mmEntry(1, [mapping(30, (1 << 14) | 128)])],
  'tty-info.img': [info],
  'sk-queues.img': encodeImage('sk-queues.img', [{ id_for: 31, length: 2 }, RIGHTS], { extras: [Buffer.from('ab')] }),
  'remap-fpath.img': [{ orig_id: 3, remap_id: 9, remap_type: 'GHOST' }],
  'pipes-data.img': encodeImage('pipes-data.img', [{ pipe_id: 4711, bytes: 2 }], { extras: [Buffer.from('cd')] }),
  ...Object.fromEntries(
    ['1f4', '1f5'].map((inode) => [
      `tcp-stream-${inode}.img`,
      encodeImage(`tcp-stream-${inode}.img`, [stream], { extras: [Buffer.from('in')] }),
    ]),
  ),
});

const mappedOnly = { ...everything, 'fdinfo-1.img': [descriptor(2, 0, 'PIPE'), descriptor(3, 3, 'REG')] };

/** By spec: the images that are written anew. */
const CHANGED: [spec: string, images: string[], given?: Images][] = [
  ['fd[5]:pipe:[4711]', ['fdinfo-1.img', 'files.img']],
  ['fd[5]:/var/log/app.log', ['fdinfo-1.img', 'files.img', 'remap-fpath.img']],
  ['fd[5]:/memfd:m', ['fdinfo-1.img', 'files.img', 'memfd.img']],
  ['fd[5]:/memfd:m', ['memfd.img'], mappedOnly],
  ['fd[5]:/s', ['fdinfo-2.img', 'files.img', 'sk-queues.img']],
  ['fd[5]:tty[8803:0]', ['tty-info.img']],
  ['fd[5]:tcp:127.0.0.1:80-127.0.0.2:4000', ['fdinfo-2.img', 'files.img']],
];
for (const [spec, images, given = everything] of CHANGED) {
  test(`of a rewrite for ${spec} only ${images.join(', ')} are not linked`, async (t) => {
    const { plan, source, out } = await rewriteImages(t, given, {
      specs: [spec],
      dropInFlight: true,
      link: 'hard',
    });
    t.deepEqual(checkRewritten(source, out), []);
    const inode = (directory: string, name: string) => fs.statSync(path.join(directory, name)).ino;
    const written = fs.readdirSync(source).filter((name) => inode(source, name) !== inode(out, name));
    t.deepEqual(written, images);
    t.deepEqual(
      plan.images.map(({ name }) => name),
      written,
    );
  });
}

test('the queues of connections that no spec names are not opened', async (t) => {
  const { source } = await rewriteImages(t, everything, { specs: ['fd[5]:pipe:[4711]'], dropInFlight: true });
  for (const [spec, expected] of [
    ['fd[5]:pipe:[4711]', []],
    ['fd[5]:tcp:127.0.0.1:80-127.0.0.2:4000', ['tcp-stream-1f4.img']],
  ] as const) {
    const opened = await openSource(source);
    const names = new Set<string>();
    const members = opened.members.bind(opened);
    opened.members = async function* () {
      for await (const member of members()) {
        const open = member.open.bind(member);
        member.open = () => {
          names.add(member.name.toString());
          return open();
        };
        yield member;
      }
    };
    await rewrite(opened, { specs: [spec], dropInFlight: true });
    t.true(names.has('files.img'));
    t.deepEqual(
      [...names].filter((name) => name.startsWith('tcp-stream')),
      expected,
    );
  }
});

for (const id of [1, 2 ** 31, 2 ** 32 - 1]) {
  test(`the entry with file id ${id} is one like any other`, async (t) => {
    const images = smallWith({
      'files.img': [fileEntry(7, '/usr/bin/program', 0), pipeEntry(id, 4711, 1), fileEntry(4, '/', 0o200000)],
      'fdinfo-1.img': [descriptor(id, 1, 'PIPE'), descriptor(4, 9, 'REG')],
      'fdinfo-2.img': [descriptor(id, 1, 'PIPE', 1)],
      'mm-7.img': [mmEntry(7)],
    });
    const { plan, source, out } = await rewriteImages(t, images, { specs: ['fd[5]:pipe:[4711]'] });
    t.deepEqual(checkRewritten(source, out), []);
    t.is(plan.placeholders[0]?.references.length, 2);
  });
}
