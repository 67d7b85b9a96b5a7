import path from 'node:path';
import type { Box } from './box';
import { checkedBuild } from './checked-build';
import { realCriu } from './criu';
import type { Lab } from './lab';
import { ended, type Fds } from './spawn';
import type { Tasks } from './tasks';

/** What a command gets there, and nothing else. */
const ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
};

/**
 * A place with Debian's container runtimes. `directory` is /tmp/work there, the native build /tmp/native. All that runs
 * in it ends with the lab.
 */
export class RuntimeRoom {
  private constructor(
    private readonly lab: Lab,
    private readonly box: Box,
    readonly directory: string,
  ) {}

  static async open(lab: Lab): Promise<RuntimeRoom> {
    const real = realCriu();
    if (!real.available) throw new Error(real.missing);
    const room = new RuntimeRoom(lab, await lab.box(), lab.directory());
    const script = path.join(__dirname, 'runtime-room.sh');
    await room.run(['sh', script, real.root, room.directory, checkedBuild()]);
    return room;
  }

  get tasks(): Tasks {
    return this.box.tasks;
  }

  /** Starts a command; `said` is what it has written to stdout and stderr, unless told where these go. */
  start(argv: readonly string[], fds: Fds = {}) {
    const said = this.lab.scratch();
    const child = this.box.spawn(argv, {
      messages: said.fd,
      fds: { 1: said.fd, 2: said.fd, ...fds },
      env: ENVIRONMENT,
    });
    return { child, said: () => said.read() };
  }

  /** The argv of a command there, with the 0, 1 and 2 that the caller of this argv has. */
  argv(argv: readonly string[]): string[] {
    const variables = Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    return this.box.argv(['env', '-i', ...variables, ...argv]);
  }

  /** Runs a command to its end, which has to be 0, and returns what it wrote. */
  async run(argv: readonly string[], fds: Fds = {}): Promise<string> {
    const { child, said } = this.start(argv, fds);
    const status = await ended(child, 120);
    if (status !== 0) throw new Error(`${argv.slice(0, 8).join(' ')} … ended with ${status}: ${said()}`);
    return said();
  }
}
