import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { FdgraftError, openSource } from '../../src';
import { archiveOf, membersOf, type RawMember } from './archives';
import { smallCheckpoint, writeCheckpoint } from './directories';

/** Archives that must not be opened, each made from a good one. */

/** Whoever spools makes a directory here for a moment; nothing may stay. */
export const spools = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-spools-'));
process.env.TMPDIR = spools;

/** What a file of tests does at its end. */
export function noSpoolStays(t: ExecutionContext): void {
  const left = fs
    .readdirSync(spools)
    .filter((name) => name.startsWith('fdgraft-') && !name.startsWith('fdgraft-test-'));
  fs.rmSync(spools, { recursive: true, force: true });
  t.deepEqual(left, []);
}

const directory = fs.mkdtempSync(path.join(spools, 'images-'));
/** The images of a small checkpoint. */
export const images = membersOf(writeCheckpoint(directory, smallCheckpoint()), 'checkpoint/');
fs.rmSync(directory, { recursive: true });
/** An archive of them, with nothing wrong. */
export const good = archiveOf(...images);

/** The same with more, behind the inventory, so that it is an archive with images all the same. */
export function withMember(...members: (RawMember | Buffer)[]): Buffer {
  return archiveOf(...images, ...members);
}

export interface Refusal {
  code?: string | string[];
  message?: RegExp;
  /** Where in the archive; unless it is told of a member or of none. */
  offset?: number;
}

/** Opens what must not be opened. Resolves to the error. */
export async function refused(
  t: ExecutionContext,
  bytes: Buffer | ((file: string) => void),
  { code = ['ARCHIVE_UNUSABLE', 'ARCHIVE_DAMAGED'], message, offset }: Refusal = {},
  label = '',
): Promise<FdgraftError | undefined> {
  const parent = fs.mkdtempSync(path.join(spools, 'bad-'));
  const top = path.join(parent, 'top');
  fs.mkdirSync(top);
  const file = path.join(top, 'archive');
  if (typeof bytes === 'function') bytes(file);
  else fs.writeFileSync(file, bytes);
  try {
    const error = await failure(t, file, label);
    if (error === undefined) return undefined;
    t.is(error.exitCode, 2);
    t.true([code].flat().includes(error.code), `${label}: ${error.code} ${error.message}`);
    if (message !== undefined) t.regex(error.message, message, label);
    if (offset !== undefined) t.is(error.offset, offset, label);
    t.false(error.message.includes('undefined') || error.message.includes('NaN'), error.message);
    if (error.code.startsWith('ARCHIVE')) t.true(error.message.startsWith(file) && error.hint !== undefined);
    t.deepEqual(fs.readdirSync(top), ['archive'], label);
    t.deepEqual(fs.readdirSync(parent), ['top'], label);
    return error;
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
}

/** Of opening it, since all of it is read there. */
async function failure(t: ExecutionContext, file: string, label: string): Promise<FdgraftError | undefined> {
  try {
    await (await openSource(file)).close();
  } catch (error) {
    if (error instanceof FdgraftError) return error;
    throw error;
  }
  t.fail(`${label} was opened`);
  return undefined;
}
