import type { BytesAt } from '../../bytes/same-bytes';
import type { PlanPlaceholder } from '../../plan/plan';
import { TTY_INFO_ENTRY_FIELDS } from '../../schema/generated/images';
import { encodeVarintField } from '../../wire/encode';
import { numberIn } from '../../wire/number-in';
import { patchRecord } from '../../wire/patch';

/** EXT_TTY of tty.proto. */
const EXTERNAL_TERMINAL = 5;
/** CRIU's key of a terminal, by the device that stands for the caller's. */
const KEY = /^tty\[([0-9a-f]{1,8}):([0-9a-f]{1,8})\]$/;
const NO_BYTES = Buffer.alloc(0);

/** Number of the terminal that a record of tty-info.img is of; -1 where it does not say it. Throws WireFault. */
export function idOfTerminal(record: BytesAt): number {
  return numberIn(record, TTY_INFO_ENTRY_FIELDS.id) ?? -1;
}

/** The bytes of a record of tty-info.img when CRIU finds the caller's terminal by that key. Throws WireFault. */
export function outerTerminal(record: BytesAt, { key = '', terminal }: PlanPlaceholder): Buffer | undefined {
  const [, rdev, dev] = KEY.exec(key) ?? [];
  if (rdev === undefined || dev === undefined) return undefined;
  const fields = TTY_INFO_ENTRY_FIELDS;
  const values: [number: number, value: number][] = [
    [fields.type, EXTERNAL_TERMINAL],
    ...(terminal?.has_leader
      ? []
      : ([
          [fields.sid, 0],
          [fields.pgrp, 0],
        ] as [number, number][])),
    [fields.rdev, Number.parseInt(rdev, 16)],
    [fields.dev, Number.parseInt(dev, 16)],
  ];
  const gone = [fields.pty, fields.uid, fields.gid];
  return patchRecord(record.bytes, record.start, record.end, [
    ...values.map(([number, value]) => ({ number, replacement: encodeVarintField(number, value) })),
    ...gone.map((number) => ({ number, replacement: NO_BYTES })),
  ]);
}
