/**
 * The options of criu, as its parser has them (criu/config.c): those of 4.1.1, then those that 4.3 brought. criu reads
 * all of them with every command.
 */

/** Whether a value follows: never; always, in the same word or the next one; in the same word if at all. */
export type Value = 'none' | 'required' | 'optional';

/** Short options with the long one that means the same, and their value. */
export const SHORT_OPTIONS: { readonly [letter: string]: { readonly name: string; readonly value: Value } } = {
  d: { name: 'restore-detached', value: 'none' },
  s: { name: 'leave-stopped', value: 'none' },
  S: { name: 'restore-sibling', value: 'none' },
  R: { name: 'leave-running', value: 'none' },
  t: { name: 'tree', value: 'required' },
  h: { name: 'help', value: 'none' },
  D: { name: 'images-dir', value: 'required' },
  o: { name: 'log-file', value: 'required' },
  v: { name: 'verbosity', value: 'optional' },
  x: { name: 'ext-unix-sk', value: 'optional' },
  V: { name: 'version', value: 'none' },
  r: { name: 'root', value: 'required' },
  j: { name: 'shell-job', value: 'none' },
  J: { name: 'join-ns', value: 'required' },
  l: { name: 'file-locks', value: 'none' },
  W: { name: 'work-dir', value: 'required' },
  L: { name: 'libdir', value: 'required' },
  M: { name: 'ext-mount-map', value: 'required' },
  c: { name: 'compress', value: 'none' },
};

/** Long options without a value that have a second form, --no-NAME. */
const SWITCHES = [
  'restore-detached',
  'restore-sibling',
  'daemon',
  'tcp-established',
  'log-pid',
  'evasive-devices',
  'link-remap',
  'shell-job',
  'file-locks',
  'page-server',
  'track-mem',
  'auto-dedup',
  'force-irmap',
  'extra',
  'experimental',
  'skip-in-flight',
  'deprecated',
  'display-stats',
  'weak-sysctls',
  'tcp-close',
  'stream',
  'tls',
  'skip-file-rwx-check',
  'mntns-compat-mode',
  'unprivileged',
  'ghost-fiemap',
  // 4.3
  'allow-uprobes',
];

const OTHERS: readonly (readonly [value: Value, names: readonly string[]])[] = [
  [
    'none',
    [
      'leave-stopped',
      'leave-running',
      'help',
      'version',
      'ms',
      'exec-cmd',
      'enable-external-sharing',
      'enable-external-masters',
      'lazy-pages',
      'all',
      'no-default-config',
      'tls-no-cn-verify',
      // 4.3
      'compress',
    ],
  ],
  [
    'required',
    [
      'tree',
      'images-dir',
      'work-dir',
      'log-file',
      'join-ns',
      'root',
      'close',
      'pidfile',
      'veth-pair',
      'action-script',
      'address',
      'port',
      'prev-images-dir',
      'libdir',
      'ext-mount-map',
      'cgroup-root',
      'inherit-fd',
      'feature',
      'skip-mnt',
      'enable-fs',
      'freeze-cgroup',
      'ghost-limit',
      'irmap-scan-path',
      'lsm-profile',
      'timeout',
      'external',
      'empty-ns',
      'cgroup-props',
      'cgroup-props-file',
      'cgroup-dump-controller',
      'status-fd',
      'ps-socket',
      'config',
      'tls-cacert',
      'tls-cacrl',
      'tls-cert',
      'tls-key',
      'cgroup-yard',
      'pre-dump-mode',
      'file-validation',
      'lsm-mount-context',
      'network-lock',
      // 4.3
      'image-io-mode',
      'compress-acceleration',
      'compress-block',
      'decompress-threads',
      'plugin-option',
    ],
  ],
  ['optional', ['ext-unix-sk', 'cpu-cap', 'manage-cgroups', 'verbosity']],
];

/** Long options, by their full names. */
export const LONG_OPTIONS: ReadonlyMap<string, Value> = new Map([
  ...SWITCHES.flatMap((name) => [[name, 'none'] as const, [`no-${name}`, 'none'] as const]),
  ...OTHERS.flatMap(([value, names]) => names.map((name) => [name, value] as const)),
]);
