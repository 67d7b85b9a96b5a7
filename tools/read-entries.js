// The entries of files.img and of the descriptor tables of a folder, a line of JSON each.

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');

const IMAGES = path.join(__dirname, '..', 'schemas', 'images');
/** Two magics before the first record. */
const HEADER_BYTES = 8;

function readEntries(folder) {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : path.resolve(IMAGES, target);
  root.loadSync('descriptors.proto', { keepCase: true });
  const names = fs.readdirSync(folder).filter((name) => /^(files|fdinfo-\d+)\.img$/.test(name));
  return names.sort().flatMap((name) => {
    const type = root.lookupType(name === 'files.img' ? 'file_entry' : 'fdinfo_entry');
    return readRecords(fs.readFileSync(path.join(folder, name))).map((record) => {
      const entry = type.toObject(type.decode(record), { enums: String, longs: String });
      return `${name} ${JSON.stringify(entry)}`;
    });
  });
}

function readRecords(image) {
  const records = [];
  for (let at = HEADER_BYTES; at < image.length; ) {
    const size = image.readUInt32LE(at);
    records.push(image.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return records;
}

module.exports = { readEntries };
