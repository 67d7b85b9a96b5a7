import { shortenLines } from './shorten';

/** Stable codes that a caller of the library can rely on. */
export type ErrorCode =
  | 'USAGE'
  | 'SPEC_SYNTAX'
  | 'SPEC_UNSUPPORTED'
  | 'SPEC_UNMATCHED'
  | 'SPEC_FILE'
  | 'SOURCE_UNUSABLE'
  | 'ARCHIVE_DAMAGED'
  | 'ARCHIVE_UNUSABLE'
  | 'IMAGE_TRUNCATED'
  | 'IMAGE_MALFORMED'
  | 'IMAGE_MAGIC'
  | 'IMAGE_MISSING'
  | 'JSON_MALFORMED'
  | 'IMAGES_DISAGREE'
  | 'LAYOUT_UNSUPPORTED'
  | 'DESCRIPTOR_TIED'
  | 'BYTES_IN_FLIGHT'
  | 'PLAN_LIMIT'
  | 'OUT_UNUSABLE'
  | 'OUT_NOT_FLUSHED'
  | 'LINK_UNSUPPORTED'
  | 'SYSTEM';

/** Where in the input something is wrong. */
export interface Place {
  /** Image, or path of the source. */
  file?: string | undefined;
  /** Record in the image, counted from 0. */
  entry?: number | undefined;
  /** Byte in the file, counted from 0. */
  offset?: number | undefined;
  /** Message and field, such as pipe_entry.pipe_id. */
  field?: string | undefined;
}

/** The parts of an FdgraftError. */
export interface ErrorDetails extends Place {
  code: ErrorCode;
  /** What is wrong, in a clause. */
  problem: string;
  /** What is allowed, and the way out. */
  hint?: string | undefined;
  /** 1: the answer is no; 2: wrong usage or unusable input. */
  exitCode?: 1 | 2;
  cause?: unknown;
}

/** Every failure that fdgraft foresees. `message` says what and where; `hint` says the way out. */
export class FdgraftError extends Error implements Place {
  override readonly name = 'FdgraftError';
  readonly code: ErrorCode;
  readonly exitCode: 1 | 2;
  readonly file: string | undefined;
  readonly entry: number | undefined;
  readonly offset: number | undefined;
  readonly field: string | undefined;
  readonly hint: string | undefined;

  constructor(details: ErrorDetails) {
    const place = describePlace(details);
    super(shortenLines(place === '' ? details.problem : `${place}: ${details.problem}`), { cause: details.cause });
    this.code = details.code;
    this.exitCode = details.exitCode ?? 2;
    this.file = details.file;
    this.entry = details.entry;
    this.offset = details.offset;
    this.field = details.field;
    this.hint = details.hint === undefined ? undefined : shortenLines(details.hint);
  }
}

function describePlace(place: Place): string {
  const parts: string[] = [];
  if (place.file !== undefined) parts.push(place.file);
  if (place.entry !== undefined) parts.push(`entry ${place.entry}`);
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`);
  if (place.field !== undefined) parts.push(`field ${place.field}`);
  return parts.join(', ');
}
