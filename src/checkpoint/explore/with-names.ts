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

/**
 * For so many rows and references a pass over the entries is made: for few at first, since what comes later often
 * needs no other names, and for more each time. No more than that are held at once.
 */
const [FIRST_PASS, GROWTH, LAST_PASS] = [1 << 12, 4, 1 << 16];

/** The rows with their names: memory is bounded whatever there is, and there are passes instead. */
export async function* withNames<Row>(
  rows: AsyncIterable<Unnamed<Row>>,
  names: FileNames,
  firstPass = FIRST_PASS,
): AsyncGenerator<Row, void, undefined> {
  let held: Unnamed<Row>[] = [];
  let weight = 0;
  let enough = firstPass;
  for await (const row of rows) {
    // Most rows of a pagemap lie in mappings that were named before.
    if (held.length === 0 && row.files.every((file) => names.has(file))) {
      yield nameOne(row, names);
      continue;
    }
    held.push(row);
    weight += 1 + row.files.length;
    if (weight < enough) continue;
    yield* nameAll(held, names);
    held = [];
    weight = 0;
    enough = Math.min(LAST_PASS, GROWTH * enough);
  }
  yield* nameAll(held, names);
}

async function* nameAll<Row>(rows: readonly Unnamed<Row>[], names: FileNames): AsyncGenerator<Row, void, undefined> {
  await names.lookUp(referencesOf(rows));
  for (const row of rows) yield nameOne(row, names);
}

function nameOne<Row>({ files, complete }: Unnamed<Row>, names: FileNames): Row {
  return complete(files.map((file) => names.of(file)));
}

function* referencesOf(rows: readonly Unnamed<unknown>[]): Generator<FileReference> {
  for (const { files } of rows) yield* files;
}
