import type { FdgraftError } from './fdgraft-error';
import { messages } from './messages';
import type { WireFault } from './wire-fault';

/** Says where in the file a fault of the wire layer lies. `base`: offset of the buffer's first byte. */
export function locate(fault: WireFault, file: string, entry: number, base: number): FdgraftError {
  const place = { file, entry, offset: base + fault.at, field: fault.field };
  return fault.needs === undefined
    ? messages.malformed(place, fault.message, fault.hint)
    : messages.truncated(place, fault.needs, fault.message);
}
