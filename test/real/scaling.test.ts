import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Job } from 'kubernetes-models/batch/v1';
import ts from 'typescript';
import { parse } from 'yaml';
import { makeCommands } from './support/commands';
import { type Block, readRecipes } from './support/cookbook';
import { realCriu } from './support/criu';
import type { Lab } from './support/lab';
import { realTest } from './support/real-test';
import { startSlurm } from './support/slurm';
import { ended } from './support/spawn';

// docs/SCALING.md: its sbatch script runs on a real Slurm as it stands there, its manifest is a Job of Kubernetes, and
// what the manifest runs is run once for each index.

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): Record<string, string>;
};

const FIXTURES = path.resolve(__dirname, '../../fixtures/images');
const SCALING = path.resolve(__dirname, '../../docs/SCALING.md');
const blocks = readRecipes(SCALING).flatMap((recipe) => recipe.blocks);

function fileOf(name: string): Block {
  const block = blocks.find((each) => each.name === name);
  if (block === undefined) throw new Error(`${SCALING} has no file ${name}`);
  return block;
}

const CHECKPOINTS = 200;
const KINDS = ['pipe_outside', 'two_logs', 'shared_table', 'unread_pipe'];
const PACKED = ['', '.tar', '.tar.gz'];

/** 200 checkpoints in directories of ten, two of three as archives, and the files of the document. */
function layOut(lab: Lab): string {
  const directory = lab.directory();
  for (let i = 0; i < CHECKPOINTS; i += 1) {
    const images = path.join(FIXTURES, KINDS[i % KINDS.length] as string);
    const ending = PACKED[i % PACKED.length] as string;
    const place = path.join(directory, 'ckpts', `group-${Math.floor(i / 10)}`, `job-${i}${ending}`);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    if (ending === '') fs.cpSync(images, place, { recursive: true });
    else run(['tar', '--auto-compress', '-cf', place, '-C', images, '.']);
  }
  for (const { name, text } of blocks) if (name !== undefined) fs.writeFileSync(path.join(directory, name), text);
  return directory;
}

function run([command, ...words]: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command as string, words, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}: ${error ?? stderr}`);
  return stdout;
}

/** Every file below a directory with its bytes. */
function tree(directory: string): Map<string, string> {
  const files = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  const ours = names.filter((name) => !name.startsWith('.fdgraft-batch/')).sort();
  return new Map(ours.map((name) => [name, fs.readFileSync(path.join(directory, name), 'latin1')]));
}

/** What one batch without shards makes of the same. */
function checkAgainstWhole(t: ExecutionContext, directory: string, commands: string): void {
  const words = ['fdgraft', 'batch', 'rewrite', 'ckpts/**', '--out', 'whole', '--specs', 'specs.json', '--quiet'];
  run(words, { cwd: directory, env: { ...process.env, PATH: `${commands}:${process.env.PATH}` } });
  t.deepEqual(tree(path.join(directory, 'grafted')), tree(path.join(directory, 'whole')));
  t.deepEqual(
    fs
      .readdirSync(directory, { recursive: true })
      .filter((name) => String(name).includes('fdgraft-') && !String(name).includes('.fdgraft-batch')),
    [],
    'nothing half-done is left',
  );
}

/** The inputs that lines of JSON tell of as done. */
function doneIn(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { job?: string; status?: string })
    .flatMap((line) => (line.status === 'done' ? [String(line.job)] : []));
}

const [missing] = realCriu().available ? Object.values(ensurePrograms(['slurm'])) : [];
if (missing !== undefined) {
  if (process.env.CI) throw new Error(missing);
  test.skip(`an array of Slurm (${missing})`, (t) => t.fail());
} else {
  realTest('the sbatch script does 200 checkpoints in an array of 4 on a real Slurm', async (t, lab) => {
    const directory = layOut(lab);
    const commands = lab.directory();
    makeCommands(commands);
    const searchPath = `${commands}:${process.env.PATH}:/usr/sbin:/sbin:/usr/bin:/bin`;
    const box = await lab.box();
    const slurm = await startSlurm(lab, box, searchPath, 4);
    const submit = async () => {
      const said = lab.scratch();
      const [command] = blocks.filter(({ language }) => language === 'sh');
      const child = box.spawn([...slurm.prefix, 'sh', '-e', '-c', command?.text ?? 'false'], {
        place: ['--chdir', directory, ...slurm.place],
        messages: said.fd,
        fds: { 1: said.fd, 2: said.fd },
        env: { ...process.env, ...slurm.env, PATH: searchPath },
      });
      const status = await ended(child, 240);
      const logs = fs.readdirSync(directory).filter((name) => name.endsWith('.log'));
      const all = logs.map((name) => `${name}: ${fs.readFileSync(path.join(directory, name), 'utf8')}`).join('\n');
      t.is(status, 0, `${said.read()}\n${all}`);
      return [0, 1, 2, 3].map((task) => doneIn(fs.readFileSync(path.join(directory, `graft-${task}.jsonl`), 'utf8')));
    };
    const parts = await submit();
    t.true(
      parts.every((part) => part.length > CHECKPOINTS / 10),
      `${parts.map((part) => part.length)}`,
    );
    const all = parts.flat();
    t.is(all.length, CHECKPOINTS);
    t.is(new Set(all).size, CHECKPOINTS, 'each of them once');
    checkAgainstWhole(t, directory, commands);
    t.deepEqual(await submit(), parts, 'once more, all of them are done already, by the same tasks');
  });
}

test('the manifest is a Job of Kubernetes', (t) => {
  const manifest = parse(fileOf('graft.yaml').text);
  t.notThrows(() => new Job(manifest).validate());
  t.throws(() => new Job({ ...manifest, spec: { ...manifest.spec, completions: '4' } }).validate());
  t.deepEqual(problemsOfType(manifest), []);
  // A node has more processors than the memory limit has room for workers.
  const [{ command, resources }] = manifest.spec.template.spec.containers;
  t.deepEqual(command.slice(command.indexOf('--jobs'), command.indexOf('--jobs') + 2), ['--jobs', '1']);
  t.deepEqual(resources.requests.cpu, '1');
  const wrong = { ...manifest, spec: { ...manifest.spec, completion: 4 } };
  t.regex(problemsOfType(wrong).join('\n'), /completion.*does not exist in type 'IJobSpec'/);
});

/** What the compiler says of a Job with these values: it knows of keys that there are not, too. */
function problemsOfType(manifest: unknown): string[] {
  const file = path.join(__dirname, 'job.generated.ts');
  const text = `import type { IJob } from 'kubernetes-models/batch/v1';\nexport const job: IJob = ${JSON.stringify(manifest)};\n`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

realTest('what the manifest runs does 200 checkpoints, a part for each index', async (t, lab) => {
  const { spec } = parse(fileOf('graft.yaml').text) as {
    spec: { completions: number; template: { spec: { containers: { command: string[] }[] } } };
  };
  const command = spec.template.spec.containers[0]?.command as string[];
  t.is(command[command.indexOf('--shard') + 1], `auto/${spec.completions}`);
  const directory = layOut(lab);
  const commands = lab.directory();
  makeCommands(commands);
  const all: string[] = [];
  for (let index = 0; index < spec.completions; index += 1) {
    const env = { ...process.env, PATH: `${commands}:${process.env.PATH}`, JOB_COMPLETION_INDEX: String(index) };
    all.push(...doneIn(run(command, { cwd: directory, env })));
  }
  t.is(all.length, CHECKPOINTS);
  t.is(new Set(all).size, CHECKPOINTS);
  checkAgainstWhole(t, directory, commands);
});
