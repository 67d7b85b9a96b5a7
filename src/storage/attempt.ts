/** The result of a call; its failure becomes the error that `explain` makes of it. */
export function attempt<T>(call: () => T, explain: (error: unknown) => Error): T {
  try {
    return call();
  } catch (error) {
    throw explain(error);
  }
}
