// The page of the plan, from schemas/plan.proto: its comments, messages and fields.

const { bold, escapeText, heading, item, prose, subheading, wrap } = require('./roff');

const FIELD = /^\s+(?:(required|optional|repeated) )?(\w+) (\w+) = (\d+)(?: \[[^\]]*\])?;$/;
const VALUE = /^\s+(\w+) = (\d+);$/;
const BEGIN = /^(message|enum) (\w+) \{$/;

/** The messages and enums, each with the comment above it and its members. */
function readProto(text) {
  const types = [];
  let comment = [];
  let header;
  for (const line of text.split('\n')) {
    const [, words] = /^\s*\/\/ ?(.*)$/.exec(line) ?? [];
    if (words !== undefined) {
      comment.push(words);
      continue;
    }
    const about = comment.join('\n');
    const [, kind, name] = BEGIN.exec(line) ?? [];
    const field = FIELD.exec(line);
    const value = VALUE.exec(line);
    if (header === undefined && line !== '') header = about;
    else if (kind !== undefined) types.push({ kind, name, about, members: [] });
    else if (value !== null && field === null) types.at(-1).members.push({ name: value[1], number: value[2], about });
    else if (field !== null) {
      const [, label = 'one of', type, own, number] = field;
      types.at(-1).members.push({ name: own, number, type, label, about });
    }
    comment = [];
  }
  return { header, types };
}

const joined = (text) => text.replace(/\n/g, ' ');

function member({ name, number, type, label, about }) {
  const told = type === undefined ? number : `${label} ${type}, ${number}`;
  return item(`${bold(name)} (${escapeText(told)})`, about === '' ? '\\&' : escapeText(joined(about)));
}

function protoPage(text) {
  const { header, types } = readProto(text);
  return {
    name: 'fdgraft-plan',
    section: 5,
    summary: 'plan of a rewritten CRIU checkpoint',
    blocks: [
      heading('Description'),
      header
        .split('\n\n')
        .map((one) => prose(joined(one)))
        .join('\n.PP\n'),
      '.PP',
      prose(
        'fdgraft rewrite --save-plan FILE writes the plan as JSON, and fdgraft show prints it so. The JSON has the names below, but for two: format is the name of the format there, and version is its number.',
      ),
      heading('Messages'),
      ...types.flatMap(({ name, about, members }) => [
        subheading(name),
        ...(about === '' ? [] : [wrap(escapeText(joined(about)))]),
        ...members.map(member),
      ]),
    ],
  };
}

module.exports = { protoPage, readProto };
