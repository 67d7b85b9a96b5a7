import { WireFault } from '../../../src/errors/wire-fault';
import { FieldCursor } from '../../../src/wire/field-cursor';
import { editFields, type FieldEdit, patchRecord } from '../../../src/wire/patch';
import { varint, wireFields } from '../../support/random-messages';
import { mutated } from '../mutate/mutate';
import { WIRE_MUTATORS } from '../mutate/wire';
import { knownImages } from '../seeds';
import { expect, type Target } from '../target';

export interface WireSubject {
  readonly patch: typeof patchRecord;
  readonly edit: typeof editFields;
}

interface Field {
  readonly number: number;
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** All fields, or what is wrong; never more steps than bytes. */
function walk(record: Buffer): readonly Field[] | WireFault {
  const fields: Field[] = [];
  const cursor = new FieldCursor().over(record, 0, record.length);
  try {
    while (cursor.next()) {
      const { number, wireType: type, start, end } = cursor;
      fields.push({ number, type, start, end });
      expect(fields.length <= record.length, 'more fields than bytes');
    }
    return fields;
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    expect(error.at >= 0 && error.at <= record.length, () => `a fault at ${error.at} of ${record.length} bytes`);
    return error;
  }
}

/** The new bytes of a field that is patched. */
const REPLACEMENT_NUMBER = 77n;

/** Records of fields: the cursor over them, and edits that leave all else as it was. */
export function wireTarget({ patch, edit }: WireSubject = { patch: patchRecord, edit: editFields }): Target {
  return {
    name: 'wire',
    share: 2400,
    seeds: () =>
      knownImages().flatMap(({ bytes }) => {
        if (bytes.length < 13) return [];
        const size = bytes.readUInt32LE(8);
        return size > 0 && 12 + size <= bytes.length ? [{ record: bytes.subarray(12, 12 + size) }] : [];
      }),
    make: (random, pick) => ({
      record: mutated(pick().record as Buffer, WIRE_MUTATORS, random, () => pick().record as Buffer),
    }),
    check: async ({ record = Buffer.alloc(0) }) => {
      const fields = walk(record);
      if (fields instanceof WireFault) {
        return `${fields.message.replace(/\d+/g, '#')} ${fields.needs === undefined ? '' : 'needs'}`;
      }
      const independent = wireFields(record);
      let at = 0;
      fields.forEach(({ number, type, start, end }, i) => {
        const other = independent[i];
        expect(start === at && end > start, () => `field ${i} lies at ${start} to ${end}, not at ${at}`);
        expect(number === other?.number && type === other.type, () => `field ${i} is ${number} of type ${type}`);
        at = end;
      });
      expect(at === record.length && fields.length === independent.length, 'the fields are not the whole record');
      expect(edit(record, 0, record.length, () => undefined).equals(record), 'an edit of nothing changes the record');
      const { number } = fields[0] ?? { number: 1 };
      const replacement = Buffer.concat([varint(BigInt(number) * 8n), varint(REPLACEMENT_NUMBER)]);
      for (const by of [replacement, Buffer.alloc(0)]) checkPatch(record, fields, { number, replacement: by }, patch);
      return `${Math.min(fields.length, 4)} fields of ${[...new Set(fields.map(({ type }) => type))].sort().join(' ')}`;
    },
  };
}

/** The last of the fields of that number is exchanged, earlier ones are gone, all others are where they were. */
function checkPatch(record: Buffer, fields: readonly Field[], change: FieldEdit, patch: typeof patchRecord): void {
  const { number, replacement } = change;
  const last = fields.findLastIndex((field) => field.number === number);
  const expected = fields.map((field, i) => {
    if (field.number !== number) return record.subarray(field.start, field.end);
    return i === last ? replacement : Buffer.alloc(0);
  });
  if (last === -1) expected.push(replacement);
  const is = patch(record, 0, record.length, [change]);
  expect(is.equals(Buffer.concat(expected)), () => `field ${number} is patched to ${is.toString('hex')}`);
}
