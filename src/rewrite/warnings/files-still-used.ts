import { fileKind } from '../../checkpoint/entry-facts';
import { someOf } from '../../errors/some-of';
import type { Placeholder } from '../decision';
import type { FileUse } from '../find-same-files';
import type { Survey } from '../survey';
import type { Warning } from '../warning';
import type { Decided, Specs } from './decided';

/** A descriptor goes to the caller's file, and what else is open on the old one stays there. One warning a file and spec. */
export function filesStillUsed({ placeholders, found, specs }: Decided): Warning[] {
  const takers = new Map<number, Placeholder>();
  for (const placeholder of placeholders)
    takers.set(placeholder.match.id, takers.get(placeholder.match.id) ?? placeholder);
  // The content of a removed file is in the images, or under another name.
  const gone = new Set(found.remaps.map(({ origId }) => origId));
  return [...found.sameFiles.values()].flatMap((uses) => {
    const bySpec = new Map<number, Placeholder>();
    for (const { id } of uses) {
      const taker = takers.get(id);
      if (taker !== undefined && !bySpec.has(taker.spec)) bySpec.set(taker.spec, taker);
    }
    const otherReferences = uses.flatMap((use) => use.otherReferences.map((holder) => `${holder} (file id ${use.id})`));
    const opens = uses.flatMap((use) => (takers.has(use.id) ? [] : opensOf(use, found)));
    return [...bySpec.values()].flatMap((taker) => [
      ...warnOfOtherReferences(taker, otherReferences, gone.has(taker.match.id), specs),
      ...warnOfOpens(taker, opens, specs),
    ]);
  });
}

function opensOf({ id, descriptors }: FileUse, { tasks }: Survey): string[] {
  return descriptors.map(({ table, fd }) => `${tasks.pidsOf(table)[0] ?? `table ${table}`}/${fd} (file id ${id})`);
}

function warnOfOtherReferences(
  { match, fileId, spec }: Placeholder,
  otherReferences: readonly string[],
  isGone: boolean,
  specs: Specs,
): Warning[] {
  if (otherReferences.length === 0) return [];
  const { key } = match.facts;
  const needsFile = isGone ? '' : `. The restore fails if ${key} does not exist`;
  const message = `${specs[spec]?.text} matches descriptors of ${key}, which also serves as ${someOf(otherReferences)}. After the restore, these descriptors use the caller's file and everything else uses the old file${needsFile}`;
  return [{ code: 'FILE_STILL_USED', message, fileId }];
}

/** No warning for specs that name single descriptors, nor for devices and directories, which many have open. */
function warnOfOpens({ match, fileId, spec }: Placeholder, opens: readonly string[], specs: Specs): Warning[] {
  const kind = fileKind(match.facts);
  if (opens.length === 0 || specs[spec]?.only || (kind !== 'regular' && kind !== undefined)) return [];
  const message = `${specs[spec]?.text} takes one open of ${match.facts.key} (file id ${match.id}), and others stay on the old file: ${someOf(opens)}`;
  return [{ code: 'OTHER_OPEN_STAYS', message, fileId }];
}
