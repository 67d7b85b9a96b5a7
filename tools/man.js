// npm run man: the man pages, into dist/share/man. Part of `npm run build`, which makes the tables of the help that the
// pages come from. fdgraft-exec(1) comes from its --help, fdgraft-specs(5) from docs/, fdgraft-plan(5) from its schema.

const fs = require('node:fs');
const path = require('node:path');
const { Missing, runMain, top } = require('./ensure');
const { commandPage, mainPage } = require('./man/command-page');
const { executorPage } = require('./man/executor-page');
const { markdownBlocks } = require('./man/markdown');
const { protoPage } = require('./man/proto-page');
const { page } = require('./man/roff');

const read = (name) => fs.readFileSync(path.join(top, name), 'utf8');

/** The tables, as tsc has translated them. */
function tables() {
  const usage = path.join(top, 'dist/cli/usage');
  if (!fs.existsSync(path.join(usage, 'all.js'))) throw new Missing('dist/ is not built: run `npm run build`');
  return { ...require(path.join(usage, 'all.js')), ...require(path.join(usage, 'usage.js')) };
}

/** The day of the release in the changelog; none before it, so that a commit always gives the same bytes. */
function dateOf(version) {
  const lines = read('CHANGELOG.md').split('\n');
  const line = lines.find((one) => one.startsWith(`## ${version} `)) ?? '';
  return /\d{4}-\d\d-\d\d/.exec(line)?.[0] ?? '';
}

/** All pages, without those that they refer to. */
function contents() {
  const { FDGRAFT, USAGES, COMMON_OPTIONS } = tables();
  const commands = USAGES.flatMap((usage) => {
    const name = `fdgraft-${usage.command.split(' ')[0]}`;
    const below = 'several' in usage ? usage.several : [];
    const pages = below.map((one) => commandPage(`${name}-${one.command.split(' ')[0]}`, one, COMMON_OPTIONS));
    return [commandPage(name, usage, COMMON_OPTIONS), ...pages];
  });
  const specs = {
    name: 'fdgraft-specs',
    section: 5,
    summary: 'specs that match file entries of a CRIU checkpoint',
    blocks: markdownBlocks(read('docs/SPECS.md'), 'Description'),
  };
  return [
    mainPage(FDGRAFT, USAGES, COMMON_OPTIONS),
    ...commands,
    executorPage(read('native/src/help.c'), read('docs/RESTORE.md')),
    specs,
    protoPage(read('schemas/plan.proto')),
  ];
}

/** fdgraft(1), what a page is part of, its parts, and the formats of those that read specs or plans. */
function seeAlso({ name, section, blocks }, all) {
  const text = blocks.join('\n').replaceAll('\\-', '-');
  const formats = ['specs', 'plan'].filter((word) => new RegExp(`--(save-)?${word}\\b|SPEC\\b`).test(text));
  const names = all
    .filter((other) => other.name !== name)
    .filter(
      (other) =>
        other.name === 'fdgraft' ||
        (name === 'fdgraft' && !other.name.startsWith('fdgraft-batch-')) ||
        name.startsWith(`${other.name}-`) ||
        other.name.startsWith(`${name}-`) ||
        formats.some((word) => other.name === `fdgraft-${word}`) ||
        (section === 5 && ['fdgraft-rewrite', 'fdgraft-exec'].includes(other.name)),
    )
    .map((other) => `${other.name}(${other.section})`);
  return [...new Set(names), 'criu(8)'];
}

/** The pages as { place below share/man: content }. */
function manPages() {
  const { version } = JSON.parse(read('package.json'));
  const all = contents();
  return Object.fromEntries(
    all.map((one) => [
      `man${one.section}/${one.name}.${one.section}`,
      page({ ...one, date: dateOf(version), version, seeAlso: seeAlso(one, all) }),
    ]),
  );
}

function writeManPages() {
  const man = path.join(top, 'dist/share/man');
  fs.rmSync(man, { recursive: true, force: true });
  for (const [name, content] of Object.entries(manPages())) {
    fs.mkdirSync(path.dirname(path.join(man, name)), { recursive: true });
    fs.writeFileSync(path.join(man, name), content);
  }
}

if (require.main === module) runMain(writeManPages);

module.exports = { manPages, writeManPages };
