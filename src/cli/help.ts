export const EXIT_CODES = `Exit codes:
  0  done and nothing to report
  1  done and the answer is no: a spec that matches nothing, a difference
  2  wrong usage or unusable input`;

/** Examples, each a command with what it does, and the exit codes. */
export function epilogue(examples: readonly (readonly [command: string, what: string])[]): string {
  const lines = examples.flatMap(([command, what]) => [`  # ${what}`, `  ${command}`]);
  return `Examples:\n${lines.join('\n')}\n\n${EXIT_CODES}`;
}
