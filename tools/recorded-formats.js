// What the formats that others read and write consist of, as lines of text: JSON schemas, the plan, JSON on stdout.
// docs/api/formats.txt has them by format and version. Lines of one version never go; what may be added says `growth`.

const fs = require('node:fs');
const path = require('node:path');
const { top } = require('./ensure');

const recordedFormats = path.join(top, 'docs/api/formats.txt');
/** Keywords of JSON schemas that restrict nothing. */
const WORDS = new Set(['$schema', 'title', 'description']);
/** Keywords whose keys are names of the schema's author. */
const NAMES = new Set(['properties', '$defs']);

const readJson = (...names) => JSON.parse(fs.readFileSync(path.join(top, ...names), 'utf8'));

/** A JSON schema: one line a keyword, one more for each item of a list. */
function linesOfSchema(schema, place = '') {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (WORDS.has(keyword)) return [];
    if (NAMES.has(keyword))
      return Object.entries(value).flatMap(([name, inner]) => [
        `${place}/${name}`,
        ...linesOfSchema(inner, `${place}/${name}`),
      ]);
    const items = Array.isArray(value) ? value : [value];
    return items.flatMap((item) =>
      item !== null && typeof item === 'object'
        ? [`${place}/${keyword}`, ...linesOfSchema(item, `${place}/${keyword}`)]
        : [`${place || '/'} ${keyword} ${JSON.stringify(item)}`],
    );
  });
}

function formatOfSchema(name, file, growth) {
  const schema = readJson('schemas', file);
  return { title: `${name} ${schema.properties.version.const}`, growth, lines: linesOfSchema(schema) };
}

/** Of a file of specs, old ones have to stay valid: it may get new options, and options new values. */
const growsOptions = (line, recorded) => {
  const [place, keyword] = line.split(' ');
  if (keyword === 'enum') return recorded.has(place);
  const isNew = (one) => one !== '' && (!recorded.has(one) || isNew(one.slice(0, one.lastIndexOf('/'))));
  return isNew(place);
};

/** Readers of plans pass over fields that they do not know. */
const growsFields = (line) => !/ required /.test(line);

function linesOfPlan() {
  const lines = [];
  const visit = (name, { fields = {}, values, nested = {} }) => {
    for (const [field, { id, type, rule = 'optional' }] of Object.entries(fields))
      lines.push(`${name}.${field} = ${id} ${rule} ${type}`);
    for (const [value, number] of Object.entries(values ?? {})) lines.push(`${name}.${value} = ${number}`);
    for (const [inner, what] of Object.entries(nested)) visit(`${name}.${inner}`.replace(/^\./, ''), what);
  };
  visit('', readJson('src/schema/generated/plan.json'));
  return lines;
}

function formatOfPlan() {
  const version = /PLAN_FORMAT = (\d+)/.exec(fs.readFileSync(path.join(top, 'src/plan/plan.ts'), 'utf8'))[1];
  return { title: `inherit-plan.img ${version}`, growth: growsFields, lines: linesOfPlan() };
}

/** Every place of a value, with its type: places in lists are one. */
function linesOfValue(value, place = '') {
  const kind = Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
  const own = place === '' ? [] : [`${place} ${kind}`];
  if (kind === 'list') return [...own, ...value.flatMap((one) => linesOfValue(one, `${place}[]`))];
  if (kind !== 'object') return own;
  return [...own, ...Object.entries(value).flatMap(([key, inner]) => linesOfValue(inner, `${place}.${key}`))];
}

/** JSON on stdout, as the golden tests have it of all fixtures. Readers pass over keys that they do not know. */
function formatsOfOutput() {
  const expected = path.join(top, 'test/golden/expected');
  const byTitle = new Map();
  for (const name of fs.readdirSync(expected, { recursive: true }).sort()) {
    if (!name.endsWith('.json')) continue;
    const text = fs.readFileSync(path.join(expected, name), 'utf8');
    // Empty: the command refuses the fixture.
    if (text === '') continue;
    const value = JSON.parse(text);
    // The schema says more of it than examples do.
    if (value.format === undefined || value.format === 'fdgraft.diff') continue;
    const title = `${value.format} ${value.version}`;
    byTitle.set(title, [...(byTitle.get(title) ?? []), ...linesOfValue(value)]);
  }
  return [...byTitle].map(([title, lines]) => ({ title, growth: () => true, lines }));
}

function currentFormats() {
  const all = [
    formatOfSchema('fdgraft.diff', 'diff.schema.json', () => false),
    formatOfSchema('specs', 'specs.schema.json', growsOptions),
    formatOfPlan(),
    ...formatsOfOutput(),
  ];
  return all.map(({ lines, ...rest }) => ({ ...rest, lines: [...new Set(lines)].sort() }));
}

function formatText(formats) {
  return formats.map(({ title, lines }) => `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`).join('\n');
}

/** Lines by format and version. */
function parseText(text) {
  const parts = text.split('\n\n').filter(Boolean);
  return new Map(
    parts.map((part) => part.split('\n')).map(([title, ...rest]) => [title, rest.map((line) => line.trim())]),
  );
}

/** What breaks those who rely on a recorded version, a line each. */
function breaches(text, formats) {
  const recorded = parseText(text);
  return formats.flatMap(({ title, growth, lines }) => {
    const known = recorded.get(title);
    if (known === undefined) return [];
    const [before, now] = [new Set(known.filter(Boolean)), new Set(lines)];
    const gone = [...before].filter((line) => !now.has(line)).map((line) => `${title}: gone: ${line}`);
    const added = lines.filter((line) => !before.has(line) && !growth(line, before));
    return [...gone, ...added.map((line) => `${title}: added: ${line}`)];
  });
}

module.exports = { breaches, linesOfSchema, growsFields, growsOptions, currentFormats, formatText, recordedFormats };
