const os = require('node:os');
const path = require('node:path');

/** Where all that is made once for many runs is kept: in the user's cache. */
function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME;
  return path.join(base && path.isAbsolute(base) ? base : path.join(os.homedir(), '.cache'), 'fdgraft');
}

module.exports = { cacheDirectory };
