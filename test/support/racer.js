// Run by another user: renames, replaces and links whatever it can in a directory, until it is killed or its test is.
// Its words are the directory, the place that links lead to, and a seed.

const fs = require('node:fs');
const path = require('node:path');

const [directory, canary, seed] = process.argv.slice(1);
let state = Number(seed) >>> 0;

/** A number below `count`, of a sequence that the seed decides. */
function below(count) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * count);
}

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

const targets = [canary, path.join(canary, 'files.img'), path.join(canary, 'below'), directory];

/** A link stands in the place of something for a moment. */
function swap(place) {
  const aside = `${place}~`;
  if (attempt(() => fs.renameSync(place, aside) ?? true) !== true) return;
  attempt(() => fs.symlinkSync(targets[below(targets.length)], place));
  for (let i = below(50); i > 0; i -= 1) attempt(() => fs.statSync(place));
  attempt(() => fs.unlinkSync(place));
  attempt(() => fs.renameSync(aside, place));
}

function namesIn(place) {
  return attempt(() => fs.readdirSync(place)) ?? [];
}

process.stdout.write('ready\n');
const parent = process.ppid;
while (process.ppid === parent) {
  const names = namesIn(directory);
  const fresh = names.filter((name) => name.startsWith('.'));
  // A command that never gets beyond its first look is no test of what it does later.
  if (below(fresh.length > 0 ? 4 : 400) > 0) continue;
  const choice = fresh.length > 0 && below(4) > 0 ? fresh : names;
  const name = choice[below(choice.length)];
  if (name === undefined) continue;
  const place = path.join(directory, name);
  const inside = namesIn(place);
  switch (below(4)) {
    case 0:
      swap(directory);
      break;
    case 1:
      if (inside.length > 0) swap(path.join(place, inside[below(inside.length)]));
      break;
    default:
      swap(place);
  }
  // What links were left of an interrupted swap.
  for (const left of namesIn(directory))
    if (left.endsWith('~~')) attempt(() => fs.unlinkSync(path.join(directory, left)));
}
