import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { archiveOf, membersOf } from '../support/archives';
import { runCommand, top } from '../support/command';
import { atDepth } from '../support/depth';
import { readImage } from '../support/images';
import { faultsOfPage, sectionsOf } from '../support/page-structure';
import { ASKED, COMPARED, EXPLORED } from './specs';

/** `npm run golden` writes the expected outputs anew; look at the difference before it is committed. */
const renew = process.env.FDGRAFT_GOLDEN === 'renew';

const images = 'fixtures/images';
const fixtures = fs.readdirSync(path.join(top, images)).sort();
const expected = path.join(__dirname, 'expected');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-golden-'));
test.after.always(() => fs.rmSync(directory, { recursive: true, force: true }));
const fdgraft = (args: readonly string[]) => runCommand(args);

function compare(t: ExecutionContext, name: string, file: string, output: string): void {
  const place = path.join(expected, name, file);
  if (renew) {
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, output);
  }
  t.is(output, fs.readFileSync(place, 'utf8'), `${name}/${file} (npm run golden renews what is expected)`);
}

const both = (stdout: string, stderr: string) => (stderr === '' ? stdout : `${stdout}--- stderr:\n${stderr}`);

/** The one thing in a plan that a new version of the package changes. */
const withoutVersion = (plan: string) =>
  plan.replace(/^( {2}"tool": "fdgraft )\d+\.\d+\.\d+[^"]*"/m, (_all, before) => `${before}VERSION"`);

const FORMATS = [
  ['text', 'diff.txt'],
  ['markdown', 'diff.md'],
  ['json', 'diff.json'],
] as const;

/** The formats of the many diffs by a plan. Other diffs are made in all. */
const formats = renew ? FORMATS : atDepth<readonly (typeof FORMATS)[number][]>(FORMATS.slice(0, 1), FORMATS);

/** The digest of the plan, which has the version of the package in it. */
const withoutDigests = (shown: string) =>
  shown
    .replace(/(\d+ bytes, SHA-256 )[0-9a-f]{16}/g, '$1DIGEST')
    .replace(/"sha256":"[0-9a-f]{64}"/g, '"sha256":"DIGEST"');

/** Pages are held against what a page has to be, not against bytes; test/browser looks at them. */
async function checkPage(t: ExecutionContext, command: readonly string[], sections: readonly string[], code: number) {
  const page = await fdgraft([...command, '--format', 'html']);
  t.is(page.code, code);
  t.deepEqual(faultsOfPage(page.stdout), []);
  t.deepEqual(sectionsOf(page.stdout), sections);
}

const codeOf = (name: string) => (ASKED[name]?.refused ? 2 : 0);

/** The options that name what a fixture is asked for. */
function optionsOf(name: string): string[] {
  const { specs, options = [] } = ASKED[name] ?? { specs: [] };
  const pipeId = (id: string) => {
    const entries = readImage(path.join(top, images, name), 'files.img').records;
    const entry = entries.find(({ fields }) => String(fields.id) === id)?.fields;
    return String((entry?.pipe as { pipe_id: number } | undefined)?.pipe_id);
  };
  const inherit = specs.map((spec) => spec.replace(/#(\d+)/, (_all, id) => pipeId(id)));
  return [...inherit.flatMap((spec) => ['--inherit-fd', spec]), ...options];
}

for (const name of fixtures) {
  const source = `${images}/${name}`;

  test(`${name}: ls`, async (t) => {
    const { stdout, stderr, code } = await fdgraft(['ls', source]);
    compare(t, name, 'ls.txt', both(stdout, stderr));
    t.is(code, 0);
  });

  test(`${name}: ls --json`, async (t) => {
    const { stdout, stderr, code } = await fdgraft(['ls', source, '--json']);
    compare(t, name, 'ls.json', stdout);
    const warning = ASKED[name]?.refused === true ? /^warning: .* no CRIU from 3.17 on restores it\n$/ : /^$/;
    t.regex(stderr, warning);
    t.is(code, 0);
  });

  test(`${name}: rewrite, the plan as JSON and as text`, async (t) => {
    const command = ['rewrite', source, '--dry-run', ...optionsOf(name)];
    const [saved, shown] = await Promise.all([fdgraft([...command, '--save-plan', '-']), fdgraft(command)]);
    compare(t, name, 'plan.json', withoutVersion(saved.stdout));
    compare(t, name, 'rewrite.txt', both(shown.stdout, shown.stderr));
    // Where the plan takes stdout, the same text goes to the other side.
    t.is(saved.stderr, shown.stderr + shown.stdout);
    t.deepEqual([saved.code, shown.code], [codeOf(name), codeOf(name)]);
  });
}

for (const name of fixtures.filter((fixture) => ASKED[fixture]?.refused !== true)) {
  test(`${name}: diff of the rewrite, which its plan explains`, async (t) => {
    const [source, out] = [`${images}/${name}`, path.join(directory, 'out', name)];
    fs.mkdirSync(path.dirname(out), { recursive: true });
    t.is((await fdgraft(['rewrite', source, '-o', out, '--quiet', ...optionsOf(name)])).code, 0);
    const outputs = await Promise.all(
      formats.map(async ([format, file]) => {
        const { stdout, stderr, code } = await fdgraft(['diff', source, out, '--plan', out, '--format', format]);
        t.deepEqual([stderr, code], ['', 0], format);
        return [file, withoutDigests(stdout).replaceAll(out, 'OUT')] as const;
      }),
    );
    for (const [file, output] of outputs) compare(t, name, file, output);
    if (formats.length < FORMATS.length) return;
    const sections = ['What it means', 'Graph', 'Plan', 'Differences'];
    await checkPage(t, ['diff', source, out, '--plan', out], sections, 0);
  });
}

for (const [name, words] of Object.entries(EXPLORED)) {
  for (const what of words) {
    test(`${name}: x ${what}`, async (t) => {
      const command = ['x', `${images}/${name}`, what];
      const [text, json] = await Promise.all([fdgraft(command), fdgraft([...command, '--json'])]);
      compare(t, name, `x-${what}.txt`, both(text.stdout, text.stderr));
      compare(t, name, `x-${what}.json`, json.stdout);
      t.is(json.stderr, text.stderr);
      t.notThrows(() => JSON.parse(json.stdout));
      t.deepEqual([text.code, json.code], [0, 0]);
    });
  }
}

for (const [name, { before, after, options = [] }] of Object.entries(COMPARED)) {
  test(`${name}: diff of ${before} and ${after}`, async (t) => {
    const command = ['diff', `${images}/${before}`, `${images}/${after}`, ...options];
    const outputs = await Promise.all(
      FORMATS.map(async ([format, file]) => {
        const { stdout, stderr, code } = await fdgraft([...command, '--format', format]);
        if (options.includes('--ignore-ids')) t.is(stderr, '', format);
        else t.regex(stderr, /^note: These are dumps of different runs, [^\n]*\n$/, format);
        t.is(code, 1, format);
        return [file, stdout] as const;
      }),
    );
    for (const [file, output] of outputs) compare(t, path.join('compared', name), file, output);
    await checkPage(t, command, ['What it means', 'Graph', 'Differences'], 1);
  });
}

test('diff: 1 where something differs, 0 where nothing does, 2 where it cannot be said', async (t) => {
  const [a, b] = [`${images}/two_logs`, `${images}/two_paths`];
  const codes = async (...args: string[]) => (await fdgraft(['diff', ...args, '--quiet'])).code;
  t.deepEqual([await codes(a, b), await codes(a, a), await codes(a, `${b}/files.img`)], [1, 0, 2]);
  const images2 = await fdgraft(['diff', `${a}/files.img`, `${b}/files.img`]);
  t.is(images2.code, 1);
  t.regex(images2.stdout, /\n {2}id \d+: /);
});

test('each fixture is asked for something, and nothing is expected of one that is gone', (t) => {
  t.deepEqual(Object.keys(ASKED).sort(), fixtures);
  // Outputs that are new are written beside this test.
  if (renew) return;
  t.deepEqual(fs.readdirSync(expected).sort(), ['compared', ...fixtures].sort());
  t.deepEqual(
    fs.readdirSync(path.join(expected, 'compared')).sort(),
    ['archive_of_the_same', ...Object.keys(COMPARED)].sort(),
  );
  const files = ['ls.json', 'ls.txt', 'plan.json', 'rewrite.txt'];
  for (const name of fixtures) {
    const ofDiff = ASKED[name]?.refused === true ? [] : FORMATS.map(([, file]) => file);
    const explored = (EXPLORED[name] ?? []).flatMap((what) => [`x-${what}.json`, `x-${what}.txt`]);
    const wanted = [...files, ...ofDiff, ...explored].sort();
    t.deepEqual(fs.readdirSync(path.join(expected, name)).sort(), wanted, name);
  }
});

test('a directory and an archive of it: nothing differs', async (t) => {
  const source = `${images}/two_paths`;
  const archive = path.join(directory, 'two_paths.tar.gz');
  fs.writeFileSync(archive, gzipSync(archiveOf(...membersOf(path.join(top, source), 'checkpoint/'))));
  for (const [format, file] of FORMATS) {
    const { stdout, stderr, code } = await fdgraft(['diff', source, archive, '--format', format]);
    t.deepEqual([stderr, code], ['', 0], format);
    const output = stdout.replaceAll(archive, 'two_paths.tar.gz');
    compare(t, path.join('compared', 'archive_of_the_same'), file, output);
  }
  await checkPage(t, ['diff', source, archive], [], 0);
});
