import fs from 'node:fs';
import path from 'node:path';
import { command as ownCommand } from '../../support/command';
import { checkedBuild } from './checked-build';
import { realCriu } from './criu';

/** Fills a directory with commands for PATH: fdgraft and fdgraft-exec of this tree, and the real CRIU. */
export function makeCommands(directory: string): void {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const commands = {
    fdgraft: ownCommand,
    'fdgraft-exec': [path.join(checkedBuild(), 'fdgraft-exec')],
    criu: real.criu,
  };
  for (const [name, argv] of Object.entries(commands)) {
    const words = argv.map((word) => `'${word}'`).join(' ');
    fs.writeFileSync(path.join(directory, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }
}
