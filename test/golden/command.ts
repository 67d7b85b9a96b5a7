import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';

export const top = path.join(__dirname, '../..');

/** Translates the sources once, into a folder that looks like the package: ts-node would do it for every command. */
export function translateSources(folder: string): void {
  for (const name of ['package.json', 'node_modules', 'schemas'])
    fs.symlinkSync(path.join(top, name), path.join(folder, name));
  const { config } = ts.readConfigFile(path.join(top, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, top);
  for (const name of fs.readdirSync(path.join(top, 'src'), { recursive: true, encoding: 'utf8' })) {
    const source = path.join(top, 'src', name);
    const target = path.join(folder, 'src', name);
    if (fs.statSync(source).isDirectory()) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (!name.endsWith('.ts')) {
      fs.copyFileSync(source, target);
      continue;
    }
    const { outputText } = ts.transpileModule(fs.readFileSync(source, 'utf8'), { compilerOptions: options });
    fs.writeFileSync(target.replace(/ts$/, 'js'), outputText);
  }
}

let free = os.availableParallelism();
const waiting: (() => void)[] = [];

/** Waits for its turn: all tests of a file begin at once, and each command takes a processor. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else free -= 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
}

/** Runs the command that lies in `folder` translated. */
export function runCommand(folder: string, args: readonly string[]) {
  return inTurn(async () => {
    const command = [path.join(folder, 'src/cli/bin.js'), ...args];
    const child = spawn(process.execPath, command, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    const status = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), status]);
    return { stdout, stderr, code };
  });
}
