/** A graph whose edges have labels, told from each of their two ends. */
export interface Labelled {
  /** A text for each node: all that tells it from others but for its edges. */
  readonly nodes: readonly string[];
  /** The neighbours of each node: their place in `nodes`, and the label of the edge as this node sees it. */
  readonly edges: readonly (readonly { readonly to: number; readonly label: string }[])[];
}

/** Rounds until nothing changes are few, unless a graph was made for it. */
const MAX_ROUNDS = 100;

/**
 * Divides nodes into classes: nodes of one class have the same text, and the same edges to nodes of the same classes.
 * The texts are the first classes, and each round splits those whose nodes have other edges. A graph that needs too many
 * rounds keeps each node apart.
 */
export function classesOf({ nodes, edges }: Labelled): number[] {
  let [classes, count] = numbered(nodes);
  for (let round = 0; round < MAX_ROUNDS && count < nodes.length; round += 1) {
    const known = classes;
    const [next, nextCount] = numbered(
      known.map((own, i) =>
        [own, ...(edges[i] ?? []).map(({ to, label }) => `${label} ${known[to]}`).sort()].join('\n'),
      ),
    );
    if (nextCount === count) return known;
    [classes, count] = [next, nextCount];
  }
  return count === nodes.length ? classes : nodes.map((_node, i) => i);
}

/** Numbers for texts, equal ones for equal texts, in the order of their first place. */
function numbered(texts: readonly string[]): [numbers: number[], count: number] {
  const known = new Map<string, number>();
  const numbers = texts.map((text) => {
    const number = known.get(text) ?? known.size;
    known.set(text, number);
    return number;
  });
  return [numbers, known.size];
}
