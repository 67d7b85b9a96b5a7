import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

type Main = (args: readonly string[]) => Promise<void>;

/** The whole command in one file, and what V8 made of it (tools/build.js). */
export const COMMAND_FILE = 'command.js';
export const CODE_FILE = 'command.code';

/**
 * The command. `npm run build` puts it into one file and keeps V8's compiled code of it, since loading and compiling
 * module by module is most of what a short run takes. Code of another version of Node.js is not used, and without the
 * one file the modules are.
 */
export function loadMain(): Main {
  const file = path.join(__dirname, COMMAND_FILE);
  const source = readIfThere(file);
  if (source === undefined) return (require('./main') as { main: Main }).main;
  const cachedData = readIfThere(path.join(__dirname, CODE_FILE));
  const script = new vm.Script(source.toString('utf8'), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return runCommandFile(script, file);
}

/** Runs the one file, which is a function as Node.js puts around modules, and gives its `main`. */
export function runCommandFile(script: vm.Script, file: string): Main {
  const module = { exports: {} as { main: Main } };
  script.runInThisContext()(module.exports, createRequire(file), module, file, path.dirname(file));
  return module.exports.main;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
