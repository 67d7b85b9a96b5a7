import { DescriptorView } from '../checkpoint/descriptor-record';
import { FileNames } from '../checkpoint/explore/file-names';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import type { FileReference, NamedFile } from '../checkpoint/explore/named-file';
import type { Tasks } from '../checkpoint/tasks';
import type { Source } from '../storage/source';

/** stdin, stdout and stderr. */
const HIGHEST = 2;

/** What the first task has at one of its standard descriptors. */
export interface StandardDescriptor {
  readonly pid: number;
  readonly fd: number;
  readonly file: NamedFile;
}

/** Reads what the first task of the tree has as stdin, stdout and stderr. Throws FdgraftError. */
export async function standardDescriptors(
  source: Source,
  tasks: Tasks,
  signal?: AbortSignal,
): Promise<StandardDescriptor[]> {
  const pid = tasks.root;
  const table = pid === undefined ? undefined : tasks.tableOf(pid);
  if (pid === undefined || table === undefined) return [];
  const images = new ImagesByName(source, signal);
  try {
    const image = `fdinfo-${table}.img`;
    if (!(await images.has(image))) return [];
    const references = new Map<number, FileReference>();
    const view = new DescriptorView();
    for await (const batch of images.batches(image)) {
      batch.each((bytes, start, end) => {
        if (view.read(bytes, start, end).fd > HIGHEST || view.fd === -1) return;
        const { id, type, fd } = view.checkComplete();
        references.set(fd, { id, type });
      });
    }
    const names = new FileNames(images, () => {});
    await names.lookUp(references.values());
    return [...references].sort(([a], [b]) => a - b).map(([fd, reference]) => ({ pid, fd, file: names.of(reference) }));
  } finally {
    await images.close();
  }
}
