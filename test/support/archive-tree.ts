import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { smallCheckpoint, writeCheckpoint } from './directories';

/** Every name is 255 bytes at most, and with them a path longer than any field of a header. */
const DEEP = ['d'.repeat(90), 'e'.repeat(120), `${'f'.repeat(100)}.img`];

/** What a runtime packs: images under checkpoint/, and what it notes itself around them. Its top is the result. */
export function podmanTree(parent: string, isPlain = false): string {
  const top = path.join(parent, 'tree');
  fs.mkdirSync(top);
  const images = path.join(top, 'checkpoint');
  fs.renameSync(writeCheckpoint(top, smallCheckpoint()), images);
  const write = (name: string | Buffer, content: string | Buffer, mode = 0o644) => {
    const place = Buffer.isBuffer(name) ? Buffer.concat([Buffer.from(`${top}/`), name]) : path.join(top, name);
    fs.writeFileSync(place, content);
    fs.chmodSync(place, mode);
  };
  write('config.dump', '{"id": "c1"}', 0o600);
  write('spec.dump', '{}');
  write('rootfs-diff.tar', Buffer.alloc(3000, 'rootfs'));
  write('checkpoint/empty', '');
  write('checkpoint/setuid', 'x', 0o4755);
  fs.chmodSync(path.join(images, 'files.img'), 0o640);
  fs.mkdirSync(path.join(images, 'work'));
  write('checkpoint/work/state', 'of somebody else');
  fs.symlinkSync('pages-1.img', path.join(images, 'pages-9.img'));
  fs.symlinkSync('../config.dump', path.join(images, 'work/config'));
  fs.linkSync(path.join(images, 'pages-1.img'), path.join(images, 'pages-8.img'));
  fs.linkSync(path.join(images, 'files.img'), path.join(images, 'saved'));
  sparseFile(path.join(images, 'pages-2.img'));
  sparseFile(path.join(images, 'holes'), 9);
  fs.mkdirSync(path.join(top, 'locked'));
  write('locked/file', 'l');
  fs.mkdirSync(path.join(top, 'none'));
  if (!isPlain) {
    fs.mkdirSync(path.join(images, DEEP[0] as string));
    fs.mkdirSync(path.join(images, DEEP[0] as string, DEEP[1] as string));
    write(path.join('checkpoint', ...DEEP), 'deep');
    write(`checkpoint/${'n'.repeat(140)}`, 'long');
    fs.symlinkSync(path.join(...DEEP), path.join(images, 'pages-7.img'));
    write('checkpoint/line\nend', 'n');
    write(Buffer.from('checkpoint/\xe9t\xe9', 'latin1'), 'no UTF-8');
    write('checkpoint/été', 'UTF-8');
    spawnSync('mkfifo', [path.join(top, 'fifo')]);
  }
  fs.chmodSync(images, 0o750);
  fs.chmodSync(path.join(images, 'work'), 0o711);
  fs.chmodSync(path.join(top, 'locked'), 0o500);
  fs.chmodSync(path.join(top, 'none'), 0);
  return top;
}

/** Holes in front, between and behind, as many stretches as are asked for. */
export function sparseFile(file: string, stretches = 2): void {
  const fd = fs.openSync(file, 'wx');
  for (let i = 1; i <= stretches; i += 1) fs.writeSync(fd, Buffer.alloc(4096, `s${i}`), 0, 4096, i * (1 << 17));
  fs.ftruncateSync(fd, (stretches + 1) * (1 << 17));
  fs.closeSync(fd);
}

/** All of a directory: contents, links with their text, modes; names with one character a byte. */
export function picture(directory: string | Buffer): { [name: string]: string } {
  const seen: { [name: string]: string } = {};
  const look = (place: Buffer, name: string) => {
    const stats = fs.lstatSync(place);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isDirectory()) {
      seen[`${name}/`] = mode;
      for (const below of fs.readdirSync(place, { encoding: 'buffer' })) {
        look(Buffer.concat([place, Buffer.from('/'), below]), path.posix.join(name, below.toString('latin1')));
      }
    } else if (stats.isSymbolicLink()) seen[name] = `-> ${fs.readlinkSync(place)}`;
    else seen[name] = stats.isFile() ? `${mode} ${digest(fs.readFileSync(place))}` : 'special';
  };
  look(Buffer.from(directory as string), '.');
  return seen;
}

export const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
