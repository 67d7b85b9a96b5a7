import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { FdgraftError } from '../../src';
import { messages } from '../../src/errors/messages';
import { bin } from '../support/command';
import { temporaryDirectory } from '../support/directories';
import { encodeImage } from '../support/images';

/** Commands in hints are pasted into a shell. Names in them come from archives and directories of others. */

const HOSTILE = '$(reboot) x';
/** A command with the name unquoted. */
const UNQUOTED = /\b(fdgraft|fdgraft-exec|fuser|rm|tar|mkdir|chmod|chown|cp)( [\w./:-]+)* \$\(reboot\)/;

/** The hint of a message whose arguments are all this text; undefined for one that takes others. */
function hintWith(make: (...texts: string[]) => unknown): string | undefined {
  try {
    const error = make(...Array<string>(8).fill(HOSTILE));
    return error instanceof FdgraftError ? (error.hint ?? '') : undefined;
  } catch {
    return undefined;
  }
}

test('a hint quotes names in its commands', (t) => {
  const functions = Object.entries(messages as unknown as { [name: string]: (...texts: string[]) => unknown });
  const hints = functions.map(([name, make]) => [name, hintWith(make)] as const);
  t.true(hints.filter(([, hint]) => hint?.includes(`'${HOSTILE}'`)).length >= 7);
  for (const what of ['image', 'json'] as const) hints.push([what, messages.fileIsNoCheckpoint(HOSTILE, what).hint]);
  hints.push(['badJson', messages.badJson({ file: HOSTILE }, 'is bad').hint]);
  t.deepEqual(
    hints.filter(([, hint]) => hint !== undefined && UNQUOTED.test(hint)),
    [],
  );
});

test('a hint names no file stdin where the input came from there', (t) => {
  const image = encodeImage('inventory.img', [{ img_version: 2 }]);
  const json = '{"magic": "INVENTORY", "entries": [{"img_version": 2}]}';
  const cwd = temporaryDirectory(t);
  for (const [words, input, hint] of [
    [['encode'], image, 'fdgraft decode -i - -o JSON'],
    [['decode'], json, 'fdgraft encode -i - -o IMAGE'],
    [['encode'], '{', 'fdgraft decode -i IMAGE\n'],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [bin, ...words], { input, encoding: 'utf8', cwd });
    t.is(status, 2);
    t.true(stderr.includes(hint), stderr);
  }
  // The commands of the hints work.
  const run = (words: string[], input: string | Buffer) => {
    const { status } = spawnSync(process.execPath, [bin, ...words], { input, cwd });
    t.is(status, 0, words.join(' '));
  };
  run(['decode', '-i', '-', '-o', 'JSON'], image);
  run(['encode', '-i', '-', '-o', 'IMAGE'], json);
  t.deepEqual(fs.readFileSync(path.join(cwd, 'IMAGE')), image);
});
