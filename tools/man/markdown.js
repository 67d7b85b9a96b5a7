// Markdown of docs/ as blocks of a page: headings, paragraphs, lists, tables and code, as far as docs/ has them.

const { bold, code, escapeText, heading, indented, item, subheading, wrap } = require('./roff');

/** `code`, **bold** and [links](to). */
function inline(text) {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/);
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return escapeText(part);
      if (part.startsWith('`')) return bold(part.slice(1, -1));
      if (part.startsWith('**')) return bold(part.slice(2, -2));
      return escapeText(/^\[([^\]]+)\]/.exec(part)[1].replace(/^(?=\w+\.md$)/, 'docs/'));
    })
    .join('');
}

const cellsOf = (row) =>
  row
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

/** A list, since cells hold sentences: the last cell explains those before it. */
function table(rows) {
  let first = '';
  return rows
    .slice(2)
    .map(cellsOf)
    .map((cells) => {
      first = cells[0] === '' ? first : cells[0];
      const terms = [first, ...cells.slice(1, -1)];
      return item(terms.map(inline).join('  '), inline(cells.at(-1) || '-'));
    });
}

/** The lines of a block that begins at `from`, as long as `belongs` is true of them. */
function take(lines, from, belongs) {
  const end = lines.findIndex((line, i) => i > from && !belongs(line));
  return lines.slice(from, end === -1 ? undefined : end);
}

const BULLET = /^(?:-|\d+\.) +/;

function block(lines, at) {
  const line = lines[at];
  if (line.startsWith('```')) {
    const inside = take(lines, at, (one) => one !== '```').slice(1);
    return { length: inside.length + 2, text: `.PP\n${indented(code(inside))}` };
  }
  if (line.startsWith('## ')) return { length: 1, text: heading(inlineText(line.slice(3))) };
  if (line.startsWith('### ')) return { length: 1, text: subheading(inlineText(line.slice(4))) };
  if (line.startsWith('|')) {
    const rows = take(lines, at, (one) => one.startsWith('|'));
    return { length: rows.length, text: table(rows).join('\n') };
  }
  if (BULLET.test(line)) {
    const rest = take(lines, at, (one) => /^\s+\S/.test(one));
    const [, sign] = /^(\S+) /.exec(line);
    const term = sign === '-' ? '\\(bu' : escapeText(sign);
    const body = rest.map((one) => one.trim()).join(' ');
    return { length: rest.length, text: `.IP ${term} 4\n${wrap(inline(body.replace(BULLET, '')))}` };
  }
  const rest = take(lines, at, (one) => one !== '' && !/^(```|#|\||- |\d+\. )/.test(one));
  return { length: rest.length, text: `.PP\n${wrap(inline(rest.join(' ')))}` };
}

const inlineText = (text) => text.replace(/[`*]/g, '');

/** The blocks of a text. A first paragraph has no .PP. */
function blocksOf(text) {
  const lines = text.trimEnd().split('\n');
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at] === '') {
      at += 1;
      continue;
    }
    const { length, text: made } = block(lines, at);
    const isFirst = blocks.length === 0 || /^\.S[HS]/.test(blocks.at(-1));
    blocks.push(isFirst ? made.replace(/^\.PP\n/, '') : made);
    at += length;
  }
  return blocks;
}

/** The blocks of a document; its title gives way to `title`. */
const markdownBlocks = (text, title) => [heading(title), ...blocksOf(text.replace(/^# .*\n/, ''))];

/** The blocks of those sections of a document that begin with `## TITLE`, in this order. */
function markdownSections(text, titles) {
  const sections = text.split(/^(?=## )/m);
  return titles.flatMap((title) => {
    const section = sections.find((one) => one.startsWith(`## ${title}\n`));
    if (section === undefined) throw new Error(`no section ${title}`);
    return blocksOf(section);
  });
}

module.exports = { markdownBlocks, markdownSections };
