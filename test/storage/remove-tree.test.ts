import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { removeTree } from '../../src/storage/remove-tree';
import { temporaryDirectory } from '../support/directories';

const top = path.join(__dirname, '../..');

/** What each process does with a directory. */
function inProcess(script: string, directory: string, ...before: string[]) {
  const register = path.join(top, 'tools/register-typescript.js');
  const text = `const { removeTree } = require('./src/storage/remove-tree'); const directory = Buffer.from(process.argv[1]); ${script}`;
  const [program = '', ...words] = [...before, process.execPath, '-r', register, '-e', text, directory];
  return spawnSync(program, words, { cwd: top, encoding: 'utf8' });
}

test('a tree goes with its links, odd names and empty directories, and nothing beside it', async (t) => {
  const directory = temporaryDirectory(t);
  const tree = path.join(directory, 'tree');
  for (const name of ['1', '2', 'a/1/2', 'a/2', 'b/c']) fs.mkdirSync(path.join(tree, name), { recursive: true });
  fs.mkdirSync(path.join(directory, 'outside'));
  fs.writeFileSync(path.join(directory, 'outside/file'), '');
  fs.symlinkSync('../../outside', path.join(tree, 'a/link'));
  fs.symlinkSync('nothing', path.join(tree, 'a/1/broken'));
  fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/b/`), Buffer.from([0xff, 0x0a])]), '');
  fs.writeFileSync(path.join(tree, 'a/1/2/file'), '');
  await removeTree(Buffer.from(tree));
  t.deepEqual(fs.readdirSync(directory), ['outside']);
  t.deepEqual(fs.readdirSync(path.join(directory, 'outside')), ['file']);
  await removeTree(Buffer.from(tree));
  fs.symlinkSync('outside', tree);
  await removeTree(Buffer.from(tree));
  t.deepEqual(fs.readdirSync(directory), ['outside']);
});

test('a tree that is deeper than a process may have descriptors, and than a path may be long', (t) => {
  const directory = temporaryDirectory(t);
  const tree = path.join(directory, 'tree');
  fs.mkdirSync(tree);
  // From inside: a path from outside would be too long.
  const made = inProcess(
    `const fs = require('fs');
     process.chdir(process.argv[1]);
     for (let i = 0; i < 300; i += 1) {
       fs.writeFileSync('file', '');
       fs.mkdirSync('d'.repeat(60));
       process.chdir('d'.repeat(60));
     }`,
    tree,
  );
  t.is(made.status, 0, made.stderr);
  const few = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'];
  const { status, stderr } = inProcess('void removeTree(directory)', tree, ...few);
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  t.deepEqual(fs.readdirSync(directory), []);
});

test('directories whose mode forbids it are removed by their owner', (t) => {
  const directory = temporaryDirectory(t);
  const tree = path.join(directory, 'tree');
  const inner = path.join(tree, 'a/b/c');
  fs.mkdirSync(inner, { recursive: true });
  fs.writeFileSync(path.join(inner, 'file'), '');
  for (const place of [inner, path.dirname(inner), path.join(tree, 'a'), tree]) fs.chmodSync(place, 0);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    fs.chownSync(directory, 65534, 65534);
    spawnSync('chown', ['-R', '65534:65534', tree]);
  }
  const drop = isRoot ? 'process.setgid(65534); process.setuid(65534);' : '';
  const { status, stderr } = inProcess(`${drop} void removeTree(directory)`, tree);
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  t.deepEqual(fs.readdirSync(directory), []);
});
