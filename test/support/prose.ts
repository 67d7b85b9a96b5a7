/** Texts for people, sentence by sentence, and the rules that each sentence keeps. */

export interface Place {
  file: string;
  /** From 1; missing for texts that are not in a file of their own. */
  line?: number;
}

export interface Sentence extends Place {
  text: string;
  words: number;
}

export interface Fault extends Place {
  rule: string;
  text: string;
}

interface Block {
  kind: 'prose' | 'heading' | 'table';
  /** Without markers of lists and quotes. */
  lines: { line: number; text: string }[];
}

/** Bold or italic words before a paragraph are its heading. */
const LABEL = /^\*{1,2}[^*]+[.:?]\*{1,2}\s*/;

/** The parts of a Markdown text that people read as words: code blocks and comments are left out. */
function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let fence: string | undefined;
  let comment = false;
  for (const [index, whole] of markdown.split('\n').entries()) {
    const line = index + 1;
    const mark = /^\s*(```+|~~~+)/.exec(whole)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) && whole.trim() === mark) fence = undefined;
      continue;
    }
    if (comment || /^\s*<!--/.test(whole)) {
      comment = !whole.includes('-->');
      open = undefined;
    } else if (mark !== undefined) {
      fence = mark;
      open = undefined;
    } else if (/^\s*(?:-{3,})?\s*$/.test(whole)) {
      open = undefined;
    } else if (/^#+ /.test(whole)) {
      blocks.push({ kind: 'heading', lines: [{ line, text: whole.replace(/^#+ /, '') }] });
      open = undefined;
    } else if (/^\s*\|/.test(whole)) {
      blocks.push({ kind: 'table', lines: [{ line, text: whole }] });
      open = undefined;
    } else {
      const item = /^\s*(?:[-*+]|\d+[.)])\s+/.exec(whole)?.[0];
      if (open === undefined || item !== undefined) {
        open = { kind: 'prose', lines: [] };
        blocks.push(open);
      }
      const text = whole.slice(item?.length ?? 0).replace(/^\s*>?\s*/, '');
      open.lines.push({ line, text: open.lines.length === 0 ? text.replace(LABEL, '') : text });
    }
  }
  return blocks;
}

/** Inline code is one word, a link its text, and no word is bold. */
function plain(text: string): string {
  return text
    .replace(/(`+)(.+?)\1/gs, (code) => '`'.repeat(code.length))
    .replace(/!?\[([^\]]*)\]\([^)\s]*\)/g, (link, label: string) => label.padEnd(link.length))
    .replace(/\*\*|__|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])/g, (bold) => ' '.repeat(bold.length));
}

const SHORT_FORMS = /(?:^|[\s(])(?:e\.g|i\.e|cf|vs|etc|no|approx)\.$/i;

/** Where sentences end: positions in the text, the last one is its length. */
function endsOf(text: string): number[] {
  const ends: number[] = [];
  for (const { 0: mark, index } of text.matchAll(/[.!?]+["')\]]*(?=\s)/g)) {
    const end = index + mark.length;
    if (!SHORT_FORMS.test(text.slice(0, end))) ends.push(end);
  }
  return [...ends, text.length];
}

function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}`]/u.test(word)).length;
}

/** The sentences of a text without markup that would have to be left out. */
function split(text: string, at: (position: number) => Place): Sentence[] {
  const sentences: Sentence[] = [];
  const bare = plain(text);
  let start = 0;
  for (const end of endsOf(bare)) {
    const own = text.slice(start, end);
    const begin = start + (own.length - own.trimStart().length);
    const words = wordsIn(bare.slice(start, end));
    if (words > 0) sentences.push({ ...at(begin), text: own.trim().replace(/\s+/g, ' '), words });
    start = end;
  }
  return sentences;
}

/** The sentences of a Markdown text. Headings and tables have none. */
export function sentencesOf(markdown: string, file: string): Sentence[] {
  return blocksOf(markdown)
    .filter(({ kind }) => kind === 'prose')
    .flatMap(({ lines }) => {
      const starts: number[] = [];
      let text = '';
      for (const line of lines) {
        starts.push(text.length);
        text += `${line.text}\n`;
      }
      const lineOf = (position: number) => lines[starts.findLastIndex((start) => start <= position)]?.line as number;
      return split(text.trimEnd(), (position) => ({ file, line: lineOf(position) }));
    });
}

/** The sentences of a text of the command. */
export function sentencesOfText(text: string, file: string): Sentence[] {
  return split(text, () => ({ file }));
}

/** A clause that stands for a thing. A question is none. */
const NOMINAL =
  /^["'(*]*(?:What|Whatever|Who|Whoever|Whose|Where|Wherever|How|However many|Whether|That which|Those who)\b(?!,)/;

export const WORDS: readonly (readonly [banned: RegExp, instead: string])[] = [
  [/\b(?:image )?folders?\b/i, 'directory'],
  [/\b(?:bytes )?in[ -]flight\b/i, 'unread bytes'],
  [/\bdelivery\b/i, 'deliver'],
  [/\bholders?\b/i, 'other reference'],
  [/\b(?:your|the caller's) (?:own )?(?:fds?|descriptors?)\b/i, 'caller fd'],
  [/\bfds? of the caller\b/i, 'caller fd'],
  [/(?<!\S)ckpt(?=[.,;:]?(?:\s|$))/i, 'checkpoint'],
  [/\bopens of\b/i, 'file entries'],
  [/\bthat which\b/i, 'a named thing'],
  [/\bwhoever\b/i, 'a named thing'],
  [/\b(?:breathe|giveAway|isAround|NobodyReads)\b/, 'a standard word'],
];

/** Faults of words, in any text. */
function wordFaults(text: string, place: Place): Fault[] {
  const bare = plain(text);
  return WORDS.flatMap(([banned, instead]) => {
    const found = banned.exec(bare)?.[0];
    return found === undefined ? [] : [{ ...place, rule: `"${found}" is banned: use "${instead}"`, text: text.trim() }];
  });
}

/** Faults of sentences. */
export function faultsOf(sentences: readonly Sentence[], mostWords: number): Fault[] {
  return sentences.flatMap(({ words, text, ...place }) => [
    ...(words > mostWords ? [{ ...place, rule: `${words} words, at most ${mostWords}`, text }] : []),
    ...(NOMINAL.test(text) && !text.endsWith('?') ? [{ ...place, rule: 'begins with a clause', text }] : []),
    ...wordFaults(text, place),
  ]);
}

export interface Limits {
  sentence: number;
  paragraph: number;
}

/** Faults of a whole Markdown text. */
export function faultsOfMarkdown(markdown: string, file: string, limits: Limits): Fault[] {
  const blocks = blocksOf(markdown);
  const others = blocks.filter(({ kind }) => kind !== 'prose').flatMap(({ lines }) => lines);
  const prose = blocks.filter(({ kind }) => kind === 'prose');
  const faults = [
    ...faultsOf(sentencesOf(markdown, file), limits.sentence),
    ...others.flatMap(({ line, text }) => wordFaults(text, { file, line })),
    ...prose.flatMap(({ lines }) => {
      const count = endsOf(plain(lines.map(({ text }) => text).join('\n'))).length;
      const [{ line, text } = { line: 0, text: '' }] = lines;
      const rule = `a paragraph of ${count} sentences, at most ${limits.paragraph}`;
      return count > limits.paragraph ? [{ file, line, rule, text }] : [];
    }),
  ];
  return faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

export function tell({ file, line, rule, text }: Fault): string {
  return `${line === undefined ? file : `${file}:${line}`}: ${rule}: ${text}`;
}
