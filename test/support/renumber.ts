import fs from 'node:fs';
import path from 'node:path';
import { decode, encode, openImages, openSource } from '../../src';

/** Status bits of a mapping whose shmid is a file id, and of one where it is not. */
const OF_FILE = 0x40 | 0x80;
const OF_SOCKET = 0x800;
const OF_MEMFD = 0x4000;
const isFileId = (status: number) =>
  (status & OF_MEMFD) !== 0 || ((status & OF_FILE) !== 0 && (status & OF_SOCKET) === 0);

/** Where an entry holds its watches, these have 0 for its id. */
const file = (id: string) => (id === '0' ? id : String(4000 - Number(id)));
const plus = (by: number) => (id: string) => String(Number(id) + by);
const kernel = plus(70_000);
const object = plus(30);
const namespace = plus(50);

type Rule = readonly [keys: readonly string[], to: (id: string) => string];
const FILES: Rule = [['id', 'regf_id', 'orig_id', 'id_for', 'cwd_id', 'root_id', 'exe_file_id'], file];
const KERNEL: Rule = [['pipe_id', 'ino', 'peer', 'inode_id'], (id) => (id === '0' ? id : kernel(id))];
const OBJECTS: Rule = [['vm_id', 'files_id', 'fs_id', 'sighand_id'], object];
const NAMESPACES: Rule = [
  ['pid', 'net', 'ipc', 'uts', 'mnt', 'user', 'cgroup', 'time'].map((name) => `${name}_ns_id`).concat('ns_id'),
  namespace,
];

const RULES: readonly (readonly [image: RegExp, rules: readonly Rule[]])[] = [
  [/^files\.img/, [FILES, KERNEL, NAMESPACES, [['tty_info_id'], kernel]]],
  [/^(fdinfo-\d+|fs-\d+|mm-\d+|vmas-\d+|remap-fpath|eventpoll-tfd|inotify-wd|fanotify-mark|sk-queues)\.img/, [FILES]],
  [/^(pipes-data|fifo-data|memfd)\.img/, [KERNEL]],
  [/^tty-(info|data)\.img/, [[['id', 'tty_id'], kernel]]],
  [/^(ids-\d+|inventory)\.img/, [OBJECTS, NAMESPACES]],
  [/^pagemap-(shmem-)?\d+\.img/, [[['pages_id'], object]]],
];

const NAMES: readonly (readonly [image: RegExp, to: (id: string) => string])[] = [
  [/^(fdinfo|pages)-(\d+)(\.img.*)$/, object],
  [/^(mountpoints|netdev|netns|ifaddr|route|route6|rule|utsns|pidns|userns|ipcns-\w+)-(\d+)(\.img.*)$/, namespace],
];

/** Writes a checkpoint anew as another dump of the same would be: with other ids in all images, and nothing else. */
export async function renumber(source: string, out: string): Promise<void> {
  const json = `${out}.json`;
  await decode(await openSource(source), { out: json });
  for (const name of fs.readdirSync(json)) {
    const place = path.join(json, name);
    const rules = RULES.filter(([image]) => image.test(name)).flatMap(([, all]) => all);
    if (rules.length > 0) fs.writeFileSync(place, withRules(fs.readFileSync(place, 'utf8'), name, rules));
    for (const [pattern, to] of NAMES) {
      const [, kind, id, rest] = pattern.exec(name) ?? [];
      if (id !== undefined) fs.renameSync(place, path.join(json, `${kind}-${to(id)}${rest}`));
    }
  }
  await encode(await openImages(json), { out });
}

function withRules(text: string, name: string, rules: readonly Rule[]): string {
  let changed = text;
  for (const [keys, to] of rules) {
    changed = changed.replace(new RegExp(`("(?:${keys.join('|')})": )(\\d+)`, 'g'), (_all, key, id) => key + to(id));
  }
  if (/^(mm|vmas)-/.test(name)) {
    changed = changed.replace(/("shmid": )(\d+)([^{}]*"status": (\d+))/g, (all, key, id, rest, status) =>
      isFileId(Number(status)) ? key + file(id) + rest : all,
    );
  }
  if (name.startsWith('sk-queues')) {
    changed = changed.replace(/("rights": \[)([\d, ]*)/g, (_all, key, ids) => key + ids.replace(/\d+/g, file));
  }
  // A linked remap names a file, a ghost has a number of its own.
  if (name.startsWith('remap-fpath')) {
    changed = changed.replace(
      /("remap_id": )(\d+)(, "remap_type": "LINKED")/g,
      (_all, key, id, rest) => key + file(id) + rest,
    );
  }
  return changed;
}
