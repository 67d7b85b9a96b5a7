/** Begins elsewhere in each process, so that nobody can choose numbers that meet in one slot of a table. */
const SEED = Math.floor(Math.random() * 2 ** 32);

/** A number below 2^32 for each of 32 bits, spread evenly: for the slots of hash tables. */
export function scatter(key: number): number {
  let bits = key ^ SEED;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
