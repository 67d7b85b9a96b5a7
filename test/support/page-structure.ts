/** The pages of `diff --format html` as text: what holds for each of them, whatever differs. */

const VOID = new Set(['meta', 'input']);
const HEADINGS = /<h([1-6])[ >]/g;

/** All that is wrong with the structure of a page, a line each. */
export function faultsOfPage(page: string): string[] {
  const all = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, found = '']) => found);
  const ids = all(/\sid="([^"]*)"/g);
  const known = new Set(ids);
  const references = [
    ...all(/\shref="#([^"]*)"/g),
    ...all(/\s(?:aria-labelledby|for)="([^"]*)"/g).flatMap((list) => list.split(' ')),
  ];
  const nodes = all(/\sdata-node="([^"]*)"/g);
  const levels = all(HEADINGS).map(Number);
  return [
    ...unbalanced(page),
    ...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `the id ${id} is there twice`),
    ...references.filter((id) => !known.has(id)).map((id) => `nothing has the id ${id}`),
    ...all(/\shref="([^#"][^"]*)"/g).map((target) => `a link to ${target}`),
    ...levels.filter((level, i) => level > (levels[i - 1] ?? 0) + 1).map((level) => `a heading of level ${level}`),
    ...(levels.filter((level) => level === 1).length === 1 ? [] : ['not one heading of level 1']),
    ...nodes.filter((node, i) => nodes.indexOf(node) !== i).map((node) => `the node ${node} is there twice`),
    ...all(/\sdata-(?:from|to)="([^"]*)"/g)
      .filter((node) => !nodes.includes(node))
      .map((node) => `a line ends at ${node}`),
    ...(all(/(<script)[ >]/g).length === 1 ? [] : ['not one script']),
    ...all(/<[a-z]+ [^>]*?\b(on\w+|style|src|srcset|xlink:href)="/g).map((name) => `an attribute ${name}`),
    ...all(/<(link|iframe|img|object|embed|base|form|use|foreignObject|image)[ >]/g).map(
      (name) => `an element ${name}`,
    ),
  ];
}

/** All text is escaped, so a `<` begins a tag. */
function unbalanced(page: string): string[] {
  const markup = page.replace(/(<(style|script)>).*?(?=<\/\2>)/gs, '$1').replace(/^<!DOCTYPE html>\n/, '');
  const open: string[] = [];
  const faults: string[] = [];
  for (const [tag, name = '', attributes = ''] of markup.matchAll(/<\/?([a-zA-Z0-9]*)([^>]*)>?/g)) {
    if (!/^<\/?[a-z][a-z0-9]*(?: [a-zA-Z-]+(?:="[^"<>]*")?)*\/?>$/.test(tag))
      faults.push(`${tag.slice(0, 100)} is no tag`);
    else if (tag.startsWith('</')) {
      const last = open.pop();
      if (last !== name) faults.push(`</${name}> ends ${last}`);
    } else if (!attributes.endsWith('/') && !VOID.has(name)) open.push(name);
  }
  return [...faults, ...open.map((name) => `${name} has no end`)];
}

/** The titles of the sections, in order. */
export function sectionsOf(page: string): string[] {
  return [...page.matchAll(/<h2 [^>]*>([^<]*)<\/h2>/g)].map(([, title = '']) => title);
}
