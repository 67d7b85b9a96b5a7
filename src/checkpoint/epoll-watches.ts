import { Numbers } from '../bytes/numbers';
import type { EpollWatch } from './descriptor-names';

/**
 * Watches of epolls by the descriptors that they are of: each watches its numbers in every table that has the epoll. A
 * checkpoint can have many of both, so watches and tables are only put together for one descriptor at a time.
 */
export class EpollWatches {
  /** By the number that they name and the epoll: inodes of what is watched. */
  private readonly byFd = new Map<number, Map<number, Set<bigint | undefined>>>();
  /** File ids of the epolls that a table has. */
  private readonly epolls = new Map<number, Numbers>();
  private readonly sorted = new Map<number, Uint32Array>();
  /** How many watches and epolls were looked at: what look-ups cost. */
  looks = 0;

  get isEmpty(): boolean {
    return this.byFd.size === 0;
  }

  /** Adds a watch; false where it was there. */
  add({ epoll, fd, inode }: EpollWatch): boolean {
    let ofFd = this.byFd.get(fd);
    if (ofFd === undefined) {
      ofFd = new Map();
      this.byFd.set(fd, ofFd);
    }
    const inodes = ofFd.get(epoll);
    if (inodes === undefined) ofFd.set(epoll, new Set([inode]));
    else if (inodes.has(inode)) return false;
    else inodes.add(inode);
    return true;
  }

  /** A table has a descriptor of an epoll. */
  addEpoll(table: number, epoll: number): void {
    let epolls = this.epolls.get(table);
    if (epolls === undefined) {
      epolls = new Numbers();
      this.epolls.set(table, epolls);
    }
    epolls.push(epoll);
  }

  /** The watches of a descriptor, ascending by epoll. To be asked when all are added. */
  *of(table: number, fd: number): Generator<EpollWatch, void, undefined> {
    const ofFd = this.byFd.get(fd);
    const epolls = ofFd && this.epollsOf(table);
    if (ofFd === undefined || epolls === undefined) return;
    this.looks += Math.min(ofFd.size, epolls.length);
    const both =
      epolls.length <= ofFd.size
        ? Array.from(epolls).filter((epoll) => ofFd.has(epoll))
        : [...ofFd.keys()].filter((epoll) => isAmong(epolls, epoll)).sort((a, b) => a - b);
    for (const epoll of both) {
      for (const inode of ofFd.get(epoll) ?? []) yield { epoll, fd, ...(inode === undefined ? {} : { inode }) };
    }
  }

  /** Each once, ascending. */
  private epollsOf(table: number): Uint32Array | undefined {
    const known = this.sorted.get(table);
    if (known !== undefined) return known;
    const epolls = this.epolls.get(table);
    if (epolls === undefined) return undefined;
    const sorted = epolls
      .slice()
      .sort()
      .filter((epoll, i, all) => epoll !== all[i - 1]);
    this.sorted.set(table, sorted);
    return sorted;
  }
}

function isAmong(sorted: Uint32Array, wanted: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === wanted;
}
