// The directories that decide, each with the tests that decide about it. Tests of the built command see no mutant.

const path = require('node:path');
const { top } = require('../ensure');
const { filesBelow } = require('../files-below');

/** Tests whose single cases take many seconds: each mutant would pay for them. */
const LONG = [
  'diff/any-change',
  'json/memory',
  'json/round-trip',
  'rewrite/any-terminals',
  'plan/limits',
  'checkpoint/limits',
  'checkpoint/ls-keys',
  'checkpoint/new-type',
];

const RECORDS = [
  'test/wire',
  'test/frames',
  'test/schema',
  'test/bytes',
  'test/checkpoint',
  'test/json/bad-images.test.ts',
];
const SOME_REWRITES = [
  'credentials',
  'external-keys',
  'in-flight',
  'memfds',
  'rewrite',
  'sizes',
  'sockets',
  'terminals',
  'ties',
]
  .concat(['untouched', 'versions', 'warnings'])
  .map((name) => `test/rewrite/${name}.test.ts`);
const REWRITE = ['test/rewrite', 'test/plan', 'test/checkpoint'];

const PARTS = {
  wire: { sources: ['src/wire'], tests: ['test/wire', 'test/bytes', 'test/checkpoint', 'test/schema'] },
  frames: { sources: ['src/frames'], tests: [...RECORDS, 'test/json/errors.test.ts', 'test/fixtures.test.ts'] },
  schema: {
    sources: ['src/schema'],
    tests: [...RECORDS, 'test/plan', 'test/json/edits.test.ts', 'test/json/errors.test.ts', 'test/json/extras.test.ts'],
  },
  rows: {
    sources: ['entry-types', 'message-rows', 'nameless-types', 'memfd-type', 'open-kind', 'socket-types', 'type-rows']
      .concat(['terminal-type', 'file-entry', 'descriptor-record', 'pstree-record', 'key-text'])
      .map((name) => `src/checkpoint/${name}.ts`),
    tests: ['test/checkpoint', 'test/specs', 'test/rewrite', 'test/diff/tables.test.ts'],
  },
  walk: {
    sources: ['src/checkpoint/walk'],
    tests: [
      'test/checkpoint',
      ...SOME_REWRITES,
      'test/rewrite/watched-files.test.ts',
      'test/rewrite/watched-ghosts.test.ts',
    ],
  },
  specs: { sources: ['src/specs'], tests: ['test/specs', 'test/rewrite/rewrite.test.ts'] },
  rewrite: { sources: ['src/rewrite'], tests: REWRITE },
  plan: { sources: ['src/plan'], tests: ['test/plan', ...SOME_REWRITES] },
};

/** Generated files are left out: their generator decides. */
const below = (name, ending) =>
  filesBelow(path.join(top, name))
    .filter((file) => file.endsWith(ending) && !file.includes('/generated/'))
    .sort();

const isLong = (file) => LONG.some((name) => file.endsWith(`test/${name}.test.ts`));

/** The absolute paths of what is mutated, and of its tests, those of the directory itself first. */
function filesOf(part) {
  const { sources, tests } = PARTS[part];
  return {
    sources: sources.flatMap((name) => below(name, '.ts')),
    tests: [...new Set(tests)].flatMap((name) => below(name, '.test.ts')).filter((file) => !isLong(file)),
  };
}

module.exports = { filesOf, PARTS };
