import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Input } from './target';

/** Inputs in which something was wrong once, a file each: what it was, and the parts in base64. */
export const CORPUS = path.join(__dirname, 'corpus');

export interface KeptInput {
  readonly file: string;
  readonly input: Input;
}

/** The kept inputs of a target, in the order of their names. */
export function keptInputs(corpus: string, target: string): readonly KeptInput[] {
  const directory = path.join(corpus, target);
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => ({ file: path.join(directory, name), input: readInput(path.join(directory, name)) }));
}

export function readInput(file: string): Input {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      if (line === '' || line.startsWith('#')) return [];
      const [part = '', content = ''] = line.split(' ');
      return [[decodeURIComponent(part), Buffer.from(content, 'base64')]];
    }),
  );
}

/** Keeps an input under a name that says its content; returns its file. */
export function keepInput(corpus: string, target: string, input: Input, problem: string): string {
  const parts = Object.entries(input).map(
    ([part, bytes]) => `${encodeURIComponent(part)} ${Buffer.from(bytes).toString('base64')}`,
  );
  const hash = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
  const directory = path.join(corpus, target);
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${hash}.input`);
  const about = problem
    .split('\n')
    .slice(0, 3)
    .map((line) => `# ${line.slice(0, 300)}`);
  fs.writeFileSync(file, `${[...about, ...parts].join('\n')}\n`);
  return file;
}
