// The licenses of the packages whose code esbuild put into the command, as one text.

const fs = require('node:fs');
const path = require('node:path');
const { top } = require('./ensure');

/** The directory of the package that a source is of; undefined for a source of fdgraft. */
function packageOf(input) {
  const [directory] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input) ?? [];
  return directory;
}

function noticeOf(directory) {
  const place = path.join(top, directory);
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(place, 'package.json'), 'utf8'));
  const [file] = fs.readdirSync(place).filter((one) => /^(licen[cs]e|copying)\b/i.test(one));
  if (file === undefined) throw new Error(`${directory} has no file with its license (${license})`);
  return `${name} ${version}\n\n${fs.readFileSync(path.join(place, file), 'utf8').trim()}\n`;
}

/** `inputs` are those of esbuild's metafiles, relative to the top directory. */
function noticesOf(inputs) {
  const packages = new Set(inputs.map(packageOf).filter((one) => one !== undefined));
  const head = 'The command fdgraft has code of these packages in it.\n';
  return [head, ...[...packages].sort().map(noticeOf)].join(`\n${'-'.repeat(80)}\n\n`);
}

module.exports = { noticesOf };
