import { descriptor, fileEntry, type Images, pipeEntry } from './directories';

const FIRST = 14000;
const [READ, WRITE, APPEND] = [0, 1, 0o2001];

/**
 * A job as Slurm starts it: a launcher that writes one log, and ranks with the same two pipes, a log of their own and
 * data files, `descriptors` each.
 */
export function manyTasks(tasks: number, descriptors: number): Images {
  const pids = Array.from({ length: tasks }, (_none, i) => FIRST + i);
  const shared = [
    fileEntry(1, '/dev/null', READ),
    pipeEntry(2, 128371, WRITE),
    pipeEntry(3, 128372, WRITE),
    fileEntry(4, '/var/spool/slurmd/job00042/slurm_script.log', APPEND, { pos: 4096, size: 4096, mode: 0o100644 }),
  ];
  const own = (rank: number) => 10 + rank * descriptors;
  const filesOf = (rank: number) => [
    fileEntry(own(rank), `/scratch/project/climate/run-0042/rank-${rank}/output/stdout.log`, APPEND),
    ...Array.from({ length: Math.max(0, descriptors - 4) }, (_none, i) =>
      fileEntry(own(rank) + 1 + i, `/scratch/project/climate/run-0042/rank-${rank}/input/part-${i}.nc`, READ),
    ),
  ];
  const tableOf = (rank: number) => {
    const mine =
      rank === 0 ? [descriptor(4, 3, 'REG')] : filesOf(rank).map(({ id }, i) => descriptor(id, 3 + i, 'REG'));
    return [descriptor(1, 0, 'REG'), descriptor(2, 1, 'PIPE'), descriptor(3, 2, 'PIPE'), ...mine];
  };
  return {
    'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
    'pstree.img': pids.map((pid, i) => ({ pid, ppid: i === 0 ? 0 : FIRST, pgid: FIRST, sid: FIRST, threads: [pid] })),
    'files.img': [...shared, ...pids.flatMap((_pid, rank) => (rank === 0 ? [] : filesOf(rank)))],
    ...Object.fromEntries(
      pids.flatMap((pid, rank) => [
        [`ids-${pid}.img`, [{ vm_id: rank + 1, files_id: rank + 1, fs_id: rank + 1, sighand_id: rank + 1 }]],
        [`core-${pid}.img`, [{ mtype: 1, tc: { task_state: 1, comm: rank === 0 ? 'slurmstepd' : 'climate' } }]],
        [`fdinfo-${rank + 1}.img`, tableOf(rank)],
      ]),
    ),
  };
}

/** The specs of a restore elsewhere: one fd for each pipe, one for the launcher's log, one for the log of each rank. */
export const SPECS_OF_MANY = [
  'fd[5]:pipe:[128371]',
  'fd[6]:pipe:[128372]',
  'fd[7]:/var/spool/slurmd/job00042/*.log',
  'fd[8]:/scratch/project/climate/run-0042/rank-*/output/stdout.log',
];

/** The same, but each file has another name, and no two of these differ in numbers only. */
export function otherNames(images: Images): Images {
  const files = images['files.img'] as readonly { readonly reg?: { readonly name: string } }[];
  const renamed = files.map((entry, i) => {
    if (entry.reg === undefined) return entry;
    const letters = [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    return { ...entry, reg: { ...entry.reg, name: `${entry.reg.name}.${letters}` } };
  });
  return { ...images, 'files.img': renamed };
}
