import { BLOCK_BYTES, FIELDS, fieldOf, numberOf, paddingOf } from './blocks';

/** The headers of one member as they stand in the archive: extended ones, and the one that they extend. */
export interface HeaderBlocks {
  readonly extended: readonly ExtendedHeader[];
  /** The header itself. */
  readonly main: Buffer;
  /** Blocks of a sparse map behind it, in GNU tar's old format. */
  readonly behind: Buffer;
}

export interface ExtendedHeader {
  /** x: pax; g: pax, for all members from here on; L and K: GNU tar's long name and target. */
  readonly type: 'x' | 'g' | 'L' | 'K';
  readonly header: Buffer;
  /** Without what fills it up to blocks. */
  readonly body: Buffer;
}

export function isExtending(type: string): type is ExtendedHeader['type'] {
  return type === 'x' || type === 'g' || type === 'L' || type === 'K';
}

/** Takes the blocks before a member's content to chunks, which were read as headers before; undefined where they are none. */
export function splitHeaders(raw: Buffer): HeaderBlocks | undefined {
  const extended: ExtendedHeader[] = [];
  for (let at = 0; at + BLOCK_BYTES <= raw.length; ) {
    const header = raw.subarray(at, at + BLOCK_BYTES);
    const type = typeOf(header);
    at += BLOCK_BYTES;
    if (!isExtending(type)) return { extended, main: header, behind: raw.subarray(at) };
    const size = numberOf(fieldOf(header, 'size'));
    if (!(size <= raw.length - at)) return undefined;
    extended.push({ type, header, body: raw.subarray(at, at + size) });
    at += size + paddingOf(size);
  }
  return undefined;
}

export function typeOf(header: Buffer): string {
  return String.fromCharCode(header[FIELDS.type[0]] as number);
}
