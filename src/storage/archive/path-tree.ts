/** As many links as Linux follows on the way to one file. */
const MAX_LINKS = 40;

/** A place in an archive: a member, or a directory that is there because something lies below it. */
export interface Place<T> {
  readonly above: Place<T> | undefined;
  /** The last part of its path, one character a byte. */
  readonly name: string;
  member: T | undefined;
  below: Map<string, Place<T>> | undefined;
  /** Of a symbolic link, once it was followed. */
  end: LinkEnd<T> | undefined;
}

/** Where a symbolic link leads, and how many links that takes; `place` is undefined if it leads nowhere. */
interface LinkEnd<T> {
  readonly place: Place<T> | undefined;
  readonly links: number;
}

/** What the tree has to know of a member. */
interface Linked {
  readonly kind: string;
  readonly target: string;
}

/** A link that is being followed: how far its target was read, and where that led to. */
interface Walk<T> {
  readonly link: Place<T>;
  readonly target: string;
  next: number;
  at: Place<T>;
  links: number;
}

/**
 * The paths of an archive as a tree. A look-up costs the bytes of its path, and each link is followed once: an archive
 * can have paths and targets of 4 KB in a few compressed bytes each.
 */
export class PathTree<T extends Linked> {
  readonly root: Place<T> = newPlace(undefined, '');
  /** Parts of paths and targets looked at so far. Tests compare it with the bytes of the archive. */
  steps = 0;
  private readonly following = new Set<Place<T>>();

  /** The place of a path without dots; undefined if there is none. */
  get(path: string): Place<T> | undefined {
    let place: Place<T> | undefined = this.root;
    for (let at = 0; at < path.length && place !== undefined; ) {
      const end = endOfPart(path, at);
      place = this.child(place, path.slice(at, end));
      at = end + 1;
    }
    return place;
  }

  child(place: Place<T>, name: string): Place<T> | undefined {
    this.steps += 1;
    return place.below?.get(name);
  }

  /** Adds a place to one that has none of this name. */
  add(above: Place<T>, name: string): Place<T> {
    const place = newPlace(above, name);
    above.below ??= new Map();
    above.below.set(name, place);
    return place;
  }

  /** Where a place leads, through links in targets too; undefined if that is nowhere or out of the archive. */
  follow(place: Place<T>): Place<T> | undefined {
    return isLink(place) ? this.endOf(place).place : place;
  }

  /** Without recursion: a chain of links may be as long as the archive. */
  private endOf(first: Place<T>): LinkEnd<T> {
    const walks = [this.begin(first)];
    for (;;) {
      const walk = walks.at(-1) as Walk<T>;
      const waitsFor = this.walkOn(walk);
      if (waitsFor !== undefined) {
        walks.push(this.begin(waitsFor));
        continue;
      }
      walks.pop();
      this.following.delete(walk.link);
      if (walks.length === 0) return walk.link.end as LinkEnd<T>;
    }
  }

  private begin(link: Place<T>): Walk<T> {
    this.following.add(link);
    const { target } = link.member as T;
    return { link, target, next: 0, at: link.above ?? this.root, links: 1 };
  }

  /** Follows a target up to its end, or up to a link that has to be followed first, which it returns. */
  private walkOn(walk: Walk<T>): Place<T> | undefined {
    const { link, target } = walk;
    const settle = (place: Place<T> | undefined): undefined => {
      const isFound = place !== undefined && walk.links <= MAX_LINKS;
      link.end = { place: isFound ? place : undefined, links: walk.links };
    };
    if (link.end !== undefined) return undefined;
    if (target === '' || target.startsWith('/')) return settle(undefined);
    while (walk.next <= target.length) {
      const end = endOfPart(target, walk.next);
      const part = target.slice(walk.next, end);
      this.steps += 1;
      // Nothing lies below a file, not even the dot.
      if (!isDirectory(walk.at)) return settle(undefined);
      const reached = part === '' || part === '.' ? walk.at : part === '..' ? walk.at.above : walk.at.below?.get(part);
      if (reached === undefined) return settle(undefined);
      if (!isLink(reached)) walk.at = reached;
      // Each of them needs the other one.
      else if (this.following.has(reached)) return settle(undefined);
      else if (reached.end === undefined) return reached;
      else {
        walk.links += reached.end.links;
        if (reached.end.place === undefined) return settle(undefined);
        walk.at = reached.end.place;
      }
      walk.next = end + 1;
    }
    return settle(walk.at);
  }

  /** Directories without a member, with their paths. */
  *directoriesWithout(): Generator<string, void, undefined> {
    const todo = [{ place: this.root, path: '' }];
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      const { place, path } = one;
      if (place.member === undefined && place !== this.root) yield path;
      for (const below of place.below?.values() ?? []) {
        todo.push({ place: below, path: path === '' ? below.name : `${path}/${below.name}` });
      }
    }
  }
}

/** True for a place that others can lie below. */
export function isDirectory<T extends Linked>({ above, member }: Place<T>): boolean {
  return above === undefined || member === undefined || member.kind === 'directory';
}

function isLink<T extends Linked>({ member }: Place<T>): boolean {
  return member?.kind === 'link';
}

/** Where the part of a path ends that begins at a place. */
export function endOfPart(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash === -1 ? path.length : slash;
}

function newPlace<T>(above: Place<T> | undefined, name: string): Place<T> {
  return { above, name, member: undefined, below: undefined, end: undefined };
}
