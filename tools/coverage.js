// npm run coverage: the lines of each part (mutation/parts.js) that the tests of the parts reach, by c8. Ends with 1 if
// a part has less than 95 %.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ensureNodeModules, runMain, top } = require('./ensure');
const { filesOf, PARTS } = require('./mutation/parts');

const LEAST = 95;

/** Whether nothing of a file runs: c8 takes all lines of such a file for lines that no test reaches. */
function isOfTypesAlone(file) {
  const ts = require('typescript');
  const compilerOptions = { module: ts.ModuleKind.ESNext, removeComments: true };
  const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions });
  return outputText.trim() === 'export {};';
}

function measure(room) {
  const c8 = path.join(top, 'node_modules/c8/bin/c8.js');
  const ava = path.join(top, 'node_modules/ava/entrypoints/cli.mjs');
  const places = [`--temp-directory=${room}/v8`, `--reports-dir=${room}`];
  const tests = new Set(Object.keys(PARTS).flatMap((part) => filesOf(part).tests));
  const args = [c8, ...places, '--all', '--src=src', '--include=src/**', '--reporter=json-summary', ava, ...tests];
  const { status } = spawnSync(process.execPath, args, { cwd: top, stdio: 'inherit' });
  if (status !== 0) throw new Error(`the tests ended with ${status}`);
  return JSON.parse(fs.readFileSync(path.join(room, 'coverage-summary.json'), 'utf8'));
}

function main() {
  ensureNodeModules();
  const room = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-coverage-'));
  try {
    const summary = measure(room);
    for (const part of Object.keys(PARTS)) {
      const sources = filesOf(part).sources.filter((file) => !isOfTypesAlone(file));
      const found = sources.map((file) => summary[file].lines);
      const [total, covered] = ['total', 'covered'].map((key) => found.reduce((sum, lines) => sum + lines[key], 0));
      const percent = (100 * covered) / total;
      console.log(`${part.padEnd(8)} ${covered} of ${total} lines, ${percent.toFixed(1)} %`);
      if (!(percent >= LEAST)) process.exitCode = 1;
    }
  } finally {
    fs.rmSync(room, { recursive: true, force: true });
  }
}

runMain(main);
