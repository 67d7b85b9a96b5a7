// The man(7) language: text and macros of a page.

const WIDTH = 76;
const NAMED = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

/** Text that roff prints as it is. */
function escapeText(text) {
  return text.replace(/[\\'`^~"-]|[^\n\x20-\x7e]/gu, (letter) => {
    const code = letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    return NAMED[letter] ?? `\\[u${code}]`;
  });
}

/** A line that begins with a dot would be a macro. */
const guard = (line) => (line.startsWith('.') ? `\\&${line}` : line);

const bold = (text) => `\\fB${escapeText(text)}\\fR`;

/** Escaped text in lines of a moderate length. */
function wrap(escaped) {
  const lines = [];
  for (const word of escaped.split(/\s+/).filter((one) => one !== '')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map(guard).join('\n');
}

/** Text with its options in bold. */
function emphasizeOptions(text) {
  const parts = text.split(/(?<![\w/-])(--?[a-zA-Z][\w-]*)/);
  return parts.map((part, i) => (i % 2 === 1 ? bold(part) : escapeText(part))).join('');
}

const prose = (text) => wrap(emphasizeOptions(text));
const heading = (title) => `.SH ${escapeText(title.toUpperCase())}`;
const subheading = (title) => `.SS ${escapeText(title)}`;
/** An item of a list; term and body are escaped. */
const item = (term, body) => `.TP\n${guard(term)}\n${wrap(body)}`;
/** In groff 1.22, .EE turns hyphens on again. */
const code = (lines) => ['.EX', ...lines.map((line) => guard(escapeText(line))), '.EE', '.nh'].join('\n');
const indented = (block) => `.RS 4\n${block}\n.RE`;

/** A reference to a page: fdgraft(1). */
const reference = (page) => page.replace(/^(.*)(\(\d\))$/, (_all, name, section) => `${bold(name)}${section}`);

const DOCS = 'The files of docs/ are in share/doc/fdgraft, and in the npm package.';

/** A page of `blocks`; `date` is empty before a release. */
function page({ name, section, summary, date, version, blocks, seeAlso }) {
  const title = `.TH ${escapeText(name.toUpperCase())} ${section} "${escapeText(date)}" "fdgraft ${escapeText(version)}" "fdgraft manual"`;
  return `${[
    '.\\" Made by tools/man.js. Do not edit.',
    title,
    // No hyphens in names, no stretched lines.
    '.nh',
    '.ad l',
    heading('Name'),
    `${escapeText(name)} \\- ${escapeText(summary)}`,
    ...blocks,
    heading('See also'),
    wrap(seeAlso.map(reference).join(', ')),
    ...(blocks.some((block) => block.includes('docs/')) ? ['.PP', wrap(escapeText(DOCS))] : []),
  ].join('\n')}\n`;
}

module.exports = {
  bold,
  code,
  emphasizeOptions,
  escapeText,
  heading,
  indented,
  item,
  page,
  prose,
  reference,
  subheading,
  wrap,
};
