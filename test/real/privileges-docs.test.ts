import fs from 'node:fs';
import path from 'node:path';
import { putCheckpoint, SPEC } from '../support/batch';
import { copyPackage } from '../support/command';
import { putProgram } from '../support/program-tree';
import { PODMAN } from './support/containers';
import { readRecipes } from './support/cookbook';
import { realTest } from './support/real-test';
import { RuntimeRoom } from './support/runtime-room';

const top = path.resolve(__dirname, '../..');
/** Prints why it may not listen at an address, which no command does. */
const LISTEN = `require('node:net').createServer().listen(0, '127.0.0.1').on('error', (e) => console.log(e.code))`;

realTest('the line for a container of docs/PRIVILEGES.md, with its profile', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  const image = path.join(room.directory, 'image');
  for (const name of ['data', 'dev', 'proc', 'sys', 'tmp']) fs.mkdirSync(path.join(image, name), { recursive: true });
  putProgram(image, '/usr/bin/env', '/usr/bin/env');
  putProgram(image, process.execPath, '/usr/bin/node');
  fs.mkdirSync(path.join(image, 'opt/fdgraft'), { recursive: true });
  copyPackage(path.join(image, 'opt/fdgraft'));
  fs.cpSync(path.join(top, 'bin'), path.join(image, 'opt/fdgraft/bin'), { recursive: true });
  fs.symlinkSync('/opt/fdgraft/bin/fdgraft.js', path.join(image, 'usr/bin/fdgraft'));
  await room.run(['sh', '-c', `tar -C /tmp/work/image -c . | ${PODMAN.join(' ')} import - image`]);

  fs.cpSync(path.join(top, 'examples'), path.join(room.directory, 'examples'), { recursive: true });
  const data = path.join(room.directory, 'data');
  putCheckpoint(path.join(data, 'ckpt'));
  const specs = JSON.stringify({ version: 1, specs: [{ inherit: SPEC }] });
  fs.writeFileSync(path.join(data, 'specs.json'), specs);

  const recipe = readRecipes(path.join(top, 'docs/PRIVILEGES.md')).find(({ title }) => title === 'In a container');
  const line = recipe?.blocks[0]?.text ?? '';
  t.regex(line, /^podman run .* IMAGE \\?\n? *fdgraft /s);
  const own = `podman() { /usr/bin/${PODMAN.join(' ')} "$@"; }; ln -s /tmp/work/data /data; cd /tmp/work`;
  const run = (text: string) => room.run(['sh', '-e', '-c', `${own}\n${text.replace(' IMAGE ', ' image ')}`]);
  const said = await run(line);
  t.regex(said, /fd\[5\] <- PIPE pipe:\[4711\]/);
  t.true(fs.existsSync(path.join(data, 'out/inherit-plan.img')));
  // The profile is in force: an address is nothing that it lets a program listen at.
  const other = line.replace(/fdgraft .*$/s, `node -e "${LISTEN}"`);
  t.regex(await run(other), /^EPERM$/m);
});
