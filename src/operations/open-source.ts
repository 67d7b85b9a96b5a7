import fs from 'node:fs';
import { codeOf } from '../errors/code-of';
import { isDenied } from '../errors/denied';
import { messages } from '../errors/messages';
import { INVENTORY_IMAGE, identifyImage, PLAN_IMAGE } from '../frames/image-kinds';
import { TELLING_BYTES, whatBegins } from '../frames/what-begins';
import { DESCRIPTOR_LIST } from '../specs/descriptor-list';
import { archiveForm, firstBytesOf, foreignCompression } from '../storage/archive/detect';
import { sourceUnreadable } from '../storage/denied';
import { openDirectory } from '../storage/directory-source';
import type { SeenFiles } from '../storage/seen-files';
import type { Source } from '../storage/source';
import { USUAL_DIRECTORY } from '../storage/usual-directory';
import { type OptionNames, requireKnownOptions, requirePath } from './check-arguments';
import { isImageWithRecords, isJsonOfImage, JSON_ENDING } from './json-name';
import { noInventory } from './no-inventory';

/**
 * What a pass wants to see first where the source can choose: with it, memory grows with the matches alone, and a
 * directory that was rewritten before is told before its placeholders are met.
 */
export const FIRST_MEMBERS = [PLAN_IMAGE, INVENTORY_IMAGE, 'pstree.img', 'files.img'];

const DECODED_INVENTORY = `${INVENTORY_IMAGE}${JSON_ENDING}`;

/** Options of `openSource`. */
export interface OpenOptions {
  /**
   * Only a directory that has the images itself, for who makes another one of it; else they may be in checkpoint/ too.
   */
  readonly exact?: boolean;
  /**
   * The files as they were seen before: a caller that opens a source more than once gets the same files, or an error.
   * @internal
   */
  readonly seen?: SeenFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of `openSource`. */
const OPTIONS: OptionNames<OpenOptions> = {
  exact: true,
  seen: false,
  signal: true,
};

/**
 * Opens a checkpoint: an image directory of CRIU, or an archive with one in it, told by content. It is to be closed.
 * Throws FdgraftError (SOURCE_UNUSABLE).
 */
export async function openSource(place: string, options: OpenOptions = {}): Promise<Source> {
  requirePath(place);
  requireKnownOptions(options, OPTIONS);
  const { signal, seen, exact = false } = options;
  const directory = imageDirectoryIn(place);
  if (directory !== undefined && (directory === place || !exact))
    return openDirectory(directory, { first: FIRST_MEMBERS, seen, signal });
  const source = await openAny(place, [INVENTORY_IMAGE, DECODED_INVENTORY], options);
  // Asked before anything is read: the directory may be any, with whole trees below it.
  if (source.directory !== undefined) {
    throw exists(place, `${place}/${DECODED_INVENTORY}`)
      ? messages.jsonIsNoCheckpoint(place)
      : noInventory(place, directory);
  }
  if (await hasInventory(source)) return source;
  await source.close();
  throw messages.jsonIsNoCheckpoint(place);
}

async function hasInventory(source: Source): Promise<boolean> {
  const members = source.byName();
  try {
    return (await members.member(INVENTORY_IMAGE)) !== undefined;
  } finally {
    await members.close();
  }
}

/**
 * The directory with the images: this one, or the one in it that tar makes of an archive of podman's; undefined for
 * neither.
 */
export function imageDirectoryIn(place: string): string | undefined {
  return [place, `${place}/${USUAL_DIRECTORY}`].find((directory) => exists(place, `${directory}/${INVENTORY_IMAGE}`));
}

/**
 * Opens a directory or an archive of images, or of their JSON. It is to be closed. Throws FdgraftError
 * (SOURCE_UNUSABLE).
 */
export async function openImages(place: string, options: OpenOptions = {}): Promise<Source> {
  requirePath(place);
  requireKnownOptions(options, OPTIONS);
  return openAny(place, [INVENTORY_IMAGE, DECODED_INVENTORY], options);
}

async function openAny(place: string, markers: readonly string[], { signal, seen }: OpenOptions): Promise<Source> {
  const form = formOf(place);
  if (form === undefined) {
    const foreign = foreignCompression(place);
    if (foreign !== undefined) throw messages.compressionUnknown(place, foreign);
    const what = whatBegins(firstBytesOf(place, TELLING_BYTES) ?? Buffer.alloc(0));
    if (what !== undefined) throw messages.fileIsNoCheckpoint(place, what);
    return openDirectory(place, { first: FIRST_MEMBERS, seen, signal });
  }
  const { openArchive } = await import('../storage/archive/archive-source');
  const isImage = (name: string) => identifyImage(name) !== undefined;
  return openArchive(place, form, { first: FIRST_MEMBERS, markers, isKept, isImage, seen, signal });
}

function formOf(place: string) {
  try {
    return archiveForm(place);
  } catch (error) {
    const { cause } = error as Error;
    throw isDenied(cause) ? sourceUnreadable(place, cause) : error;
  }
}

/** True for what is read by name, and not for pages and the like, which are nearly all of a checkpoint. */
function isKept(name: string): boolean {
  if (name === DESCRIPTOR_LIST || name === PLAN_IMAGE || isJsonOfImage(name)) return true;
  return isImageWithRecords(name);
}

function exists(source: string, file: string): boolean {
  try {
    fs.lstatSync(file);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false;
    throw sourceUnreadable(source, error);
  }
}
