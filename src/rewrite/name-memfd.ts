import type { Memfds } from '../checkpoint/memfds';

const PREFIX = 'fdgraft.';

/**
 * Makes names that no memfd has: CRIU looks each name up among the keys of inherited files. It compares 31 bytes of a
 * key (criu/files.c, before 4.0). A name has at most 24: an inode is a number of 32 bits, and so are those that make a
 * name another one.
 */
export function memfdNamer(memfds: Memfds): (inode: number) => string {
  const taken = new Set<string>();
  for (const written of memfds.names()) {
    // CRIU reads a name up to a byte of zero.
    const [name = ''] = written.split('\0', 1);
    if (name.startsWith(PREFIX)) taken.add(name);
  }
  return (inode) => {
    const first = `${PREFIX}${inode.toString(36)}`;
    let name = first;
    for (let next = 0; taken.has(name); next += 1) name = `${first}.${next.toString(36)}`;
    return name;
  };
}
