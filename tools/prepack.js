// Before `npm pack`: builds the command and the programs, so that a fresh clone packs them, and gives every packed file
// one of two modes, whatever the umask of the clone was. The package of one commit then has the same bytes everywhere.

const fs = require('node:fs');
const path = require('node:path');
const { buildCommand } = require('./build');
const { prebuild } = require('./prebuild');
const { runMain, top } = require('./ensure');
const { filesBelow } = require('./files-below');

/** All files of the package; npm adds package.json to those of "files". */
function packedFiles() {
  const { files } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8'));
  const places = ['package.json', ...files.filter((name) => !name.startsWith('!'))];
  return places.flatMap((name) => filesBelow(path.join(top, name)));
}

function main() {
  buildCommand();
  prebuild();
  for (const file of packedFiles()) fs.chmodSync(file, fs.statSync(file).mode & 0o100 ? 0o755 : 0o644);
}

runMain(main);
