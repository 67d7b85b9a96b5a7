/** Files that tell a container image, each list by itself: of OCI, and of an older `docker save`. */
const TELLING_FILES = [['oci-layout'], ['manifest.json', 'repositories']] as const;

/** True for the top of a container image, as a directory or an archive. `has`: whether a file of that name is there. */
export function isContainerImage(has: (name: string) => boolean): boolean {
  return TELLING_FILES.some((names) => names.every(has));
}
