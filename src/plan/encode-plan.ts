import protobuf from 'protobufjs/light';
import { messages } from '../errors/messages';
import { IMG_COMMON, PLAN_IMAGE, PLAN_MAGIC } from '../frames/image-kinds';
import { encodeMagics, frameRecord } from '../frames/write-records';
import descriptor from '../schema/generated/plan.json';
import { PLAN_SIZE_MAX, UNPACKED_MAX } from '../schema/plan-limits';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import type { Plan, PlanKind, PlanPlaceholder } from './plan';
import { unpackedBytes } from './unpacked-bytes';

/** So many numbers are encoded at once: the library makes some objects for each. */
const NUMBERS_AT_ONCE = 1 << 14;
/** Those of a reference, but for pids. */
const NUMBERS_A_REFERENCE = 4;

/**
 * The plan as the bytes of inherit-plan.img, in pieces: two magics, the head, then a record a placeholder. Throws
 * FdgraftError (PLAN_LIMIT) for one that the executor would refuse for its size.
 */
export function encodePlan(plan: Plan): Uint8Array[] {
  refuseUnpacked(plan);
  const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
  const head = root.lookupType('fdgraft.plan_head');
  const placeholder = root.lookupType('fdgraft.plan_placeholder');
  const { placeholders, ...rest } = plan;
  const pieces: Uint8Array[] = [encodeMagics({ first: IMG_COMMON, own: PLAN_MAGIC })];
  let size = (pieces[0] as Uint8Array).length;
  const add = (parts: readonly Uint8Array[]) => {
    const framed = frameRecord(...parts);
    size += framed.reduce((sum, { length }) => sum + length, 0);
    if (size > PLAN_SIZE_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${PLAN_SIZE_MAX} bytes`);
    pieces.push(...framed);
  };
  add([head.encode(head.fromObject({ ...rest, placeholders: placeholders.length })).finish()]);
  for (const one of placeholders) add(encodePlaceholder(placeholder, one));
  return pieces;
}

/** The executor keeps the head, and one placeholder at a time. */
function refuseUnpacked({ placeholders, ...head }: Plan): void {
  const largest = placeholders.reduce((most, one) => Math.max(most, unpackedBytes(one)), 0);
  const needed = unpackedBytes(head) + largest;
  if (needed > UNPACKED_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${UNPACKED_MAX} bytes in memory`);
}

/** Fields in the order of their numbers, as the library writes them, but its references some at a time. */
function encodePlaceholder(type: protobuf.Type, placeholder: PlanPlaceholder): Uint8Array[] {
  const { references, ...rest } = placeholder;
  const others = type.encode(type.fromObject(toMessage(rest))).finish();
  const field = type.fields.references?.resolve() as protobuf.Field;
  const reference = field.resolvedType as protobuf.Type;
  const place = endOfFieldsBelow(field.id, others);
  const parts = [others.subarray(0, place)];
  let writer = protobuf.Writer.create();
  let numbers = 0;
  for (const one of references) {
    const message = reference.fromObject(one);
    reference.encode(message, writer.uint32((field.id << 3) | WIRE_TYPE.BYTES).fork()).ldelim();
    numbers += NUMBERS_A_REFERENCE + ('descriptor' in one ? one.descriptor.pids.length : 0);
    if (numbers < NUMBERS_AT_ONCE) continue;
    parts.push(writer.finish());
    writer = protobuf.Writer.create();
    numbers = 0;
  }
  return [...parts, writer.finish(), others.subarray(place)];
}

function endOfFieldsBelow(number: number, message: Uint8Array): number {
  const cursor = new FieldCursor().over(message, 0, message.length);
  while (cursor.next()) if (cursor.number > number) return cursor.start;
  return message.length;
}

function toMessage(placeholder: Omit<PlanPlaceholder, 'references'>): object {
  const { was, truncate_to, kind } = placeholder;
  return {
    ...placeholder,
    ...(truncate_to === undefined ? {} : { truncate_to: splitLong(truncate_to) }),
    ...(kind === undefined ? {} : { kind: kindToMessage(kind) }),
    apply: `APPLY_${placeholder.apply}`,
    position: `POSITION_${placeholder.position}`,
    was: was.offset === undefined ? was : { ...was, offset: splitLong(was.offset) },
    in_flight: placeholder.in_flight.map((bytes) => ({ ...bytes, fate: `FATE_${bytes.fate}` })),
  };
}

function kindToMessage({ name, socket }: PlanKind): object {
  return { name, ...(socket === undefined ? {} : { socket: { ...socket, state: `SOCKET_${socket.state}` } }) };
}

/** The form in which protobufjs takes 64-bit integers without a library for them. */
function splitLong(value: bigint) {
  return { low: Number(value & 0xffffffffn) | 0, high: Number(value >> 32n) | 0, unsigned: true };
}
