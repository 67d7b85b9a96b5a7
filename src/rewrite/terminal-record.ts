import { EXTERNAL_TERMINAL, OWN_RDEV } from '../checkpoint/terminal-type';
import { TTY_INFO_ENTRY_FIELDS } from '../schema/generated/images';
import { encodeVarintField } from '../wire/encode';
import { patchRecord } from '../wire/patch';
import type { TakenTerminal } from './match';

const NO_BYTES = Buffer.alloc(0);

/**
 * The record of tty-info.img `bytes[start, end)` as that of a terminal outside, which CRIU asks for by its key. It keeps the
 * settings, and the session with its foreground group; one whose leader is not in the tree goes, since CRIU looks for
 * it. Owner and permissions go: CRIU would set them on the caller's terminal (criu/tty.c; tried on 4.1.1 and 4.3). Throws
 * WireFault.
 */
export function externalTerminal(
  { dev, hasLeader }: TakenTerminal,
  bytes: Uint8Array,
  start: number,
  end: number,
): Buffer {
  const fields = TTY_INFO_ENTRY_FIELDS;
  const set = (number: number, value: number) => ({ number, replacement: encodeVarintField(number, value) });
  const drop = (number: number) => ({ number, replacement: NO_BYTES });
  return patchRecord(bytes, start, end, [
    set(fields.type, EXTERNAL_TERMINAL),
    ...(hasLeader ? [] : [set(fields.sid, 0), set(fields.pgrp, 0)]),
    set(fields.rdev, OWN_RDEV),
    drop(fields.pty),
    set(fields.dev, dev),
    drop(fields.uid),
    drop(fields.gid),
  ]);
}
