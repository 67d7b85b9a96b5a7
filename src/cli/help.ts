export const EXIT_CODES = `Exit codes:
  0  done and nothing to report
  1  done and the answer is no: a spec that matches nothing, a difference
  2  wrong usage or unusable input`;

export const EXIT_CODES_OF_BATCH = `Exit codes:
  0  all of it done, by this run or an earlier one, and nothing to report
  1  all of it done, and the answer of at least one is no: a spec that matches nothing, a difference
  2  wrong usage, or at least one could not be done`;

/** Examples, each a command with what it does, and the exit codes. */
export function epilogue(
  examples: readonly (readonly [command: string, what: string])[],
  exitCodes: string = EXIT_CODES,
): string {
  const lines = examples.flatMap(([command, what]) => [`  # ${what}`, `  ${command}`]);
  return `Examples:\n${lines.join('\n')}\n\n${exitCodes}`;
}
