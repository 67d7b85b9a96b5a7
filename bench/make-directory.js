// Image directories of any size, always the same bytes for the same size.

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');

const IMAGES = path.join(__dirname, '..', 'schemas', 'images');
const IMG_COMMON = 0x54564319;
const MAGICS = {
  inventory_entry: 0x58313116,
  pstree_entry: 0x50273030,
  task_kobj_ids_entry: 0x54432030,
  file_entry: 0x56303138,
  fdinfo_entry: 0x56213732,
  fs_entry: 0x51403912,
  mm_entry: 0x57492820,
};
const FLUSH_BYTES = 1 << 20;

/** How many entries have one path: those that the benchmark replaces. */
const NAMED_ENTRIES = 904;
const NAMED_PATH = '/srv/data/selected.log';

const noOwner = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

class ImageWriter {
  constructor(root, directory, name, type) {
    this.type = root.lookupType(type);
    this.file = fs.openSync(path.join(directory, name), 'w');
    this.chunks = [];
    this.size = 0;
    if (type !== 'inventory_entry') this.number(IMG_COMMON);
    this.number(MAGICS[type]);
  }

  number(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.add(bytes);
  }

  record(fields) {
    const bytes = this.type.encode(this.type.create(fields)).finish();
    this.number(bytes.length);
    this.add(Buffer.from(bytes));
  }

  add(bytes) {
    this.chunks.push(bytes);
    this.size += bytes.length;
    if (this.size >= FLUSH_BYTES) this.flush();
  }

  flush() {
    fs.writeSync(this.file, Buffer.concat(this.chunks));
    this.chunks = [];
    this.size = 0;
  }

  close() {
    this.flush();
    fs.closeSync(this.file);
  }
}

function writeImage(root, directory, name, type, records) {
  const image = new ImageWriter(root, directory, name, type);
  for (const record of records) image.record(record);
  image.close();
}

/** Entry `id` of files.img: regular files of many paths, pipes, event descriptors, and NAMED_ENTRIES of one path. */
function* entries(count) {
  const every = Math.floor(count / NAMED_ENTRIES);
  for (let id = 1; id <= count; id += 1) {
    const named = id % every === 0 && id / every <= NAMED_ENTRIES;
    if (named || id % 10 < 7) {
      const name = named ? NAMED_PATH : `/srv/data/${id % 997}/file-${id}.dat`;
      yield {
        type: 1,
        id,
        reg: { id, flags: 0o100001, pos: id * 7, fown: noOwner, name, size: id * 9, mode: 0o100644 },
      };
    } else if (id % 10 < 9) {
      yield { type: 2, id, pipe: { id, pipe_id: 100000 + id, flags: id % 2, fown: noOwner } };
    } else {
      yield { type: 6, id, efd: { id, flags: 2, fown: noOwner, counter: 0 } };
    }
  }
}

const typeOf = (id, count) => {
  const every = Math.floor(count / NAMED_ENTRIES);
  if ((id % every === 0 && id / every <= NAMED_ENTRIES) || id % 10 < 7) return 1;
  return id % 10 < 9 ? 2 : 6;
};

/** Each table holds a run of the entries, each of them under two numbers. */
function* descriptors(table, tables, count) {
  const size = Math.floor(count / tables);
  for (let i = 0; i < size; i += 1) {
    const id = (table - 1) * size + i + 1;
    const type = typeOf(id, count);
    yield { id, flags: 0, type, fd: 2 * i };
    yield { id, flags: 1, type, fd: 2 * i + 1 };
  }
}

function mapping(start) {
  return { start, end: start + 4096, pgoff: 0, shmid: 1, prot: 5, flags: 2, status: 65, fd: -1 };
}

const ADDRESSES = [
  'start_code',
  'end_code',
  'start_data',
  'end_data',
  'start_stack',
  'start_brk',
  'brk',
  'arg_start',
  'arg_end',
  'env_start',
  'env_end',
];

/** Makes the directory where it is not there yet: `count` entries, 2 × `count` descriptors in `tables` tables. */
function makeDirectory(directory, count, tables) {
  if (fs.existsSync(directory)) return;
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : path.resolve(IMAGES, target);
  root.loadSync(fs.readdirSync(IMAGES), { keepCase: true });
  const building = `${directory}.partial`;
  fs.rmSync(building, { recursive: true, force: true });
  fs.mkdirSync(building, { recursive: true });
  const write = (name, type, records) => writeImage(root, building, name, type, records);
  const pids = Array.from({ length: tables }, (_, i) => 1000 + i);
  write('inventory.img', 'inventory_entry', [{ img_version: 2, fdinfo_per_id: true }]);
  write(
    'pstree.img',
    'pstree_entry',
    pids.map((pid) => ({ pid, ppid: pid === 1000 ? 0 : 1000, pgid: 1000, sid: 1000, threads: [pid] })),
  );
  write('files.img', 'file_entry', entries(count));
  const addresses = Object.fromEntries(ADDRESSES.map((name) => [`mm_${name}`, 0x400000]));
  pids.forEach((pid, i) => {
    write(`ids-${pid}.img`, 'task_kobj_ids_entry', [
      { vm_id: i + 1, files_id: i + 1, fs_id: i + 1, sighand_id: i + 1 },
    ]);
    write(`fdinfo-${i + 1}.img`, 'fdinfo_entry', descriptors(i + 1, tables, count));
    write(`fs-${pid}.img`, 'fs_entry', [{ cwd_id: 1, root_id: 1, umask: 18 }]);
    write(`mm-${pid}.img`, 'mm_entry', [
      { ...addresses, exe_file_id: 1, vmas: Array.from({ length: 20 }, (_, n) => mapping(0x500000 + n * 8192)) },
    ]);
  });
  fs.renameSync(building, directory);
}

module.exports = { makeDirectory, NAMED_PATH };
