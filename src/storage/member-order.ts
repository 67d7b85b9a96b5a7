/** The order in which sources that were opened with the same `first` give members: negative where `a` comes before `b`. */
export function compareMemberNames(a: Buffer, b: Buffer, first: readonly string[]): number {
  const rank = (name: Buffer) => {
    const place = first.indexOf(name.toString('latin1'));
    return place === -1 ? first.length : place;
  };
  return rank(a) - rank(b) || compareText(sortKey(a.toString('latin1')), sortKey(b.toString('latin1')));
}

/** A folder comes before what is in it, and all that is in it before what has a longer name. */
function sortKey(name: string): string {
  return name.replaceAll('/', '\0');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
