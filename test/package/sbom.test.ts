import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { temporaryDirectory } from '../support/directories';

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  purl: string;
  licenses?: { license?: { id?: string }; expression?: string }[];
  hashes?: { alg: string; content: string }[];
}
interface Bom {
  bomFormat: string;
  specVersion: string;
  version: number;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const top = path.join(__dirname, '../..');
const readJson = (...names: string[]) => JSON.parse(fs.readFileSync(path.join(top, ...names), 'utf8'));

test('the SBOM lists every package of an installation with version, license and digest, and no other', (t) => {
  const file = path.join(temporaryDirectory(t), 'fdgraft.cdx.json');
  const { status, stderr } = spawnSync(process.execPath, ['tools/sbom.js', file], { cwd: top, encoding: 'utf8' });
  t.is(status, 0, stderr);
  const text = fs.readFileSync(file, 'utf8');
  const bom = JSON.parse(text) as Bom;
  const { name, version, dependencies, devDependencies } = readJson('package.json');

  t.like(bom, { bomFormat: 'CycloneDX', version: 1 });
  t.regex(bom.specVersion, /^1\.\d$/);
  t.like(bom.metadata.component, { type: 'application', name, version });

  const refs = bom.components.map((component) => component['bom-ref']);
  t.deepEqual([...new Set(refs)], refs);
  for (const [dependency, exact] of Object.entries(dependencies)) t.true(refs.includes(`${dependency}@${exact}`));
  for (const [dependency, exact] of Object.entries(devDependencies)) t.false(refs.includes(`${dependency}@${exact}`));
  for (const component of bom.components) {
    const { name: ofPackage, version: ofVersion, type, purl, licenses = [], hashes = [] } = component;
    t.is(type, 'library');
    t.is(purl, `pkg:npm/${ofPackage.replace('@', '%40')}@${ofVersion}`);
    t.true(licenses.length > 0, `${ofPackage} has no license`);
    t.is(hashes[0]?.alg, 'SHA-512', ofPackage);
  }

  // Whatever is required is listed, and all that is listed is required.
  const [root] = bom.dependencies.filter(({ ref }) => ref === bom.metadata.component['bom-ref']);
  t.is(root?.dependsOn.length, Object.keys(dependencies).length);
  const reached = new Set<string>();
  const visit = (ref: string) => {
    if (reached.has(ref)) return;
    reached.add(ref);
    for (const next of bom.dependencies.find((one) => one.ref === ref)?.dependsOn ?? []) visit(next);
  };
  for (const ref of root?.dependsOn ?? []) visit(ref);
  t.deepEqual([...reached].sort(), [...refs].sort());

  // The same bytes for each run, and no host of a registry.
  t.notRegex(text, /timestamp|serialNumber|registry/);
});

test('npm ci --ignore-scripts leaves nothing out that is needed', (t) => {
  const { packages } = readJson('package-lock.json') as {
    packages: { [place: string]: { dev?: boolean; hasInstallScript?: boolean } };
  };
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  // Only that of esbuild, which builds fdgraft: its script saves a process at each start, and is not needed.
  t.deepEqual(
    withScript.map(([place, { dev }]) => [place, dev]),
    [['node_modules/esbuild', true]],
  );
});
