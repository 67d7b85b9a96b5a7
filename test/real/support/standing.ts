import fs from 'node:fs';

/** The directory that root's restores have their sockets and links in. */
const BASE = '/run/fdgraft';

/** The names in the directory of a user's restores; root's unless told. Others may have restores there, too. */
export function standing(base = BASE): string[] {
  return fs.existsSync(base) ? fs.readdirSync(base) : [];
}
