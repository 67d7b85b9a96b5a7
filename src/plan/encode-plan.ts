import protobuf from 'protobufjs/light';
import { encodeUint32 } from '../bytes/little-endian';
import { messages } from '../errors/messages';
import { IMG_COMMON, PLAN_IMAGE, PLAN_MAGIC } from '../frames/image-kinds';
import descriptor from '../schema/generated/plan.json';
import { PLAN_SIZE_MAX, UNPACKED_MAX } from '../schema/plan-limits';
import type { Plan, PlanPlaceholder } from './plan';
import { unpackedBytes } from './unpacked-bytes';

/**
 * The plan as the bytes of inherit-plan.img: two magics, the head, then a record a placeholder. Throws FdgraftError
 * (PLAN_LIMIT) for one that the executor would refuse for its size.
 */
export function encodePlan(plan: Plan): Buffer {
  refuseUnpacked(plan);
  const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
  const head = root.lookupType('fdgraft.plan_head');
  const placeholder = root.lookupType('fdgraft.plan_placeholder');
  const { placeholders, ...rest } = plan;
  const pieces: Uint8Array[] = [encodeUint32(IMG_COMMON), encodeUint32(PLAN_MAGIC)];
  let size = 8;
  const add = (record: readonly Uint8Array[]) => {
    for (const piece of record) {
      pieces.push(piece);
      size += piece.length;
    }
    if (size > PLAN_SIZE_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${PLAN_SIZE_MAX} bytes`);
  };
  add(record(head, { ...rest, placeholders: placeholders.length }));
  for (const one of placeholders) add(record(placeholder, toMessage(one)));
  return Buffer.concat(pieces, size);
}

/** The executor keeps the head, and one placeholder at a time. */
function refuseUnpacked({ placeholders, ...head }: Plan): void {
  const largest = placeholders.reduce((most, one) => Math.max(most, unpackedBytes(one)), 0);
  const needed = unpackedBytes(head) + largest;
  if (needed > UNPACKED_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${UNPACKED_MAX} bytes in memory`);
}

function record(type: protobuf.Type, value: object): Uint8Array[] {
  const bytes = type.encode(type.fromObject(value)).finish();
  return [encodeUint32(bytes.length), bytes];
}

function toMessage(placeholder: PlanPlaceholder): object {
  const { was, truncate_to } = placeholder;
  return {
    ...placeholder,
    ...(truncate_to === undefined ? {} : { truncate_to: splitLong(truncate_to) }),
    apply: `APPLY_${placeholder.apply}`,
    position: `POSITION_${placeholder.position}`,
    was: was.offset === undefined ? was : { ...was, offset: splitLong(was.offset) },
    in_flight: placeholder.in_flight.map((bytes) => ({ ...bytes, fate: `FATE_${bytes.fate}` })),
  };
}

/** The form in which protobufjs takes 64-bit integers without a library for them. */
function splitLong(value: bigint) {
  return { low: Number(value & 0xffffffffn) | 0, high: Number(value >> 32n) | 0, unsigned: true };
}
