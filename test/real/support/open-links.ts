import fs from 'node:fs';

/** The links of the descriptors of a process. One that ended, and a descriptor that was closed meanwhile, have none. */
export function openLinks(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  const unlessGone = <T>(look: () => T): T[] => {
    try {
      return [look()];
    } catch {
      return [];
    }
  };
  return unlessGone(() => fs.readdirSync(directory))
    .flat()
    .flatMap((fd) => unlessGone(() => fs.readlinkSync(`${directory}/${fd}`)));
}
