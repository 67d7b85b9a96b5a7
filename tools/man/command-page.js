// Pages of fdgraft and its commands, from the tables of the help (src/cli/usage).

const {
  bold,
  code,
  emphasizeOptions,
  escapeText,
  heading,
  indented,
  item,
  prose,
  subheading,
  wrap,
} = require('./roff');

/** "Write a plan" is "write a plan" behind the name of a command; a name such as CRIU stays. */
const lower = (text) => text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());

const paragraphs = (text) => text.split('\n\n').map(prose).join('\n.PP\n');

/** The forms of a command, a line each, indented where they are long. */
function synopsis(usage) {
  const lines = usage.split('\n').map((line) => {
    const [name, ...rest] = line.split(/ (?=[^a-z])/);
    return wrap([bold(name), ...rest.map(emphasizeOptions)].join(' '));
  });
  return [heading('Synopsis'), lines.join('\n.br\n')];
}

const list = (words) => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);

function optionTerm(name, { alias, value }) {
  const names = [...[alias ?? []].flat(), name].map((one) => bold(one.length === 1 ? `-${one}` : `--${one}`));
  if (value === undefined) return names.join(', ');
  // A value that may be left out stands at the option itself.
  if (value.startsWith('[')) return `${names.at(-1)}${escapeText(value)}`;
  return names.map((one) => `${one} \\fI${escapeText(value)}\\fR`).join(', ');
}

function option(name, usage) {
  const values = usage.choices === undefined ? '' : ` ${usage.value}: ${list(usage.choices)}.`;
  const describe = `${usage.describe.replace(/\.$/, '')}.`;
  const term =
    usage.type === 'boolean' && usage.default === true
      ? `${bold(`--${name}`)}, ${bold(`--no-${name}`)}`
      : optionTerm(name, usage);
  return item(term, emphasizeOptions(`${describe}${values}`));
}

const shown = (options) => Object.entries(options).filter(([, { hidden }]) => hidden !== true);

function positional([name, { describe, choices }], command) {
  const term = choices === undefined ? name.toUpperCase() : choices.join('|');
  const shownTerm = command.includes(`<${name}..>`) ? 'PATTERN...' : term;
  return item(`\\fI${escapeText(shownTerm)}\\fR`, emphasizeOptions(`${describe}.`));
}

function exitCodes(codes) {
  return [
    heading('Exit status'),
    ...codes.map(([status, meaning]) => item(bold(status), emphasizeOptions(`${meaning}.`))),
  ];
}

function examples(all) {
  if (all.length === 0) return [];
  const shownOnes = all.map(([line, purpose]) => {
    const text = `${purpose[0].toUpperCase()}${purpose.slice(1)}:`;
    return `${prose(text)}\n.PP\n${indented(code([line]))}`;
  });
  return [heading('Examples'), shownOnes.join('\n.PP\n')];
}

const HELP = [
  ['help', { type: 'boolean', describe: 'Print the help' }],
  ['version', { type: 'boolean', describe: 'Print the version' }],
];

function commonOptions(names, all) {
  return [...names.map((name) => option(name, all[name])), ...HELP.map(([name, usage]) => option(name, usage))];
}

/** The page of a command by `name`, its words joined by -. */
function commandPage(name, usage, all) {
  const blocks = [...synopsis(usage.usage), heading('Description'), prose(`${usage.describe}.`)];
  if (usage.about !== undefined) blocks.push('.PP', paragraphs(usage.about));
  if ('several' in usage) {
    blocks.push(heading('Commands'));
    for (const one of usage.several) {
      const word = one.command.split(' ')[0];
      blocks.push(item(`${bold(`${name}-${word}`)}(1)`, emphasizeOptions(`${one.describe}.`)));
    }
  } else {
    const positionals = Object.entries(usage.positionals);
    if (positionals.length > 0)
      blocks.push(heading('Arguments'), ...positionals.map((one) => positional(one, usage.command)));
    const own = shown(usage.options);
    if (own.length > 0) blocks.push(heading('Options'), ...own.map(([word, one]) => option(word, one)));
  }
  blocks.push(heading('Common options'), ...commonOptions(usage.common, all));
  blocks.push(...examples(usage.examples), ...exitCodes(usage.exitCodes));
  return { name, section: 1, summary: lower(usage.describe), blocks };
}

/** The page of fdgraft itself. */
function mainPage({ describe, usage, exitCodes: codes }, usages, common) {
  const commands = usages.map((one) => {
    const word = one.command.split(' ')[0];
    return item(`${bold(`fdgraft-${word}`)}(1)`, emphasizeOptions(`${one.describe}.`));
  });
  return {
    name: 'fdgraft',
    section: 1,
    summary: lower(describe.replace(/^Prepares/, 'Prepare').replace(/\.$/, '')),
    blocks: [
      ...synopsis(`fdgraft ${usage}`),
      heading('Description'),
      prose(describe),
      heading('Commands'),
      ...commands,
      heading('Common options'),
      ...commonOptions(Object.keys(common), common),
      ...exitCodes(codes),
    ],
  };
}

module.exports = { commandPage, mainPage, subheading };
