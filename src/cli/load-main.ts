import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

type Main = (args: readonly string[]) => Promise<void>;

/** The whole command in one file, and what V8 made of it (tools/build.js). */
export const COMMAND_FILE = 'command.js';
export const CODE_FILE = 'command.code';

const DIGEST_BYTES = 32;

/**
 * The command. `npm run build` puts it into one file and keeps V8's compiled code of it, since loading and compiling
 * module by module is most of what a short run takes. Code of another version of Node.js is not used, and without the
 * one file the modules are.
 */
export function loadMain(): Main {
  const file = path.join(__dirname, COMMAND_FILE);
  const source = readIfPossible(file);
  if (source === undefined) return (require('./main') as { main: Main }).main;
  const cachedData = codeFor(source, readIfPossible(path.join(__dirname, CODE_FILE)));
  const script = new vm.Script(source.toString('utf8'), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return runCommandFile(script, file);
}

/** V8's code as it is kept: behind a digest of it and of what it was made of, since V8 looks at neither. */
export function sealCode(source: Buffer, code: Buffer): Buffer {
  return Buffer.concat([digestOf(source, code), code]);
}

/** The code of this very source; undefined where what was kept is not that, whole and unchanged. */
function codeFor(source: Buffer, sealed: Buffer | undefined): Buffer | undefined {
  if (sealed === undefined || sealed.length <= DIGEST_BYTES) return undefined;
  const code = sealed.subarray(DIGEST_BYTES);
  return digestOf(source, code).equals(sealed.subarray(0, DIGEST_BYTES)) ? code : undefined;
}

function digestOf(source: Buffer, code: Buffer): Buffer {
  return createHash('sha256').update(source).update(code).digest();
}

/** Runs the one file, which is a function as Node.js puts around modules, and gives its `main`. */
export function runCommandFile(script: vm.Script, file: string): Main {
  const module = { exports: {} as { main: Main } };
  script.runInThisContext()(module.exports, createRequire(file), module, file, path.dirname(file));
  return module.exports.main;
}

/** There are the modules where the one file cannot be read, and V8 compiles anew where its code cannot. */
function readIfPossible(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}
