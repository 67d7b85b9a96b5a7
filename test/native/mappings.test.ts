import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** The caller's file in the place of a memfd that tasks have mapped, and the key by which CRIU finds it. */

const VARIANTS = ['plain', 'sanitized'] as const;
const MAPPED: Placeholder = {
  ...{ fileId: 42, callerFd: 5, flags: O.RDWR, apply: 'dup', type: 'MEMFD', kind: { name: 'memfd' } },
  ...{ ownKey: '/memfd:fdgraft.1', mapping: { pids: [7], bytes: 8192, writes: true } },
};

async function check(
  t: ExecutionContext,
  placeholders: Placeholder[],
  give: string[],
  variant: (typeof VARIANTS)[number],
) {
  const { plan } = planned(t, { placeholders });
  return exec(['--plan', plan, '--check'], { give, variant });
}

const readOnly: Placeholder = { ...MAPPED, needsWrite: false, mapping: { bytes: 8192 } };

const FITS: { readonly [title: string]: (directory: string) => readonly [Placeholder[], string[]] } = {
  'a memfd of the size': () => [[MAPPED], ['5=memfd', '5=length:8192']],
  'the longest name': () => [[{ ...MAPPED, ownKey: `/memfd:${'x'.repeat(24)}` }], ['5=memfd', '5=length:8192']],
  'an empty file where the memfd was empty': () => [[{ ...MAPPED, mapping: { bytes: 0, writes: true } }], ['5=memfd']],
  'a longer file': (directory) => [[MAPPED], [file(5, O.RDWR | O.CREAT, join(directory, 'x')), '5=length:9000']],
  'a sealed memfd that nothing writes to': () => [[readOnly], ['5=memfd', '5=length:8192', '5=seal-writes']],
  'one file for a descriptor and two mappings': () => [
    [
      { ...MAPPED, fileId: 41 },
      MAPPED,
      { fileId: 43, callerFd: 5, flags: O.RDWR, type: 'MEMFD', kind: { name: 'memfd' } },
    ],
    ['5=memfd', '5=length:8192'],
  ],
};

const REFUSED: {
  readonly [title: string]: readonly [(directory: string) => readonly [Placeholder[], string[]], RegExp];
} = {
  'a file that is too short': [
    () => [[MAPPED], ['5=memfd', '5=length:8191']],
    /^caller fd 5 is a file of 8191 bytes, tasks have mapped 8192 bytes of file id 42 \(spec fd\[5\]:file-5\): they get SIGBUS/,
  ],
  'a memfd that is sealed against writing': [
    () => [[MAPPED], ['5=memfd', '5=length:8192', '5=seal-writes']],
    /^caller fd 5 cannot be mapped for reading and writing as file id 42 needs it .* give a file without such seals/,
  ],
  'a file that is open for reading alone': [
    (directory) => [
      [MAPPED],
      [file(6, O.RDWR | O.CREAT, join(directory, 'x')), '6=length:8192', file(5, O.RDONLY, join(directory, 'x'))],
    ],
    /^caller fd 5 is open for only reading, file id 42 needs reading and writing/,
  ],
  'a pipe': [() => [[MAPPED], ['5=pipe:6']], /needs a memfd or a regular file/],
};

const TERMINAL = { id: 1, session: 7, foreground: 7, hasLeader: true };

/** Placeholders that no plan of fdgraft has. */
const WRONG: { readonly [title: string]: readonly [Placeholder[], RegExp] } = {
  'mappings without a key': [
    [{ fileId: 42, callerFd: 5, apply: 'dup', mapping: { bytes: 1 } }],
    /it has mappings and no key/,
  ],
  'a key without mappings': [
    [{ fileId: 42, callerFd: 5, ownKey: '/memfd:x' }],
    /it has a key, and neither mappings nor a terminal/,
  ],
  'a terminal without a key': [[{ fileId: 42, callerFd: 5, terminal: TERMINAL }], /it has a terminal and no key/],
  'mappings and a terminal': [[{ ...MAPPED, terminal: TERMINAL }], /it has mappings and a terminal/],
  'a terminal with the key of a memfd': [
    [{ fileId: 42, callerFd: 5, apply: 'dup', ownKey: '/memfd:x', terminal: TERMINAL }],
    /its key is not that of a terminal/,
  ],
  'a terminal that is opened again': [
    [{ fileId: 42, callerFd: 5, apply: 'reopen', ownKey: 'tty[fd670001:1]', terminal: TERMINAL }],
    /its apply is not 1/,
  ],
  'a key of a file': [[{ ...MAPPED, ownKey: 'etc/passwd' }], /its key is not that of a memfd/],
  'a key that is too long': [[{ ...MAPPED, ownKey: `/memfd:${'x'.repeat(25)}` }], /its key is not that of a memfd/],
  'descriptors beside mappings': [
    [{ ...MAPPED, descriptors: [{ fd: 1, pids: [7] }] }],
    /it has mappings, and descriptors or SCM rights too/,
  ],
  'mappings past all files': [
    [{ ...MAPPED, mapping: { bytes: 2 ** 63 } }],
    /its mappings end past the largest possible file/,
  ],
  'mappings of a reopened file': [[{ ...MAPPED, apply: 'reopen' }], /its apply is not 1/],
  'mappings at a position': [[{ ...MAPPED, position: 'end' }], /its apply is not 1 \(dup\) or its position not 0/],
  'one key for two files': [
    [MAPPED, { ...MAPPED, fileId: 43, callerFd: 6 }],
    /file ids 42 and 43 have one key, and caller fds 5 and 6/,
  ],
};

for (const variant of VARIANTS) {
  for (const [title, make] of Object.entries(FITS)) {
    test(`mapped: ${title} fits (${variant})`, async (t) => {
      const { code, stderr } = await check(t, ...(make(scratch(t)) as [Placeholder[], string[]]), variant);
      t.deepEqual([code, stderr], [0, '']);
    });
  }
  for (const [title, [make, pattern]] of Object.entries(REFUSED)) {
    test(`mapped: ${title} is refused (${variant})`, async (t) => {
      const { code, stderr } = await check(t, ...(make(scratch(t)) as [Placeholder[], string[]]), variant);
      t.is(code, 100, stderr);
      const lines = complaints(t, stderr);
      t.is(lines.length, 1, stderr);
      t.regex(lines[0] ?? '', pattern);
    });
  }
  for (const [title, [placeholders, pattern]] of Object.entries(WRONG)) {
    test(`a plan cannot have ${title} (${variant})`, async (t) => {
      const { code, stderr } = await check(
        t,
        placeholders,
        ['5=memfd', '5=length:8192', '6=memfd', '6=length:8192'],
        variant,
      );
      t.is(code, 100, stderr);
      t.regex(stderr, pattern);
    });
  }
}
