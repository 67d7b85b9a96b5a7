import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import type { PodmanPlace } from '../plan/next-command';
import type { Source } from '../storage/source';
import { USUAL_FOLDER } from '../storage/usual-folder';

/** What podman writes beside the image directory when it exports a checkpoint. */
const BESIDE = ['config.dump', 'spec.dump'];
/** Where podman keeps the image directory of a container that it checkpointed without an export. */
const STORED = /-containers\/([0-9a-f]{64})\/userdata\/checkpoint$/;

/** Where podman restores the checkpoint from; undefined for a checkpoint that is not podman's. */
export function podmanPlace({ archive, folder }: Source): PodmanPlace | undefined {
  if (archive !== undefined) {
    const isExport =
      archive.inside.toString('latin1') === USUAL_FOLDER && BESIDE.every((name) => archive.hasFile(name));
    return isExport ? { kind: 'export' } : undefined;
  }
  // A name that is no text cannot stand in a command.
  if (folder === undefined || !Buffer.from(folder.toString()).equals(folder)) return undefined;
  const images = folder.toString();
  const around = path.dirname(images);
  if (path.basename(images) === USUAL_FOLDER && BESIDE.every((name) => fs.existsSync(path.join(around, name)))) {
    return { kind: 'unpacked', images: escapeBytes(folder), around: escapeBytes(Buffer.from(around)) };
  }
  const container = STORED.exec(images)?.[1];
  return container === undefined ? undefined : { kind: 'stored', images: escapeBytes(folder), container };
}
