/** Checkpoints with terminals of any kind, and specs that ask for anything of them. */
import fc from 'fast-check';
import type { RewriteOptions } from '../../src';
import { descriptor, fileEntry, type Images, NO_OWNER, pipeEntry } from './directories';

/** Entries: a pipe, two opens of each of two terminals, a master, one of /dev/tty. */
const TERMINAL_OF = new Map([
  [11, 3],
  [12, 3],
  [13, 4],
  [14, 4],
  [15, 5],
  [16, 6],
]);
const PATHS = new Map([
  [3, '/dev/pts/3'],
  [4, '/dev/pts/4'],
  [5, '/dev/ptmx'],
  [6, '/dev/tty'],
]);
const TYPES = ['PTY', 'PTY', 'PTY', 'PTY', 'PTY', 'PTY', 'EXT_TTY', 'EXT_TTY', 'VT'] as const;

const terminals = fc.record({
  type: fc.constantFrom(...TYPES),
  session: fc.constantFrom(0, 20, 21, 99),
  isHungUp: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
  hasRecord: fc.integer({ min: 0, max: 29 }).map((one) => one > 0),
  isTwice: fc.integer({ min: 0, max: 29 }).map((one) => one === 0),
});

export const terminalWorlds = fc.record({
  tables: fc.array(fc.array(fc.constantFrom(2, 11, 11, 11, 12, 13, 13, 14, 15, 16), { maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  }),
  rights: fc.array(fc.constantFrom(2, 11, 13, 16), { maxLength: 2 }),
  terminals: fc.tuple(terminals, terminals),
  /** The pty of the master; none. */
  master: fc.constantFrom(3, 4, 7, 7, 7, undefined, undefined, undefined),
  data: fc.integer({ min: 0, max: 29 }).map((one) => one === 0),
  lacksPath: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
  specs: fc.array(
    fc.record({
      fd: fc.integer({ min: 30, max: 32 }),
      key: fc.oneof(
        fc.constantFrom(
          '/dev/pts/3',
          '/dev/pts/4',
          '/dev/pts/*',
          '/dev/tty',
          '/dev/ptmx',
          'tty[8803:1a]',
          'pipe:[100]',
        ),
        fc.record({
          pid: fc.constantFrom('*', '20', '21', '22'),
          number: fc.nat(2),
          only: fc.constantFrom(true, true, true, false),
        }),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
export type TerminalWorld = typeof terminalWorlds extends fc.Arbitrary<infer T> ? T : never;

const SETTINGS = { c_iflag: 1, c_oflag: 1, c_cflag: 1, c_lflag: 1, c_line: 0, c_ispeed: 1, c_ospeed: 1, c_cc: [1] };
const info = (id: number, rdev: number, more: object) => ({
  ...{ id, type: 'PTY', locked: false, exclusive: false, packet_mode: false, sid: 0, pgrp: 0, rdev, dev: 26 },
  ...{ termios: SETTINGS, uid: 1, gid: 5, pty: { index: id } },
  ...more,
});

export function imagesOfTerminals({
  tables,
  rights,
  terminals: given,
  master,
  data,
  lacksPath,
}: TerminalWorld): Images {
  const infos = given.flatMap(({ type, session, isHungUp, hasRecord, isTwice }, i) => {
    const one = info(3 + i, 0x8803 + i, {
      ...{ type, sid: session, pgrp: session },
      ...(isHungUp ? { termios: undefined } : {}),
      ...(type === 'PTY' ? {} : { pty: undefined }),
    });
    return [...(hasRecord ? [one] : []), ...(isTwice ? [{ ...one, sid: 0 }] : [])];
  });
  const isPipeOpen = [...tables.flat(), ...rights].includes(2);
  const paths = [...PATHS].filter(([id]) => !lacksPath || id !== 3);
  const images: Images = {
    'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
    'pstree.img': tables.map((_table, i) => ({
      pid: 20 + i,
      ppid: 0,
      pgid: 20,
      sid: i === 1 ? 21 : 20,
      threads: [20 + i],
    })),
    'files.img': [
      fileEntry(1, '/program', 0),
      ...(isPipeOpen ? [pipeEntry(2, 100, 1)] : []),
      ...paths.map(([id, name]) => fileEntry(id, name, 2, { mode: 0o020620 })),
      ...[...TERMINAL_OF].map(([id, tty_info_id]) => ({
        ...{ type: 'TTY', id },
        tty: {
          id,
          tty_info_id,
          flags: 2,
          fown: NO_OWNER,
          ...(lacksPath && tty_info_id === 3 ? {} : { regf_id: tty_info_id }),
        },
      })),
    ],
    'tty-info.img': [
      ...infos,
      ...(master === undefined ? [] : [info(5, 0x502, { pty: { index: master } })]),
      info(6, 0x500, { type: 'CTTY', sid: 20, pgrp: 20, pty: undefined }),
    ],
    'fs-20.img': [{ cwd_id: 1, root_id: 1 }],
    'sk-queues.img': rights.length === 0 ? [] : [{ id_for: 1, length: 0, scm: [{ type: 1, rights }] }],
    ...(data ? { 'tty-data.img': [{ tty_id: 3, data: Buffer.from('abc') }] } : {}),
  };
  tables.forEach((table, i) => {
    images[`ids-${20 + i}.img`] = [{ vm_id: 1, files_id: 40 + i, fs_id: 1, sighand_id: 1 }];
    images[`fdinfo-${40 + i}.img`] = table.map((id, fd) => descriptor(id, fd, id === 2 ? 'PIPE' : 'TTY'));
  });
  return images;
}

export const specsOfTerminals = ({ specs }: TerminalWorld): NonNullable<RewriteOptions['specs']> =>
  specs.map(({ fd, key }) =>
    typeof key === 'string'
      ? { inherit: `fd[${fd}]:${key}` }
      : { inherit: `fd[${fd}]:/proc/${key.pid}/fd/${key.number}`, only: key.only },
  );
