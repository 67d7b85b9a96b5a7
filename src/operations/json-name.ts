import { identifyImage, rawFileOf } from '../frames/image-kinds';

/** The JSON of an image in a directory is named after it. */
export const JSON_ENDING = '.json';

/** True for the names of images that can be JSON, which raw files cannot. */
export function isImageWithRecords(name: string): boolean {
  return identifyImage(name) !== undefined && rawFileOf(name) === undefined;
}

/** True for the names of such JSON. */
export function isJsonOfImage(name: string): boolean {
  return name.endsWith(JSON_ENDING) && identifyImage(name.slice(0, -JSON_ENDING.length)) !== undefined;
}
