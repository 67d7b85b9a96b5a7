import type { Placeholder } from './decision';
import type { Warning } from './warning';
import type { Decided } from './warnings/decided';
import { filesStillUsed } from './warnings/files-still-used';
import { lostLocks } from './warnings/locks';
import { lostState, openFileWarnings } from './warnings/open-file';
import { ownMountNamespace, ownNetworkNamespace } from './warnings/own-namespaces';
import { bothEnds, droppedBytes, otherEnds, readersWithoutBytes } from './warnings/pipes';
import { lostRemaps } from './warnings/removed-files';
import { severalFiles } from './warnings/several-files';
import { shadowedSpecs } from './warnings/shadowed-specs';
import { removedPath, socketWarnings, unboundName } from './warnings/sockets';
import { terminalWarnings } from './warnings/terminals';
import { watchesThatStay } from './warnings/watches';

/** All that a rewrite loses, or that may surprise. */
export function gatherWarnings(decided: Decided): Warning[] {
  return [
    ...decided.found.missing,
    ...ownMountNamespace(decided),
    ...ownNetworkNamespace(decided),
    ...shadowedSpecs(decided),
    ...severalFiles(decided),
    ...bothEnds(decided),
    ...otherEnds(decided),
    ...readersWithoutBytes(decided),
    ...filesStillUsed(decided),
    ...lostRemaps(decided),
    ...watchesThatStay(decided),
    ...lostLocks(decided),
    ...terminalWarnings(decided),
    ...decided.placeholders.flatMap((placeholder) => entryWarnings(placeholder, decided)),
  ];
}

function entryWarnings(placeholder: Placeholder, decided: Decided): Warning[] {
  return [
    ...openFileWarnings(placeholder, decided),
    ...socketWarnings(placeholder, decided.found),
    ...unboundName(placeholder, decided.found),
    ...removedPath(placeholder, decided.found),
    ...lostState(placeholder),
    ...droppedBytes(placeholder, decided),
  ];
}
