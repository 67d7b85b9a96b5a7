import fs from 'node:fs';
import { createRequire, wrap } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const WRITABLE_BY_OTHERS = 0o022;

/** A module, and what to do when it has run: V8 has compiled then what a run needs. */
export interface Loaded {
  readonly module: unknown;
  /** Keeps V8's code of it beside it for the next run, if this process may. Never throws. */
  keepCode(): void;
}

/**
 * A module beside this one, `commands/ls` for example, by the code that this version of V8 made of it before: compiling
 * is most of what a short run takes. `npm run build` makes the code for its own Node.js, the first run that may write
 * there for another one. Undefined if the module is no file of its own, as in the sources.
 */
export function loadCompiled(name: string): Loaded | undefined {
  const file = path.join(__dirname, `${name}.js`);
  const source = readIfPossible(file);
  if (source === undefined) return undefined;
  const kept = readIfPossible(codeFileOf(file));
  const code = kept === undefined ? undefined : openCode(source, kept);
  const script = compileModule(source, file, code);
  const keepCode = () => {
    // With other options, V8 refuses its code at the next run.
    if (code !== undefined || process.execArgv.length > 0 || process.env.NODE_OPTIONS) return;
    try {
      if (isOurs(path.dirname(file))) writeCode(file, source, script);
    } catch {
      // A disk that is full, or that may not be written to: the next run compiles again.
    }
  };
  return { module: runModule(script, file), keepCode };
}

/** Beside the module; V8 takes no code of another version. */
export function codeFileOf(file: string): string {
  return file.replace(/\.js$/, `.${process.versions.v8}-${process.arch}.code`);
}

/** Whether nobody but the user of this process writes there. */
function isOurs(directory: string): boolean {
  const { uid, mode } = fs.statSync(directory);
  return uid === process.geteuid?.() && (mode & WRITABLE_BY_OTHERS) === 0;
}

/** Writes V8's code of a module that has run, in one step. Throws what the system says. */
export function writeCode(file: string, source: Buffer, script: vm.Script): void {
  const place = codeFileOf(file);
  const made = `${place}.new`;
  // Another run makes it, or was killed while it did.
  const fd = fs.openSync(made, 'wx');
  try {
    try {
      fs.writeFileSync(fd, sealCode(source, script.createCachedData()));
      fs.fchmodSync(fd, fs.statSync(file).mode & 0o666);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(made, place);
  } catch (error) {
    fs.rmSync(made, { force: true });
    throw error;
  }
}

/**
 * Packs V8's code for keeping: the code twice, and the source that it was made of. V8 runs damaged code without a look,
 * and takes code of any source of the same length. To compare bytes costs next to nothing; a digest would load OpenSSL.
 */
export function sealCode(source: Buffer, code: Buffer): Buffer {
  return Buffer.concat([code, code, source]);
}

/** The code of this very source; undefined where what was kept is not that, whole and unchanged. */
export function openCode(source: Buffer, kept: Buffer): Buffer | undefined {
  const length = (kept.length - source.length) / 2;
  if (length <= 0 || !Number.isInteger(length)) return undefined;
  const [code, same] = [kept.subarray(0, length), kept.subarray(length, 2 * length)];
  return code.equals(same) && kept.subarray(2 * length).equals(source) ? code : undefined;
}

/** The source is to have ASCII characters alone. */
export function compileModule(source: Buffer, file: string, cachedData?: Buffer): vm.Script {
  return new vm.Script(wrap(source.toString('latin1')), { filename: file, ...(cachedData && { cachedData }) });
}

/** Runs a module as Node.js does, and gives what it exports. */
export function runModule(script: vm.Script, file: string): unknown {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, path.dirname(file));
  return module.exports;
}

function readIfPossible(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}
