import { fileKind } from '../checkpoint/entry-facts';
import { accessOf, appends } from '../checkpoint/open-flags';
import type { Place } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { OFFSET_MAX } from '../schema/plan-limits';
import type { InheritSpec } from '../specs/spec';
import type { Match } from './match';
import type { Survey } from './survey';

/** The size that a caller's file is cut to. */
export interface Cut {
  readonly size: bigint;
  /** The dump recorded no size, and this is how far an open file had appended. */
  readonly isOffset: boolean;
}

/** What the dump recorded of one file, whichever of its entries has it. */
interface RecordedFile {
  /** Undefined where no entry has one. */
  size: bigint | undefined;
  sizesDiffer: boolean;
  /** How far its entries had appended. */
  appended: bigint;
}

/**
 * Says to which size each file of the caller's is cut. CRIU records no size of a file that is open for appending
 * alone, since it grows (criu/files-reg.c): then another entry of the same file may have it.
 */
export class Cuts {
  private readonly files = new Map<string, RecordedFile>();
  /** Entries without a path of their own: two of one path can be two files. */
  private readonly pathless: ReadonlySet<number>;

  constructor({ matches, remaps }: Survey) {
    this.pathless = new Set(remaps.map(({ origId }) => origId));
    for (const match of matches) {
      const { size, offset = 0n, flags } = match.facts;
      const name = this.nameOf(match);
      const file = this.files.get(name) ?? { size: undefined, sizesDiffer: false, appended: 0n };
      if (size !== undefined) {
        if (file.size !== undefined && file.size !== size) file.sizesDiffer = true;
        file.size = size;
      }
      if (onlyAppends(flags) && offset > file.appended) file.appended = offset;
      this.files.set(name, file);
    }
  }

  /** Throws FdgraftError (SPEC_UNSUPPORTED, IMAGE_MALFORMED) where a spec asks for a cut and the size is not known. */
  of(match: Match, { truncate, position, text }: InheritSpec): Cut | undefined {
    if (!truncate) return undefined;
    const { id, entry, type, facts } = match;
    const place = { file: 'files.img', entry };
    const kind = fileKind(facts);
    if (!type.isPath || (kind !== undefined && kind !== 'regular')) {
      throw messages.truncatesNoFile(place, text, facts.key, type.name, id);
    }
    const { size: sizeOfFile, sizesDiffer, appended } = this.files.get(this.nameOf(match)) as RecordedFile;
    const size = facts.size ?? (sizesDiffer ? undefined : sizeOfFile);
    if (size !== undefined) return { size: checked(size, { ...place, field: 'reg_file_entry.size' }), isOffset: false };
    if (position === 'saved' && appended > 0n && onlyAppends(facts.flags)) {
      return { size: checked(appended, { ...place, field: 'reg_file_entry.pos' }), isOffset: true };
    }
    throw messages.noSavedSize(place, text, facts.key, id, onlyAppends(facts.flags) ? appended : undefined);
  }

  private nameOf({ id, facts: { mountId, key } }: Match): string {
    return this.pathless.has(id) ? `entry ${id}` : `${mountId} ${key}`;
  }
}

function checked(size: bigint, place: Place): bigint {
  if (size > OFFSET_MAX) throw messages.sizeTooLarge(place, size, OFFSET_MAX);
  return size;
}

function onlyAppends(flags: number): boolean {
  return appends(flags) && !accessOf(flags).read;
}
