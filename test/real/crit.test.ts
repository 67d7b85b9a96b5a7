import fs from 'node:fs';
import path from 'node:path';
import { identifyImage, kindOfMagic, rawContentOf } from '../../src/frames/image-kinds';
import { compareWithCrit, type NamedImage } from './support/compare-with-crit';
import { compileHelper } from './support/compile';
import { realVersion } from './support/crit';
import { realCriu } from './support/criu';
import type { Namespace } from './support/lab';
import { makeImages } from './support/made-images';
import { atLeast } from './support/newer-fields';
import { realTest } from './support/real-test';

// fdgraft decode, encode, info and show beside the real crit of the CRIU under test.

const FIXTURES = path.join(__dirname, '../../fixtures/images');

/** The images of a folder that have entries. */
function imagesIn(folder: string): NamedImage[] {
  return fs
    .readdirSync(folder)
    .filter((name) => identifyImage(name) !== undefined && rawContentOf(name) === undefined)
    .map((name) => ({ name: `${path.basename(folder)}/${name}`, bytes: fs.readFileSync(path.join(folder, name)) }));
}

realTest('every image of every fixture: the text of crit, and back', async (t) => {
  const folders = fs.readdirSync(FIXTURES).map((name) => path.join(FIXTURES, name));
  await compareWithCrit(t, folders.flatMap(imagesIn), 'fixtures');
});

realTest('images of every kind with every field: the text of crit, and back', async (t) => {
  await compareWithCrit(t, makeImages(), 'made');
});

/** All that one process, its children and its namespaces can have; see support/pantry.c. */
const DUMPS: readonly { groups: string; namespaces?: readonly Namespace[]; extraArgs?: readonly string[] }[] = [
  { groups: 'files sockets watches signals children memory seccomp', extraArgs: ['--file-locks'] },
  {
    groups: `files sockets signals children ipc ${dumpsNetworks() ? 'net' : ''}`,
    namespaces: ['user', 'pid', 'mount', 'uts', 'ipc', 'net'],
    extraArgs: ['--file-locks', '--tcp-established', '--network-lock', 'skip'],
  },
  { groups: 'bytes' },
];

/** From Linux 6.16 on CRIU dumps sockets of the network with 4.2 or newer only. */
function dumpsNetworks(): boolean {
  return realCriu().available && atLeast(realVersion(), '4.2');
}

realTest('dumps of all kinds of things: the text of crit, and back', async (t, lab) => {
  const images: NamedImage[] = [];
  for (const { groups, namespaces, extraArgs } of DUMPS) {
    const args = groups.split(' ').filter(Boolean);
    const program = await lab.startProgram(compileHelper('pantry'), { args, namespaces: namespaces ?? [] });
    images.push(...imagesIn(await lab.dump(program, { extraArgs: extraArgs ?? [] })));
  }
  await compareWithCrit(t, images, 'dumps');
  const magics = new Set(images.map(({ bytes }) => kindOfMagic(bytes.readUInt32LE(4))?.name));
  for (const kind of ['IPCNS_SEM', 'IPCNS_MSG', 'IPCNS_SHM', 'SK_QUEUES', 'GHOST_FILE', 'SECCOMP', 'USERNS', 'NETNS']) {
    t.true(magics.has(kind as never), kind);
  }
  t.is(magics.has('TCP_STREAM'), dumpsNetworks());
});
