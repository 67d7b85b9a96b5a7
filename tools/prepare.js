// After `npm install` in a clone, and for who installs from git: builds the command where it is not there. The programs
// take a compiler or root, so that is left to `npm run build` and `npm pack`.

const fs = require('node:fs');
const path = require('node:path');
const { compileCommand } = require('./build');
const { runMain, top } = require('./ensure');

runMain(() => {
  if (!fs.existsSync(path.join(top, 'dist/cli/bin.js'))) compileCommand();
});
