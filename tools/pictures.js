// npm run pictures: pictures of a terminal for the documents, into docs/pictures. Their commands are run, on a checkpoint
// of fixtures/ and with what `npm run build` made, so a picture shows what is printed.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { runMain, top } = require('./ensure');

/** By name: what a picture is called where it cannot be seen, and its commands, in a directory with a checkpoint `dump`. */
const PICTURES = {
  beforehand: {
    title: 'A spec that matches nothing, and a caller fd with too little access, are errors before the restore',
    checkpoint: 'pipe_outside',
    commands: [
      "fdgraft rewrite dump -o out --inherit-fd 'fd[5]:pipe:[126921]'",
      "fdgraft rewrite dump -o out --inherit-fd 'fd[5]:pipe:[126920]' --quiet",
      'fdgraft-exec --plan out --check 5<log',
      'fdgraft-exec --plan out --check 5>>log && echo fits',
      'fdgraft diff dump out --plan out | tail -n 1',
    ],
  },
};

const COLUMNS = 100;
/** In units of the picture: of a character and of a line, and the room around all. */
const [CELL, LINE, ROOM] = [8, 18, 14];
const FONT_SIZE = 13;

const STYLE = `
.window { fill: #f6f8fa; stroke: #d0d7de }
text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
.command { font-weight: 700 }
@media (prefers-color-scheme: dark) {
.window { fill: #0d1117; stroke: #3d444d }
text { fill: #f0f6fc }
}`;

/** Runs a command as a user has it in PATH; what it prints, on both streams in their order. */
function run(command, directory) {
  const programs = `fdgraft() { '${process.execPath}' '${top}/bin/fdgraft.js' "$@"; }
fdgraft-exec() { '${top}/native/build/fdgraft-exec' "$@"; }`;
  const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };
  const { stdout, error } = spawnSync('bash', ['-c', `exec 2>&1\n${programs}\n${command}`], {
    cwd: directory,
    encoding: 'utf8',
    env,
  });
  if (error) throw error;
  return stdout;
}

function screenOf({ checkpoint, commands }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-picture-'));
  try {
    fs.cpSync(path.join(top, 'fixtures/images', checkpoint), path.join(directory, 'dump'), { recursive: true });
    fs.writeFileSync(path.join(directory, 'log'), '');
    return commands.flatMap((command) => [
      ...cells(`$ ${command}`, true),
      ...run(command, directory)
        .split('\n')
        .slice(0, -1)
        .flatMap((line) => cells(line, false)),
    ]);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** A line as a terminal shows it: what does not fit goes on in the next. */
function cells(text, isCommand) {
  const lines = text.match(new RegExp(`.{1,${COLUMNS}}`, 'gu')) ?? [''];
  return lines.map((line) => ({ text: line, isCommand }));
}

const escapeXml = (text) => text.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);

function draw(title, screen) {
  const [width, height] = [COLUMNS * CELL + 2 * ROOM, screen.length * LINE + 2 * ROOM];
  const lines = screen.map(({ text, isCommand }, i) => {
    const place = `x="${ROOM}" y="${ROOM + LINE * i + FONT_SIZE}" textLength="${CELL * text.length}"`;
    return `<text ${place}${isCommand ? ' class="command"' : ''}>${escapeXml(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<style>${STYLE}
</style>
<rect class="window" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${lines.filter((line) => !line.endsWith('></text>')).join('\n')}
</svg>
`;
}

/** The pictures as { name: content }. */
function pictures() {
  return Object.fromEntries(
    Object.entries(PICTURES).map(([name, picture]) => [`${name}.svg`, draw(picture.title, screenOf(picture))]),
  );
}

function main() {
  const directory = path.join(top, 'docs/pictures');
  fs.mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(pictures())) fs.writeFileSync(path.join(directory, name), content);
}

if (require.main === module) runMain(main);

module.exports = { pictures };
