import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { isWrittenInto } from '../../src/storage/written-into';
import { temporaryDirectory } from '../support/directories';

test('whether writing one path changes another', (t) => {
  const top = temporaryDirectory(t);
  const at = (name: string) => path.join(top, name);
  fs.mkdirSync(at('images/sub'), { recursive: true });
  fs.writeFileSync(at('archive.tar'), '');
  fs.symlinkSync('archive.tar', at('link.tar'));
  fs.symlinkSync('images', at('link'));
  const changes = (file: string, place: string) => isWrittenInto(at(file), at(place));
  t.true(changes('archive.tar', 'archive.tar'));
  t.true(changes('link.tar', 'archive.tar'));
  t.true(changes('archive.tar', 'link.tar'));
  t.true(changes('images/new', 'images'));
  t.true(changes('link/sub/new', 'images'));
  t.true(changes('images/sub/../files.img', 'link'));
  t.false(changes('images.txt', 'images'));
  t.false(changes('archive.tar.txt', 'archive.tar'));
  t.false(changes('new', 'gone'));
  t.false(changes('gone/new', 'images'));
});
