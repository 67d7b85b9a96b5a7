/**
 * The order in which sources that were opened with the same `first` give members: negative where `a` comes before `b`.
 * Names have one character a byte.
 */
export function compareMemberNames(a: string, b: string, first: readonly string[]): number {
  const rank = (name: string) => {
    const place = first.indexOf(name);
    return place === -1 ? first.length : place;
  };
  return rank(a) - rank(b) || comparePaths(a, b);
}

const SLASH = 0x2f;

/** A directory comes before what is in it, and all that is in it before what has a longer name. */
function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return keyOf(x) - keyOf(y);
  }
  return a.length - b.length;
}

/** No name has a zero byte. */
function keyOf(byte: number): number {
  return byte === SLASH ? 0 : byte;
}
