const fs = require('node:fs');
const path = require('node:path');

/** All regular files in a directory and those below it; a file is its own. */
function filesBelow(place) {
  if (!fs.statSync(place).isDirectory()) return [place];
  const entries = fs.readdirSync(place, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

module.exports = { filesBelow };
