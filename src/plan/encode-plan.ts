import { messages } from '../errors/messages';
import { IMG_COMMON, PLAN_IMAGE, PLAN_MAGIC } from '../frames/image-kinds';
import { encodeMagics, frameRecord } from '../frames/write-records';
import { PLAN_SIZE_MAX, UNPACKED_MAX } from '../schema/plan-limits';
import { WireBuffer } from '../wire/wire-buffer';
import type { Plan, PlanPlaceholder } from './plan';
import { fieldsOf, type PlanField, writeFields } from './plan-message';
import { unpackedBytes } from './unpacked-bytes';

/** So much is encoded before it becomes a chunk: a placeholder can have millions of references. */
const CHUNK_BYTES = 1 << 20;

/**
 * The plan as the bytes of inherit-plan.img, in chunks: two magics, the head, then a record a placeholder. Throws
 * FdgraftError (PLAN_LIMIT) for one that the executor would refuse for its size.
 */
export function encodePlan(plan: Plan): Uint8Array[] {
  refuseUnpacked(plan);
  const encoder = new Encoder();
  const { placeholders, ...rest } = plan;
  const chunks: Uint8Array[] = [encodeMagics({ first: IMG_COMMON, own: PLAN_MAGIC })];
  let size = (chunks[0] as Uint8Array).length;
  const add = (parts: readonly Uint8Array[]) => {
    const framed = frameRecord(...parts);
    size += framed.reduce((sum, { length }) => sum + length, 0);
    if (size > PLAN_SIZE_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${PLAN_SIZE_MAX} bytes`);
    chunks.push(...framed);
  };
  add(encoder.encode(fieldsOf('plan_head'), { ...rest, placeholders: placeholders.length }));
  for (const one of placeholders) add(encodePlaceholder(encoder, one));
  return chunks;
}

/** The executor keeps the head, and one placeholder at a time. */
function refuseUnpacked({ placeholders, ...head }: Plan): void {
  const largest = placeholders.reduce((most, one) => Math.max(most, unpackedBytes(one)), 0);
  const needed = unpackedBytes(head) + largest;
  if (needed > UNPACKED_MAX) throw messages.planPastLimit(PLAN_IMAGE, `${UNPACKED_MAX} bytes in memory`);
}

function encodePlaceholder(encoder: Encoder, placeholder: PlanPlaceholder): Uint8Array[] {
  const fields = fieldsOf('plan_placeholder');
  const at = fields.findIndex(({ name }) => name === 'references');
  return [
    ...encoder.encode(fields.slice(0, at), placeholder),
    ...encoder.encodeEach(fields[at] as PlanField, placeholder.references),
    ...encoder.encode(fields.slice(at + 1), placeholder),
  ];
}

class Encoder {
  private buffer = new WireBuffer();

  encode(fields: readonly PlanField[], message: object): Uint8Array[] {
    writeFields(this.buffer, fields, message);
    return [this.take()];
  }

  /** A repeated field, some of its values in each chunk. */
  *encodeEach(field: PlanField, values: Iterable<unknown>): Generator<Uint8Array, void, undefined> {
    for (const value of values) {
      field.write(this.buffer, [value]);
      if (this.buffer.length >= CHUNK_BYTES) yield this.take();
    }
    yield this.take();
  }

  private take(): Uint8Array {
    const { buffer } = this;
    const written = buffer.since(0);
    // A large buffer is handed over, so that its bytes are not there twice.
    if (buffer.length >= CHUNK_BYTES) this.buffer = new WireBuffer();
    else buffer.length = 0;
    return this.buffer === buffer ? Buffer.from(written) : written;
  }
}
