import type { BytesAt } from '../bytes/same-bytes';
import { locate } from '../errors/locate';
import { WireFault } from '../errors/wire-fault';
import type { MessageShape } from '../schema/shape';
import type { FoundEntry } from './found';
import { cursorAt, fieldsIn, payloadAt } from './wire/fields';

/** Says of a fault in which entry of which image it is. */
export function located<T>(at: Pick<FoundEntry, 'entry' | 'file'>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    throw locate(error, at.file, at.entry.index, at.entry.base);
  }
}

/** The same for what reads both sides: the first that is malformed has the fault. */
export function locatedInEither<T>(before: FoundEntry, after: FoundEntry, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    for (const side of [before, after]) located(side, () => walk(side.entry.shape, side.entry));
    throw locate(error, before.file, before.entry.index, before.entry.base);
  }
}

/** Goes over a message and those inside it. Throws WireFault. */
function walk(shape: MessageShape, message: BytesAt): void {
  for (const [number, ranges] of fieldsIn(message)) {
    const field = shape.numbered(number);
    if (field === undefined) continue;
    for (const range of ranges) {
      if (field.type === 'message') walk(field.message, payloadAt(message.bytes, range));
      // Numbers of a list can stand in one row.
      else if (field.label !== 'repeated') cursorAt(message.bytes, range).expect(field.wireType);
    }
  }
}
