import fs from 'node:fs';
import path from 'node:path';

/** The languages that a recipe may use: sh is run, the others are files that it names. */
export const FILE_NAMES: Readonly<Record<string, RegExp>> = {
  python: /\.py$/,
  js: /\.js$/,
  go: /\.go$/,
  json: /\.json$/,
};

export interface Block {
  line: number;
  language: string;
  /** Of a file: the name that stands in the line before the block, as `NAME`: */
  name: string | undefined;
  text: string;
}

export interface Recipe {
  title: string;
  blocks: Block[];
}

export const COOKBOOK = path.resolve(__dirname, '../../../docs/COOKBOOK.md');

export const RUNTIMES = path.resolve(__dirname, '../../../docs/RUNTIMES.md');
/** The recipe of RUNTIMES for clients of CRIU's RPC: its block is a script, and the others are lines to type. */
export const CLIENTS = 'RPC clients and criu-ns';

/** What a Markdown file has between ``` and ```, by the heading above it. */
export function readRecipes(file = COOKBOOK): Recipe[] {
  const recipes: Recipe[] = [{ title: '', blocks: [] }];
  let block: Block | undefined;
  let before = '';
  for (const [index, line] of fs.readFileSync(file, 'utf8').split('\n').entries()) {
    if (block !== undefined) {
      if (/^\s*```\s*$/.test(line)) block = undefined;
      else block.text += `${line}\n`;
      continue;
    }
    const fence = /^\s*(?:```|~~~)(.*)$/.exec(line);
    if (fence) {
      block = { line: index + 1, language: fence[1] as string, name: /^`([^`]+)`:$/.exec(before)?.[1], text: '' };
      recipes.at(-1)?.blocks.push(block);
    } else if (/^#+ /.test(line)) {
      recipes.push({ title: line.replace(/^#+ /, ''), blocks: [] });
    }
    if (line !== '') before = line;
  }
  if (block !== undefined) throw new Error(`${file}: the block in line ${block.line} has no end`);
  return recipes.filter(({ blocks }) => blocks.length > 0);
}
