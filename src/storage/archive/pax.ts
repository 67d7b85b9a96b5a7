/** One record of a pax extended header. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
  /** All of it, with its length and its line end. */
  readonly bytes: Buffer;
}

/** The records of an extended header, as bytes: neither names nor attributes need be text. Undefined where it has other bytes. */
export function paxRecords(body: Buffer): PaxRecord[] | undefined {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length; ) {
    const [, digits] = /^(\d{1,15}) /.exec(body.toString('latin1', at, at + 16)) ?? [];
    const end = at + Number(digits ?? Number.NaN);
    const equals = body.indexOf('=', at);
    // The last byte of a record is its line end.
    if (!(end <= body.length) || equals === -1 || equals >= end || body[end - 1] !== 0x0a) return undefined;
    const key = body.toString('utf8', at + (digits as string).length + 1, equals);
    records.push({ key, value: body.subarray(equals + 1, end - 1), bytes: body.subarray(at, end) });
    at = end;
  }
  return records;
}

export function makePaxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  // The length counts its own digits.
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}
