import fs from 'node:fs';
import { createRequire, wrap } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

/**
 * A module beside this one, `commands/ls` for example, by V8's code that `npm run build` kept of it in NAME.code:
 * compiling is most of what a short run takes. Undefined where there is no such code, or none of this very source.
 * V8 itself refuses what another version of it has made, and compiles the source then.
 */
export function loadCompiled(name: string): unknown {
  const file = path.join(__dirname, `${name}.js`);
  const kept = readIfPossible(codeFileOf(file));
  if (kept === undefined) return undefined;
  const source = readIfPossible(file);
  const code = source === undefined ? undefined : openCode(source, kept);
  if (source === undefined || code === undefined) return undefined;
  return runModule(compileModule(source, file, code), file);
}

export function codeFileOf(file: string): string {
  return file.replace(/\.js$/, '.code');
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
