import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { command, top } from './support/command';
import { temporaryDirectory } from './support/directories';

/** What the README shows is what the commands print, and what it links to is there. */

const README = fs.readFileSync(path.join(top, 'README.md'), 'utf8');

test('each command of a console block prints what stands below it', (t) => {
  const directory = temporaryDirectory(t);
  fs.symlinkSync(path.join(top, 'fixtures'), path.join(directory, 'fixtures'));
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const blocks = [...README.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block]) => block as string);
  t.true(blocks.length > 0);
  for (const shown of blocks.flatMap((block) => block.split(/^\$ /m).slice(1))) {
    const end = shown.indexOf('\n');
    const [line, output] = [shown.slice(0, end), shown.slice(end + 1)];
    const script = `fdgraft() { ${quoted} "$@"; }\n${line}`;
    const { status, stdout } = spawnSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' });
    t.deepEqual({ status, stdout }, { status: 0, stdout: output }, line);
  }
});

test('each text links to files and headings that are there', (t) => {
  const texts = ['README.md', 'SECURITY.md', ...fs.readdirSync(path.join(top, 'docs')).map((name) => `docs/${name}`)];
  for (const text of texts.filter((name) => name.endsWith('.md'))) {
    const content = fs.readFileSync(path.join(top, text), 'utf8');
    for (const [, link = ''] of content.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [file = '', heading] = link.split('#');
      const target = file === '' ? text : path.join(path.dirname(text), file);
      t.true(fs.existsSync(path.join(top, target)), `${text}: ${link}`);
      if (heading === undefined) continue;
      const headings = [...fs.readFileSync(path.join(top, target), 'utf8').matchAll(/^#+ (.*)$/gm)];
      const anchors = headings.map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      t.true(anchors.includes(heading), `${text}: ${link}`);
    }
  }
});
