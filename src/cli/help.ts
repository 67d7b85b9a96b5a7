import type { Texts } from './usage/usage';

/** The examples of a command, each under a line that explains it, and its exit codes. */
export function epilogueOf({ examples, exitCodes }: Pick<Texts, 'examples' | 'exitCodes'>): string {
  const lines = examples.flatMap(([command, what]) => [`  # ${what}`, `  ${command}`]);
  const width = Math.max(...exitCodes.map(([code]) => code.length));
  const codes = exitCodes.map(([code, meaning]) => `  ${code.padEnd(width)}  ${meaning}`);
  const parts = [...(lines.length === 0 ? [] : [`Examples:\n${lines.join('\n')}`]), `Exit codes:\n${codes.join('\n')}`];
  return parts.join('\n\n');
}
