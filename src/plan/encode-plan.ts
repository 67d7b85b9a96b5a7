import protobuf from 'protobufjs/light';
import { encodeUint32 } from '../bytes/little-endian';
import { IMG_COMMON, PLAN_MAGIC } from '../frames/image-kinds';
import descriptor from '../schema/generated/plan.json';
import type { Plan, PlanPlaceholder } from './plan';

/** The plan as the bytes of inherit-plan.img: two magics, the head, then a record a placeholder. */
export function encodePlan(plan: Plan): Buffer {
  const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
  const head = root.lookupType('fdgraft.plan_head');
  const placeholder = root.lookupType('fdgraft.plan_placeholder');
  const { placeholders, ...rest } = plan;
  return Buffer.concat([
    encodeUint32(IMG_COMMON),
    encodeUint32(PLAN_MAGIC),
    ...record(head, { ...rest, placeholders: placeholders.length }),
    ...placeholders.flatMap((one) => record(placeholder, toMessage(one))),
  ]);
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
