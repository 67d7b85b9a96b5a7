import type { ImageKind } from '../frames/image-kinds';
import type { TailRules } from '../frames/record-reader';
import { shapeOf } from './shape';

/** Where the records of such an image end, if bytes follow that are none. */
export function tailRules({ hasOne, message }: ImageKind): TailRules {
  return { afterFirst: hasOne, atEmpty: shapeOf(message).requiredCount > 0 };
}
