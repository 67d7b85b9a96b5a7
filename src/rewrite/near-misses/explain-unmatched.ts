import type { InheritSpec } from '../../specs/spec';
import type { Source } from '../../storage/source';
import { hintAsWritten } from './as-written';
import { hintExternalFiles } from './external-files';
import { hintExternalNamespaces } from './external-namespaces';
import { hintGlobs } from './globs';
import { alreadyKnown, type Hinter, type Known, MAX_HINTS, type MakeHinter } from './hinter';
import { hintMemfds } from './memfds';
import { hintNotOpen } from './not-open';
import { hintNumbers } from './numbers';
import { hintPaths } from './paths';
import { hintPipes } from './pipes';
import { showEntries } from './show-entries';
import { hintSockets } from './sockets';
import { hintTerminals } from './terminals';

/** This many specs are explained; each is compared with every entry. */
const MAX_EXPLAINED = 10;

/** In the order of their hints. */
const HINTERS: readonly MakeHinter[] = [
  (_spec, { resolved }, number) => alreadyKnown([resolved.explain(number)]),
  hintAsWritten,
  hintExternalNamespaces,
  hintNumbers,
  hintPipes,
  hintExternalFiles,
  hintTerminals,
  hintNotOpen,
  hintPaths,
  hintGlobs,
  hintMemfds,
  hintSockets,
];

export interface Unmatched {
  readonly text: string;
  /** Keys that may have been meant, a sentence each. */
  readonly near: readonly string[];
}

/** Reads the images once more and tells of each spec (by number) that matched nothing what comes close to it. */
export async function explainUnmatched(
  source: Source,
  known: Known,
  unmatched: readonly number[],
  signal?: AbortSignal,
): Promise<Unmatched[]> {
  const specOf = (number: number) => known.specs[number] as InheritSpec;
  const hinters = new Map(
    unmatched
      .slice(0, MAX_EXPLAINED)
      .map((number) => [number, HINTERS.flatMap((make) => make(specOf(number), known, number) ?? [])] as const),
  );
  await showEntries(source, known.found.memfds, [...hinters.values()].flat(), signal);
  return unmatched.map((number) => ({ text: specOf(number).text, near: hintsOf(hinters.get(number) ?? []) }));
}

function hintsOf(hinters: readonly Hinter[]): string[] {
  const all = hinters.flatMap((hinter) => hinter.hints());
  // A hint with a reason stands for the same one without.
  const hints = all.filter((hint, i) => !all.slice(0, i).some((before) => before.startsWith(hint))).slice(0, MAX_HINTS);
  return hints.length > 0 ? hints : hinters.flatMap((hinter) => hinter.otherwise?.() ?? []);
}
