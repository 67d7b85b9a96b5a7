import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  FdgraftError,
  openSource,
  type Plan,
  type RewriteOptions,
  type RewriteResult,
  readPlanOf,
  rewrite,
} from '../../src';
import { type Images, smallCheckpoint, snapshot, temporaryDirectory, writeCheckpoint } from './directories';
import type { ImageOptions } from './images';

export interface Rewritten extends RewriteResult {
  source: string;
  out: string;
}

/** Writes a checkpoint, rewrites it, and sees to it that the source is as it was. */
export async function rewriteImages(
  t: ExecutionContext,
  images: Images,
  options: RewriteOptions,
  imageOptions: ImageOptions = {},
): Promise<Rewritten> {
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, images, imageOptions);
  const out = path.join(top, 'out');
  const before = snapshot(source);
  try {
    const result = await rewrite(await openSource(source), { out, ...options });
    if (fs.existsSync(out) && fs.statSync(out).isDirectory()) await checkPlan(t, result.plan, out);
    return { ...result, source, out };
  } finally {
    t.deepEqual(snapshot(source), before, 'the source was changed');
    t.deepEqual(
      fs.readdirSync(top).filter((name) => name.startsWith('.')),
      [],
      'something half-made was left behind',
    );
  }
}

/** The plan that a caller gets is the one in OUT, with the same fields. */
async function checkPlan(t: ExecutionContext, plan: Plan, out: string): Promise<void> {
  const withArrays = ({ placeholders, ...head }: Plan) => ({
    ...head,
    placeholders: placeholders.map((one) => ({ ...one, references: [...one.references] })),
  });
  t.deepEqual(withArrays(await readPlanOf(out)), withArrays(plan));
}

/** The error of a rewrite that must fail, after which there is no OUT. */
export async function refusal(
  t: ExecutionContext,
  images: Images,
  options: RewriteOptions,
  imageOptions: ImageOptions = {},
): Promise<FdgraftError> {
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, images, imageOptions);
  const error = await t.throwsAsync(
    async () => rewrite(await openSource(source), { out: path.join(top, 'out'), ...options }),
    { instanceOf: FdgraftError },
  );
  t.deepEqual(fs.readdirSync(top), [path.basename(source)]);
  checkPlace(t, error as FdgraftError, source);
  t.notRegex((error as FdgraftError).message, /''|undefined/);
  return error as FdgraftError;
}

/** Errors that are about one record of an image; of those of several specs, each line names its own. */
const OF_RECORDS: readonly string[] = ['BYTES_IN_FLIGHT', 'DESCRIPTOR_TIED', 'SPEC_UNSUPPORTED'];
const OF_IMAGES: readonly string[] = [...OF_RECORDS, 'IMAGES_DISAGREE', 'IMAGE_MALFORMED'];

/** An error that the images are the reason of names the image, and the record where one is the reason. */
function checkPlace(t: ExecutionContext, { code, file, entry, message }: FdgraftError, source: string): void {
  if (!OF_IMAGES.includes(code) || message.includes('\n')) return;
  t.truthy(file, message);
  t.true(message.startsWith(`${file}`), message);
  if (!message.includes('no record')) t.true(fs.existsSync(path.join(source, `${file}`)), message);
  if (OF_RECORDS.includes(code)) t.is(typeof entry, 'number', message);
}

/** Images that CRIU writes for each living task, without records: a rewrite asks whether they are there. */
const OF_LIVING: Images = { 'core-7.img': [], 'core-8.img': [], 'fs-8.img': [], 'mm-8.img': [] };

/** The small checkpoint with some images exchanged, and all that its tasks need for a restore. */
export const smallWith = (images: Images): Images => ({ ...smallCheckpoint(), ...OF_LIVING, ...images });
