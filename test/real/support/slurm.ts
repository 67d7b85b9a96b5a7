import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { until } from '../../support/until';
import type { Box } from './box';
import type { Lab } from './lab';
import { ended } from './spawn';

// A cluster of one node that is called localhost, whatever this machine's name: the daemons and whoever talks to
// them have a host name of their own.
const NAMED = ['sh', '-c', 'hostname localhost && exec "$@"', 'sh'];
const OWN_NAME = ['--namespaces', 'uts'];

export interface Slurm {
  env: NodeJS.ProcessEnv;
  /** What a command of Slurm is started with: options of place.c, and argv. */
  place: readonly string[];
  prefix: readonly string[];
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/**
 * Slurm inside a box, with all that it keeps in a directory of the lab. It ends with the box. `processors`: as many as
 * its node is said to have, whatever this machine has.
 */
export async function startSlurm(lab: Lab, box: Box, searchPath: string, processors = 1): Promise<Slurm> {
  const directory = lab.directory();
  const file = (name: string) => path.join(directory, name);
  fs.writeFileSync(file('munge.key'), randomBytes(128), { mode: 0o600 });
  for (const name of ['state', 'spool']) fs.mkdirSync(file(name));
  const [controller, node] = await freePorts(2);
  const settings = {
    ClusterName: 'cookbook',
    SlurmctldHost: 'localhost(127.0.0.1)',
    SlurmctldPort: controller,
    SlurmdPort: node,
    CommunicationParameters: 'NoInAddrAny,NoCtldInAddrAny',
    AuthType: 'auth/munge',
    AuthInfo: `socket=${file('munge.socket')}`,
    SlurmUser: 'root',
    SlurmdUser: 'root',
    StateSaveLocation: file('state'),
    SlurmdSpoolDir: file('spool'),
    SlurmctldPidFile: file('slurmctld.pid'),
    SlurmdPidFile: file('slurmd.pid'),
    SlurmctldLogFile: file('slurmctld.log'),
    SlurmdLogFile: file('slurmd.log'),
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    JobAcctGatherType: 'jobacct_gather/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_Core',
    ReturnToService: 2,
    SlurmdParameters: 'config_overrides',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  lines.push(
    `NodeName=localhost NodeAddr=127.0.0.1 CPUs=${processors}\n`,
    'PartitionName=main Nodes=localhost Default=YES\n',
  );
  fs.writeFileSync(file('slurm.conf'), lines.join(''));
  fs.writeFileSync(file('cgroup.conf'), '');
  const env = { SLURM_CONF: file('slurm.conf') };

  const start = (argv: string[]) => {
    const said = lab.open(file(`${argv[0]}.said`), 'a');
    const child = box.spawn([...NAMED, ...argv], {
      place: OWN_NAME,
      messages: said,
      fds: { 1: said, 2: said },
      env: { ...process.env, ...env, PATH: searchPath },
    });
    return ended(child, 600);
  };
  const daemons = [
    [
      'munged',
      '--foreground',
      '--force',
      ...['key-file', 'socket', 'pid-file', 'log-file', 'seed-file'].map(
        (name) => `--${name}=${file(`munge.${name.replace('-file', '')}`)}`,
      ),
    ],
    ['slurmctld', '-D'],
    ['slurmd', '-D'],
  ];
  const gone: string[] = [];
  const up = (what: string, isUp: () => boolean | Promise<boolean>) =>
    until(
      what,
      () => {
        if (gone.length > 0) throw new Error(`${gone.join(', ')} before ${what}\n${logs(directory)}`);
        return isUp();
      },
      () => logs(directory),
    );
  for (const argv of daemons) {
    void start(argv).then((code) => gone.push(`${argv[0]} ended with ${code}`));
    if (argv[0] === 'munged') await up('the socket of munged', () => fs.existsSync(file('munge.socket')));
  }
  await up('an idle node', async () => {
    fs.rmSync(file('sinfo.said'), { force: true });
    const code = await start(['sinfo', '--noheader', '--format=%T']);
    return code === 0 && /^idle$/m.test(fs.readFileSync(file('sinfo.said'), 'utf8'));
  });
  return { env, place: OWN_NAME, prefix: NAMED };
}

function logs(directory: string): string {
  return fs
    .readdirSync(directory)
    .filter((name) => /\.(log|said)$/.test(name))
    .map((name) => `${name}: …${fs.readFileSync(path.join(directory, name), 'utf8').slice(-1500)}`)
    .join('\n');
}
