import type { FileNames } from './file-names';
import type { FileReference, NamedFile } from './named-file';

/** A row that needs the names of entries. */
export interface Unnamed<Row> {
  readonly files: readonly FileReference[];
  /** `names`: of the files, in their order. */
  readonly complete: (names: readonly NamedFile[]) => Row;
}

/** A row that needs none. */
export const complete = <Row>(row: Row): Unnamed<Row> => ({ files: [], complete: () => row });

/** A pass over the entries is worth so many rows and references; more of them are not held at once. */
const AT_ONCE = 1 << 17;

/** The rows with their names: memory is bounded whatever there is, at the cost of a pass for each AT_ONCE of them. */
export async function* withNames<Row>(
  rows: AsyncIterable<Unnamed<Row>>,
  names: FileNames,
  atOnce = AT_ONCE,
): AsyncGenerator<Row, void, undefined> {
  let held: Unnamed<Row>[] = [];
  let weight = 0;
  for await (const row of rows) {
    held.push(row);
    weight += 1 + row.files.length;
    if (weight < atOnce) continue;
    yield* nameAll(held, names);
    held = [];
    weight = 0;
  }
  yield* nameAll(held, names);
}

async function* nameAll<Row>(rows: readonly Unnamed<Row>[], names: FileNames): AsyncGenerator<Row, void, undefined> {
  await names.lookUp(referencesOf(rows));
  for (const { files, complete } of rows) yield complete(files.map((file) => names.of(file)));
}

function* referencesOf(rows: readonly Unnamed<unknown>[]): Generator<FileReference> {
  for (const { files } of rows) yield* files;
}
