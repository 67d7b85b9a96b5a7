import type { Target } from '../target';
import { archivesTarget } from './archives';
import { decodeTarget } from './decode';
import { diffCheckpointsTarget } from './diff-checkpoints';
import { diffImagesTarget } from './diff-images';
import { dryRunTarget } from './dry-run';
import { encodeTarget } from './encode';
import { framesTarget } from './frames';
import { globTarget } from './glob';
import { listingTarget } from './listing';
import { plansTarget } from './plans';
import { rewriteTarget } from './rewrite';
import { sequenceTarget } from './sequence';
import { specFilesTarget } from './spec-files';
import { specsTarget } from './specs';
import { wireTarget } from './wire';

/** All targets, as they are made: some have a directory as long as they are in use. */
export const TARGETS: readonly (() => Target)[] = [
  ...[wireTarget, framesTarget, decodeTarget, encodeTarget, specsTarget, globTarget, specFilesTarget, plansTarget],
  ...[
    diffImagesTarget,
    diffCheckpointsTarget,
    listingTarget,
    dryRunTarget,
    rewriteTarget,
    archivesTarget,
    sequenceTarget,
  ],
];
