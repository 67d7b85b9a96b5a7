// The page of fdgraft-exec: the text of its --help, which stands in native/src/help.c as C strings, and the sections of
// docs/RESTORE.md.

const { markdownSections } = require('./markdown');
const { bold, code, emphasizeOptions, heading, indented, item, prose, wrap } = require('./roff');

/** The text that `fdgraft-exec --help` prints. */
function helpOf(source) {
  const [, strings] = /^const char help\[\] =\n((?:\t"(?:[^"\\]|\\.)*"\n?)+);$/m.exec(source) ?? [];
  if (strings === undefined) throw new Error('native/src/help.c: no text `help` of string literals');
  return [...strings.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([literal]) => JSON.parse(literal)).join('');
}

/** Options begin at column 2, their texts at `column`, which the lines after them show. */
function readOptions(lines) {
  const column = Math.min(...lines.filter((line) => !/^ {2}-/.test(line)).map((line) => line.search(/\S/)));
  const options = [];
  for (const line of lines) {
    const term = line.slice(0, column).trim();
    if (term !== '') options.push([term, '']);
    options.at(-1)[1] += ` ${line.slice(column).trim()}`;
  }
  return options.map(([term, text]) => [term, text.trim()]);
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

function optionTerm(term) {
  const [, name, rest] = /^(--?[a-z-]+)(.*)$/.exec(term);
  return `${bold(name)}${emphasizeOptions(rest)}`;
}

function synopsisLine(line) {
  const [name, ...rest] = line.replace(/^(Usage:)? */, '').split(' ');
  return wrap(`${bold(name)} ${emphasizeOptions(rest.join(' '))}`);
}

/** Of docs/RESTORE.md: the others are of the command `fdgraft restore`, or in the help. */
const SECTIONS = ['Which caller fds fit', 'Unread bytes and cut files', 'Without CRIU', 'How the fds reach CRIU'];

function executorPage(source, restoring) {
  const [usage, ...parts] = helpOf(source).trimEnd().split('\n\n');
  const part = (begins) => parts.find((one) => begins.test(one)).split('\n');
  const about = parts.slice(
    0,
    parts.findIndex((one) => /^ {2}-/.test(one)),
  );
  const examples = part(/^Examples:/).slice(1);
  const codes = part(/^Exit codes:/).slice(1);
  return {
    name: 'fdgraft-exec',
    section: 1,
    summary: 'run a CRIU restore with the descriptors of a plan',
    blocks: [
      heading('Synopsis'),
      usage.split('\n').map(synopsisLine).join('\n.br\n'),
      heading('Description'),
      about.map((one) => prose(one)).join('\n.PP\n'),
      heading('Options'),
      ...readOptions(part(/^ {2}-/)).map(([term, text]) => item(optionTerm(term), emphasizeOptions(sentence(text)))),
      ...markdownSections(restoring, SECTIONS),
      heading('Examples'),
      indented(code(examples.map((line) => line.trim()))),
      heading('Exit status'),
      ...codes.map((line) => {
        const [, status, meaning] = /^ {2}(\S+) +(.*)$/.exec(line);
        return item(bold(status), emphasizeOptions(sentence(meaning)));
      }),
    ],
  };
}

module.exports = { executorPage, helpOf };
