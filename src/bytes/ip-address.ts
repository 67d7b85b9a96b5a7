import { builtins } from './builtins';

/** An address of 4 or 16 bytes as text: the shortest form, of IPv6 with the longest row of zeros as `::`. */
export function showAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_group, i) => bytes.readUInt16BE(2 * i));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const { start, length } = longestZeros(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > longest.length) longest = { start, length: i + 1 - start };
  });
  return longest;
}

/** The 4 or 16 bytes of an address in any of its forms; undefined where the text is none. */
export function parseAddress(text: string): Buffer | undefined {
  if (builtins.net.isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!builtins.net.isIPv6(text) || text.includes('%')) return undefined;
  const withHex = text.replace(/[\d.]+$/, (last) => (last.includes('.') ? hexGroups(last) : last));
  const [before = '', after] = withHex.split('::');
  const parts = (side: string) => (side === '' ? [] : side.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [parts(before), parts(after ?? '')];
  const zeros = after === undefined ? 0 : 8 - left.length - right.length;
  const bytes = Buffer.alloc(16);
  const groups = [...left, ...new Array<number>(zeros).fill(0), ...right];
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * i);
  return bytes;
}

/** The last four bytes of an IPv6 address that ends in the way of IPv4, as two groups. */
function hexGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
