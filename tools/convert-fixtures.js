// Makes the fixtures that are converted out of those that were dumped. Needs neither root nor CRIU.
//
//   node tools/convert-fixtures.js [NAME…]     all of them unless named

require('./register-typescript');
const fs = require('node:fs');
const path = require('node:path');
const { CONVERTED_FIXTURES, convertLayout } = require('../test/support/old-layouts');

const IMAGES = path.resolve(__dirname, '../fixtures/images');

function convertFixture(name) {
  const { from, layout } = CONVERTED_FIXTURES[name];
  const target = path.join(IMAGES, name);
  fs.rmSync(target, { recursive: true, force: true });
  convertLayout(layout, path.join(IMAGES, from), target);
  process.stdout.write(`${name} (from ${from})\n`);
}

/** Those that are made of a fixture. */
function convertedFrom(fixture) {
  return Object.keys(CONVERTED_FIXTURES).filter((name) => CONVERTED_FIXTURES[name].from === fixture);
}

module.exports = { convertFixture, convertedFrom };

if (require.main === module) {
  const all = Object.keys(CONVERTED_FIXTURES);
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown) {
    process.stderr.write(`no converted fixture is called ${unknown}: there are ${all.join(', ')}\n`);
    process.exitCode = 1;
  } else {
    for (const name of names.length > 0 ? names : all) convertFixture(name);
  }
}
