import type { BytesAt } from '../../bytes/same-bytes';
import { hasOwner } from '../../checkpoint/entry-facts';
import { INHERITABLE_TYPES, type InheritableType } from '../../checkpoint/entry-types';
import type { Plan, PlanOwner, PlanPlaceholder } from '../../plan/plan';
import { EXT_FILE_ENTRY_FIELDS, FD_TYPES, FILE_ENTRY_FIELDS, FOWN_ENTRY_FIELDS } from '../../schema/generated/images';
import { encodeBytesField, encodeVarintField } from '../../wire/encode';
import { numberIn } from '../../wire/number-in';
import { patchRecord } from '../../wire/patch';
import { fieldsIn, joinedPayload } from '../wire/fields';

/** The type that a placeholder had before; undefined where none of that name can be inherited. */
export function typeOfPlaceholder({ was }: PlanPlaceholder): InheritableType | undefined {
  return INHERITABLE_TYPES.find(({ name }) => name === was.type);
}

/** File ids of placeholders whose owner the rewrite dropped, as the plan warns. */
export function droppedOwners({ warnings }: Plan): Set<number | undefined> {
  return new Set(warnings.flatMap(({ code, file_id }) => (code === 'OWNER_DROPPED' ? [file_id] : [])));
}

/** The bytes of the owner in an entry of files.img; undefined where its type has it elsewhere. Throws WireFault. */
export function ownerIn(type: InheritableType, entry: BytesAt): Buffer | undefined {
  const { member, ownerField } = type;
  if (ownerField === undefined) return undefined;
  const inside = joinedPayload(entry.bytes, fieldsIn(entry).get(member) ?? []);
  const { bytes, start, end } = joinedPayload(inside.bytes, fieldsIn(inside).get(ownerField) ?? []);
  return Buffer.from(bytes.subarray(start, end));
}

/** What the owner of a placeholder has to be. `own`: that of the entry that it was; undefined where that is elsewhere. */
function ownerOf({ was, file_id }: PlanPlaceholder, own: Buffer | undefined, dropped: ReadonlySet<unknown>) {
  if (hasOwner(was.owner) && dropped.has(file_id))
    return encodeOwner({ uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 });
  return own ?? encodeOwner(was.owner);
}

function encodeOwner(owner: PlanOwner): Buffer {
  const { uid, euid, signum, pid_type, pid } = FOWN_ENTRY_FIELDS;
  return Buffer.concat([
    encodeVarintField(uid, owner.uid),
    encodeVarintField(euid, owner.euid),
    encodeVarintField(signum, owner.signum),
    encodeVarintField(pid_type, owner.pid_type),
    encodeVarintField(pid, owner.pid),
  ]);
}

const TYPE = encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.EXT);

function extOf(id: number, owner: Buffer): Buffer {
  const { id: ID, fown: OWNER } = EXT_FILE_ENTRY_FIELDS;
  return encodeBytesField(
    FILE_ENTRY_FIELDS.ext,
    Buffer.concat([encodeVarintField(ID, id), encodeBytesField(OWNER, owner)]),
  );
}

/**
 * The bytes of an entry that becomes a placeholder: the type, the member of the old type that goes and the ext that
 * comes, and all else as it was. Undefined where the entry is not what the plan says it was. Throws WireFault.
 */
export function turnedEntry(
  placeholder: PlanPlaceholder,
  entry: BytesAt,
  dropped: ReadonlySet<unknown>,
): Buffer | undefined {
  const type = typeOfPlaceholder(placeholder);
  if (type === undefined || numberIn(entry, FILE_ENTRY_FIELDS.type) !== type.number) return undefined;
  if (!fieldsIn(entry).has(type.member)) return undefined;
  return patchRecord(entry.bytes, entry.start, entry.end, [
    { number: FILE_ENTRY_FIELDS.type, replacement: TYPE },
    { number: FILE_ENTRY_FIELDS.ext, replacement: Buffer.alloc(0) },
    {
      number: type.member,
      replacement: extOf(placeholder.file_id, ownerOf(placeholder, ownerIn(type, entry), dropped)),
    },
  ]);
}

/** The bytes of a placeholder that was split off. `own`: the owner of the entry that it was split off from. */
export function splitEntry(
  placeholder: PlanPlaceholder,
  own: Buffer | undefined,
  dropped: ReadonlySet<unknown>,
): Buffer {
  const { file_id } = placeholder;
  const id = encodeVarintField(FILE_ENTRY_FIELDS.id, file_id);
  return Buffer.concat([TYPE, id, extOf(file_id, ownerOf(placeholder, own, dropped))]);
}
