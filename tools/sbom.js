// npm run sbom [FILE]: the software bill of materials of the package in the CycloneDX format, into fdgraft.cdx.json
// unless told. It lists what `npm install` brings beside the package itself, by package-lock.json; no network is used.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Missing, runMain, top } = require('./ensure');

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** All that npm knows of, what only development needs included: with --omit=dev it leaves out what both need, too. */
function listAll() {
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', '--offline'];
  const { status, stdout, stderr, error } = spawnSync(npm, args, { cwd: top, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) throw new Missing(`npm could not be started: ${error.message}`);
  if (status !== 0) throw new Missing(`npm ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** The packages that an installed fdgraft consists of, as NAME@VERSION. */
function installed() {
  const { packages } = JSON.parse(fs.readFileSync(path.join(top, 'package-lock.json'), 'utf8'));
  const names = Object.entries(packages).filter(([place, { dev }]) => place !== '' && dev !== true);
  return new Set(
    names.map(([place, { name, version }]) => `${name ?? place.split('node_modules/').at(-1)}@${version}`),
  );
}

/** The same for each run on one commit: without time, and without a random number. */
function billOfMaterials() {
  const { serialNumber: _random, metadata, components, dependencies, ...rest } = listAll();
  const { timestamp: _now, component, ...about } = metadata;
  const { name, version } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8'));
  const kept = installed();
  // In a graph of names, the package itself is one as well.
  kept.add(`${name}@${version}`);
  return {
    ...rest,
    // npm names it after the directory.
    metadata: { ...about, component: { ...component, name } },
    components: components.filter((one) => kept.has(one['bom-ref'])),
    dependencies: dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) })),
  };
}

function main() {
  const file = path.resolve(process.argv[2] ?? path.join(top, 'fdgraft.cdx.json'));
  fs.writeFileSync(file, `${JSON.stringify(billOfMaterials(), null, 2)}\n`);
}

if (require.main === module) runMain(main);
