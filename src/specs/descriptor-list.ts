import { MAX_INODE, type SpecOptions } from './spec';

/** A file that container runtimes write into the image directory: the targets of the container's fds 0, 1 and 2. */
export const DESCRIPTOR_LIST = 'descriptors.json';

/** A list of strings as JSON has it, at the start of a text: crun once wrote stray bytes after it. */
const LIST = /^\s*\[\s*(?:"(?:[^"\\]|\\.)*"\s*(?:,\s*"(?:[^"\\]|\\.)*"\s*)*)?\]/s;
const PIPE = /^pipe:\[(0|[1-9]\d{0,9})\]$/;

/**
 * The specs that a runtime makes of its list: each pipe is inherited from the fd that is its index, and what is
 * no pipe from nothing. Undefined where the text is no such list.
 */
export function specsOfList(text: string): SpecOptions[] | undefined {
  let names: string[];
  try {
    names = JSON.parse(LIST.exec(text)?.[0] ?? 'no list');
  } catch {
    return undefined;
  }
  const isPipe = (name: string) => Number(PIPE.exec(name)?.[1] ?? Number.POSITIVE_INFINITY) <= MAX_INODE;
  return names.flatMap((name, fd) => (isPipe(name) ? [{ inherit: `fd[${fd}]:${name}` }] : []));
}
