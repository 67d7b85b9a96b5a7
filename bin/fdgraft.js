#!/usr/bin/env node
// The command fdgraft of the npm package. Written for a Node.js of any age, so that one that is too old is told, too.

var fs = require('fs');
var path = require('path');

var OLDEST = [20, 19];

function isTooOld() {
  var numbers = process.versions.node.split('.').map(Number);
  return numbers[0] < OLDEST[0] || (numbers[0] === OLDEST[0] && numbers[1] < OLDEST[1]);
}

var command = path.join(__dirname, '../dist/cli/bin.js');

function quoted(word) {
  return /^[\w/.+@-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'";
}

function whatIsMissing() {
  if (isTooOld()) {
    return 'needs Node.js ' + OLDEST.join('.') + ' or newer, and this is ' + process.versions.node;
  }
  // npm has run no script: it asks for that, and installing from git takes one.
  if (!fs.existsSync(command)) {
    return 'is not built; run: npm --prefix ' + quoted(path.dirname(__dirname)) + ' run build';
  }
}

var missing = whatIsMissing();
if (missing === undefined) {
  require(command);
} else {
  process.stderr.write('fdgraft: ' + missing + '\n');
  process.exitCode = 2;
}
