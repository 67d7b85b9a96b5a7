import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { FdgraftError, openSource, readSpecs, rewrite } from '../../src';
import { specsOfList } from '../../src/specs/descriptor-list';
import { parseSpecFile } from '../../src/specs/spec-file';
import { descriptor, NO_OWNER, smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import type { Record } from '../support/images';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const SPEC = {
  inherit: 'fd[5]:/proc/7/fd/1',
  apply: 'auto',
  position: 'caller',
  inFlight: 'replay',
  truncate: false,
  nonblock: false,
  peer: 'keep',
  only: true,
};
const file = (value: unknown) => parseSpecFile('specs.json', JSON.stringify(value));

test('a file with all options, and one with none', (t) => {
  t.deepEqual(file({ $schema: 'specs.schema.json', version: 1, specs: [SPEC, { inherit: 'fd[6]:/log' }] }), [
    SPEC,
    { inherit: 'fd[6]:/log' },
  ] as never);
  t.deepEqual(file({ version: 1, specs: [] }), []);
});

test('a byte order mark may stand at the beginning, and is a part of any text', (t) => {
  const specs = [{ inherit: 'fd[6]:/log\ufeff' }];
  for (const mark of ['', '\ufeff'])
    t.deepEqual(parseSpecFile('specs.json', `${mark}${JSON.stringify({ version: 1, specs })}`), specs);
});

/** One thing wrong with a good file: what is said of it, where, and what helps. */
const WRONG: [string, unknown, RegExp, RegExp][] = [
  ['no object', [], /the file: a list is no object/, /^write \{"version": 1, /],
  ['no version', { specs: [] }, /the file: version is missing/, /^write \{"version": 1, /],
  ['another version', { version: 2, specs: [] }, /\/version: 2 where 1 belongs/, /reads version 1/],
  ['no specs', { version: 1 }, /specs is missing/, /^write \{"version": 1, /],
  ['specs that are no list', { version: 1, specs: {} }, /\/specs: an object is no array/, /^write \{"version": 1, /],
  ['no list of specs', { version: 1, specs: null }, /\/specs: null is no array/, /^write \{"version": 1, /],
  [
    'the eleventh spec',
    { version: 1, specs: [...Array.from({ length: 10 }, () => SPEC), { inherit: 'fd[9]:/x', only: 1 }] },
    /\/specs\/10\/only \(fd\[9\]:\/x\): 1 is no boolean/,
    /./,
  ],
  ['a long value', { version: 'x'.repeat(100), specs: [] }, /: "x{59} where 1 belongs/, /./],
  [
    'a spec as text',
    { version: 1, specs: ['fd[5]:/log'] },
    /\/specs\/0: "fd\[5\]:\/log" is no object/,
    /^write \{"inherit": "fd\[5\]:\/log"\}$/,
  ],
  [
    'a spec without its key',
    { version: 1, specs: [{ apply: 'dup' }] },
    /\/specs\/0: inherit is missing/,
    /fd\[N\]:KEY/,
  ],
  [
    'a misspelt option',
    { version: 1, specs: [{ ...SPEC, in_flight: 'drop' }] },
    /\/specs\/0 \(fd\[5\]:\/proc\/7\/fd\/1\): there is no option in_flight/,
    /did you mean inFlight\?/,
  ],
  [
    'an option with a letter too few',
    { version: 1, specs: [{ ...SPEC, positon: 'end' }] },
    /\/specs\/0 \(fd\[5\]:\/proc\/7\/fd\/1\): there is no option positon/,
    /did you mean position\?/,
  ],
  [
    'an option by the name of a property that all objects have',
    { version: 1, specs: [{ ...SPEC, constructor: 'end' }] },
    /no option constructor/,
    /there are: inherit/,
  ],
  ['a misspelt list', { version: 1, spec: [], specs: [] }, /the file: there is no option spec/, /did you mean specs\?/],
  [
    'an unknown option',
    { version: 1, specs: [{ ...SPEC, nothing: 1 }] },
    /no option nothing/,
    /there are: inherit, apply, position, inFlight, truncate, nonblock, peer, only/,
  ],
  [
    'an unknown value',
    { version: 1, specs: [{ ...SPEC, apply: 'copy' }] },
    /\/specs\/0\/apply .*: "copy" is none/,
    /allowed: auto, dup, reopen/,
  ],
  [
    'a value of another case',
    { version: 1, specs: [{ ...SPEC, position: 'End' }] },
    /"End" is none/,
    /allowed: caller, saved, end/,
  ],
  [
    'a value of another type',
    { version: 1, specs: [{ ...SPEC, only: 'yes' }] },
    /\/specs\/0\/only .*: "yes" is no boolean/,
    /Just the named/,
  ],
  ['a number as key', { version: 1, specs: [{ inherit: 5 }] }, /\/specs\/0\/inherit: 5 is no string/, /./],
  [
    'an option at the top',
    { version: 1, specs: [], apply: 'dup' },
    /no option apply/,
    /there are: \$schema, version, specs$/,
  ],
];
for (const [what, value, problem, hint] of WRONG) {
  test(`${what} is told with its place and the way out`, (t) => {
    const error = t.throws(() => file(value), { instanceOf: FdgraftError, message: problem });
    t.like(error, { code: 'SPEC_FILE', exitCode: 2, file: 'specs.json' });
    t.regex(error?.hint ?? '', hint);
  });
}

test('what is no JSON, cannot be read or is a directory is told', async (t) => {
  const directory = temporaryDirectory(t);
  const error = t.throws(() => parseSpecFile('specs.json', '{"version": 1,\n}'), { instanceOf: FdgraftError });
  t.like(error, { code: 'SPEC_FILE', exitCode: 2 });
  t.regex(error?.message ?? '', /specs\.json: is not JSON/);
  t.is(error?.hint, 'write {"version": 1, "specs": [{"inherit": "fd[5]:KEY"}]}');
  for (const [name, code] of [
    ['missing', 'SYSTEM'],
    ['.', 'SOURCE_UNUSABLE'],
  ] as const) {
    const failed = await t.throwsAsync(readSpecs(path.join(directory, name)), { instanceOf: FdgraftError });
    t.like(failed, { code, exitCode: 2 });
  }
});

test('specs of a file are those of the command line', async (t) => {
  const directory = temporaryDirectory(t);
  const name = path.join(directory, 'specs.json');
  fs.writeFileSync(name, JSON.stringify({ version: 1, specs: [SPEC, { inherit: 'debug[2]:hello' }] }));
  const { plan } = await rewriteImages(t, smallCheckpoint(), { specs: await readSpecs(name) });
  t.deepEqual(
    plan.placeholders.map(({ split_from }) => split_from),
    [2],
  );
  t.is(plan.debugs.length, 1);
});

test('the published schema is what the file is read by, and describes each option', (t) => {
  const top = path.join(__dirname, '../..');
  const schema = JSON.parse(fs.readFileSync(path.join(top, 'schemas/specs.schema.json'), 'utf8'));
  const { properties } = schema.properties.specs.items;
  t.deepEqual(Object.keys(properties), Object.keys(SPEC));
  for (const { description } of Object.values(properties) as { description?: string }[]) t.truthy(description);
});

// descriptors.json, as runc, crun and youki leave it.
const LISTS: [string, string, string[] | undefined][] = [
  ['runc', '["/dev/null","pipe:[1]","pipe:[2]"]', ['fd[1]:pipe:[1]', 'fd[2]:pipe:[2]']],
  ['one pipe twice', '["pipe:[1]","pipe:[1]"]', ['fd[0]:pipe:[1]', 'fd[1]:pipe:[1]']],
  ['stray bytes behind', '["pipe:[1]"]\n]garbage\u0000', ['fd[0]:pipe:[1]']],
  ['a bracket in a name', '["/a]\\"b", "pipe:[7]"]', ['fd[1]:pipe:[7]']],
  ['no pipes', ' [ "/dev/null" , "/dev/pts/0" ] ', []],
  ['nothing', '[]', []],
  ['the highest id, and one that is past it', '["pipe:[4294967295]","pipe:[4294967296]"]', ['fd[0]:pipe:[4294967295]']],
  ['names that hold those of pipes', '["a pipe:[1]","pipe:[1]a"]', []],
  ['no list', '{"0": "pipe:[1]"}', undefined],
  ['a list inside an object', '{"0": ["pipe:[1]"]}', undefined],
  ['a list of numbers', '[1, 2]', undefined],
  ['a list that does not end', '["pipe:[1]"', undefined],
  ['a bad escape', '["\\q"]', undefined],
];
for (const [what, text, expected] of LISTS) {
  test(`descriptors.json: ${what}`, (t) =>
    t.deepEqual(
      specsOfList(text)?.map(({ inherit }) => inherit),
      expected,
    ));
}

test('a list of any length is read to its end, or told', (t) => {
  t.is(specsOfList(`["${'\\\\'.repeat(200_000)}`), undefined);
  t.is(specsOfList(`[${'"a",'.repeat(200_000)}`), undefined);
  t.is(specsOfList(`[${'"pipe:[1]",'.repeat(50_000)}""]`)?.length, 50_000);
});

const listed = (text: string) => smallWith({ 'descriptors.json': Buffer.from(text) });

test('--from-descriptors inherits the listed pipes, the first fd of one that is there twice', async (t) => {
  const images = listed('["/dev/null","pipe:[4711]","pipe:[4711]"]');
  const { plan } = await rewriteImages(t, images, { specs: [], fromDescriptors: true });
  t.deepEqual(
    plan.placeholders.map(({ caller_fd, file_id }) => [caller_fd, file_id]),
    [[1, 2]],
  );
  t.deepEqual(plan.warnings, [], 'that is how runtimes write it');
  t.deepEqual(
    plan.specs.map(({ matches }) => matches),
    [1, 1],
  );
});

test('a listed pipe that the images lack is a warning, and specs that are given come first', async (t) => {
  const images = listed('["pipe:[1]","pipe:[4711]"]');
  const { plan } = await rewriteImages(t, images, { specs: ['fd[9]:pipe:[4711]'], fromDescriptors: true });
  t.deepEqual(
    plan.placeholders.map(({ caller_fd }) => caller_fd),
    [9],
  );
  t.deepEqual(
    plan.warnings.map(({ message }) => message),
    ['fd[0]:pipe:[1] matches nothing'],
  );
  const wrong = { specs: ['fd[9]:pipe:[5]'], fromDescriptors: true };
  t.is((await refusal(t, images, wrong)).code, 'SPEC_UNMATCHED', 'a spec that was given has to match');
});

test('--from-descriptors that takes nothing says what stdin, stdout and stderr are now', async (t) => {
  const old = listed('["/dev/null","pipe:[1]","pipe:[1]"]');
  const options = { specs: [], fromDescriptors: true };
  const error = await refusal(t, old, options);
  t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1, file: 'descriptors.json' });
  t.is(
    error.message,
    [
      'descriptors.json: --from-descriptors takes nothing: the checkpoint has none of the listed pipes (pipe:[1])',
      "  7/1 is pipe:[4711]: --inherit-fd 'fd[1]:/proc/7/fd/1'",
    ].join('\n'),
  );
  t.is(error.hint, 'name what is there now with --inherit-fd; --allow-unmatched goes on without');
  const terminal = { type: 'TTY', id: 9, tty: { id: 9, tty_info_id: 1, flags: 2, fown: NO_OWNER } };
  const others = smallWith({
    'descriptors.json': Buffer.from('["/dev/null"]'),
    'files.img': [...(smallCheckpoint()['files.img'] as Record[]), terminal as Record],
    'fdinfo-1.img': [
      descriptor(9, 2, 'TTY'),
      descriptor(3, 0, 'REG'),
      descriptor(4, 1, 'REG'),
      descriptor(2, 3, 'PIPE'),
    ],
  });
  t.is(
    (await refusal(t, others, options)).message,
    [
      'descriptors.json: --from-descriptors takes nothing: the list has no pipe',
      "  7/0 is /var/log/app.log: --inherit-fd 'fd[0]:/proc/7/fd/0'",
      "  7/1 is /: --inherit-fd 'fd[1]:/proc/7/fd/1'",
      '  7/2 is a TTY entry',
    ].join('\n'),
  );
  // A debug text takes nothing, a spec that takes something does.
  t.is((await refusal(t, old, { ...options, specs: ['debug[2]:x'] })).code, 'SPEC_UNMATCHED');
  t.is((await rewriteImages(t, old, { ...options, specs: ['fd[5]:pipe:[4711]'] })).plan.placeholders.length, 1);
  const { plan } = await rewriteImages(t, old, { ...options, allowUnmatched: true });
  t.is(plan.placeholders.length, 0);
  const empty = smallWith({ ...old, 'fdinfo-1.img': [] });
  const said = await refusal(t, empty, options);
  t.regex(said.hint ?? '', /^name what is inherited with --inherit-fd/);
});

test('--from-descriptors without a list, or with none that is one, is an error', async (t) => {
  const options = { specs: [], fromDescriptors: true };
  t.like(await refusal(t, smallCheckpoint(), options), { code: 'SOURCE_UNUSABLE', exitCode: 2 });
  const error = await refusal(t, listed('nothing'), options);
  t.like(error, { code: 'SOURCE_UNUSABLE', file: 'descriptors.json' });
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, listed(`["${'x'.repeat(2 << 20)}"]`));
  await t.throwsAsync(async () => rewrite(await openSource(source), options), {
    message: /is larger than 1048576 bytes/,
  });
});

test('a value of any depth is told by its kind, and a byte order mark passed over', (t) => {
  const deep = `{"version":1,"specs":[{"inherit":${'['.repeat(5000)}${']'.repeat(5000)}}]}`;
  t.throws(() => parseSpecFile('specs.json', deep), { message: /\/specs\/0\/inherit: a list is no string/ });
  t.deepEqual(parseSpecFile('specs.json', '\ufeff{"version":1,"specs":[]}'), []);
});
