import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import type { PodmanPlace } from '../plan/next-command';
import type { Source } from '../storage/source';
import { USUAL_DIRECTORY } from '../storage/usual-directory';

/** What podman writes beside the image directory when it exports a checkpoint. */
const BESIDE = ['config.dump', 'spec.dump'];
/** Where podman keeps the image directory of a container that it checkpointed without an export. */
const STORED = /-containers\/([0-9a-f]{64})\/userdata\/checkpoint$/;

/** Where podman restores the checkpoint from; undefined for a checkpoint that is not podman's. */
export function podmanPlace({ archive, directory }: Source): PodmanPlace | undefined {
  if (archive !== undefined) {
    const isExport =
      archive.inside.toString('latin1') === USUAL_DIRECTORY && BESIDE.every((name) => archive.hasFile(name));
    return isExport ? { kind: 'export' } : undefined;
  }
  // A name that is no text cannot stand in a command.
  if (directory === undefined || !Buffer.from(directory.toString()).equals(directory)) return undefined;
  const images = directory.toString();
  const around = path.dirname(images);
  if (path.basename(images) === USUAL_DIRECTORY && BESIDE.every((name) => fs.existsSync(path.join(around, name)))) {
    return { kind: 'unpacked', images: escapeBytes(directory), around: escapeBytes(Buffer.from(around)) };
  }
  const container = STORED.exec(images)?.[1];
  return container === undefined ? undefined : { kind: 'stored', images: escapeBytes(directory), container };
}
