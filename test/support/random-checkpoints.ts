/** Checkpoints in which anything refers to anything, and specs that ask for anything of it. */
import fc from 'fast-check';
import type { RewriteOptions } from '../../src';
import { VMA_FILE_SHARED } from '../../src/checkpoint/vma-status';
import { descriptor, fileEntry, type Images, mapping, mmEntry, pipeEntry } from './directories';

export const worlds = fc.record({
  tables: fc.array(fc.array(fc.record({ id: fc.integer({ min: 2, max: 7 }), exec: fc.nat(1) }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  }),
  rights: fc.array(fc.array(fc.integer({ min: 2, max: 7 }), { maxLength: 3 }), { maxLength: 3 }),
  mapped: fc.array(fc.integer({ min: 4, max: 7 }), { maxLength: 2 }),
  remaps: fc.array(fc.tuple(fc.integer({ min: 4, max: 7 }), fc.option(fc.integer({ min: 4, max: 7 }))), {
    maxLength: 3,
  }),
  specs: fc.array(
    fc.record({
      fd: fc.integer({ min: 10, max: 12 }),
      key: fc.oneof(
        fc.constantFrom('pipe:[100]', '/file.4', '/file.{5,6}', '/file.*'),
        fc.record({ pid: fc.constantFrom('*', '20', '21', '22'), number: fc.nat(6), only: fc.boolean() }),
      ),
      apply: fc.constantFrom('auto' as const, 'dup' as const, 'reopen' as const),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

export type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

export function imagesOf({ tables, rights, mapped, remaps }: Omit<World, 'specs'>): Images {
  const typeOf = (id: number) => (id < 4 ? 'PIPE' : 'REG');
  const inUse = new Set([...tables.flat().map(({ id }) => id), ...rights.flat()]);
  const images: Images = {
    'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
    'pstree.img': tables.map((_table, i) => ({ pid: 20 + i, ppid: 0, pgid: 20, sid: 20, threads: [20 + i] })),
    'files.img': [
      ...[2, 3].filter((id) => inUse.has(id)).map((id) => pipeEntry(id, 100, id - 2)),
      ...[4, 5, 6, 7, 1].map((id) => fileEntry(id, `/file.${id}`, 2)),
    ],
    'mm-20.img': [
      mmEntry(
        1,
        mapped.map((id) => mapping(id, VMA_FILE_SHARED)),
      ),
    ],
    'fs-20.img': [{ cwd_id: 1, root_id: 1 }],
    'sk-queues.img': rights.map((ids) => ({ id_for: 1, length: 0, scm: [{ type: 1, rights: ids }] })),
    'remap-fpath.img': remaps.map(([orig_id, linked]) =>
      linked === null
        ? { orig_id, remap_id: 1, remap_type: 'GHOST' }
        : { orig_id, remap_id: linked, remap_type: 'LINKED' },
    ),
  };
  tables.forEach((table, i) => {
    images[`ids-${20 + i}.img`] = [{ vm_id: 1, files_id: 30 + i, fs_id: 1, sighand_id: 1 }];
    images[`fdinfo-${30 + i}.img`] = table.map(({ id, exec }, fd) => descriptor(id, fd, typeOf(id), exec));
  });
  return images;
}

export function specsOf({ specs }: Pick<World, 'specs'>): NonNullable<RewriteOptions['specs']> {
  return specs.map(({ fd, key, apply }) =>
    typeof key === 'string'
      ? { inherit: `fd[${fd}]:${key}`, apply }
      : { inherit: `fd[${fd}]:/proc/${key.pid}/fd/${key.number}`, apply, only: key.only },
  );
}
