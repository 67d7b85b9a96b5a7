import { builtins } from '../bytes/builtins';
import { type Credentials, readCredentials } from '../checkpoint/credentials';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import type { Tasks } from '../checkpoint/tasks';
import { readUserNamespace, type UserNamespace } from '../checkpoint/user-namespace';
import { messages } from '../errors/messages';
import type { Source } from '../storage/source';
import type { Placeholder } from './decision';

/** Tasks with the same credentials. */
export interface CredentialsOfTasks extends Credentials {
  /** Ascending. */
  readonly pids: readonly number[];
}

export interface GatheredCredentials {
  /** Of the tasks that have a descriptor of a placeholder, by the first of their pids. */
  readonly credentials: readonly CredentialsOfTasks[];
  /** That of the tasks; undefined where they have that of CRIU itself. */
  readonly userNamespace: UserNamespace | undefined;
}

/** Pids and groups that a plan can hold, all in all: a record of it stays below what readers take. */
const MAX_CREDENTIAL_NUMBERS = 2 ** 23;

/** Reads the core images of the tasks that have a descriptor of a placeholder, and of no others. Throws FdgraftError. */
export async function gatherCredentials(
  source: Source,
  placeholders: readonly Placeholder[],
  tasks: Tasks,
  signal?: AbortSignal,
): Promise<GatheredCredentials> {
  const pids = referringPids(placeholders, tasks);
  if (pids.length === 0) return { credentials: [], userNamespace: undefined };
  const images = new ImagesByName(source, signal);
  try {
    const { root } = tasks;
    const userNamespace = root === undefined ? undefined : await readUserNamespace(images, root);
    return { credentials: await groupTasks(images, pids), userNamespace };
  } finally {
    await images.close();
  }
}

function referringPids(placeholders: readonly Placeholder[], tasks: Tasks): number[] {
  const tables = new Set(placeholders.flatMap(({ references }) => references.descriptors.map(({ table }) => table)));
  const pids = new Set<number>();
  for (const table of tables) for (const pid of tasks.pidsOf(table)) pids.add(pid);
  return [...pids].sort((a, b) => a - b);
}

async function groupTasks(images: ImagesByName, pids: readonly number[]): Promise<CredentialsOfTasks[]> {
  const groups = new Map<string, Credentials & { readonly pids: number[] }>();
  let numbers = 0;
  for (const pid of pids) {
    const credentials = await readCredentials(images, pid);
    if (credentials === undefined) continue;
    // Lists of groups can be long: not all of them are kept as text too.
    const key = builtins.crypto
      .createHash('sha256')
      .update(JSON.stringify({ ...credentials, fileSize: credentials.fileSize?.toString() }))
      .digest('base64');
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ...credentials, pids: [pid] });
    else known.pids.push(pid);
    numbers += 1 + (known === undefined ? credentials.groups.length : 0);
    if (numbers > MAX_CREDENTIAL_NUMBERS) throw messages.tooManyCredentials(pid, MAX_CREDENTIAL_NUMBERS);
  }
  return [...groups.values()];
}
