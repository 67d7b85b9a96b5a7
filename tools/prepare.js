// After `npm install` in a clone, and for who installs from git: builds the command where it is not there. The programs
// take a compiler or root, so that is left to `npm run build` and `npm pack`.

const fs = require('node:fs');
const path = require('node:path');
const { buildCommand } = require('./build');
const { runMain, top } = require('./ensure');

runMain(() => {
  // `npm install --global` from git has set this for whatever it starts, and has installed nothing here.
  for (const name of ['npm_config_global', 'npm_config_location', 'npm_config_prefix']) delete process.env[name];
  if (!fs.existsSync(path.join(top, 'dist/cli/bin.js'))) buildCommand();
});
