import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

const top = path.join(__dirname, '..');
const node = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8' });
  return { status, said: stdout + stderr };
};

test('format and lint are clean', (t) => {
  const { status, said } = node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.');
  t.is(status, 0, said);
});

test('the lock file pins every package and names no registry', (t) => {
  const lock = fs.readFileSync(path.join(top, 'package-lock.json'), 'utf8');
  t.notRegex(lock, /"resolved"/);
  const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8'));
  for (const version of Object.values({ ...dependencies, ...devDependencies })) t.regex(String(version), /^\d/);
  const { packages } = JSON.parse(lock) as { packages: { [place: string]: { integrity?: string } } };
  for (const [place, { integrity }] of Object.entries(packages)) {
    if (place !== '') t.regex(integrity ?? '', /^sha512-/, `${place} has no digest, so npm ci takes any bytes for it`);
  }
});

test('what the package promises to export is there', (t) => {
  const library = require('../src') as object;
  t.deepEqual(Object.keys(library).sort(), [
    'FORMS',
    'FdgraftError',
    'LINK_MODES',
    'TASK_STATES',
    'batch',
    'decode',
    'decodeImage',
    'diff',
    'diffImages',
    'encode',
    'encodeImage',
    'explore',
    'imageInfo',
    'inspect',
    'openImages',
    'openSource',
    'parseShard',
    'planToJson',
    'readPlanOf',
    'readSpecs',
    'rewrite',
  ]);
});
