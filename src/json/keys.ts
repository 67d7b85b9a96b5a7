/**
 * Keys that crit's JSON does not have. Each is there only where the others cannot say what the bytes are, and
 * holds bytes as base64.
 */

/** In a message: its bytes, where an encoder would make others of its fields. */
export const WIRE_KEY = '_wire';
/** In an image: its magics, where they are not those that every such image has. */
export const HEAD_KEY = '_head';
/** In an image: what stands behind the last record. */
export const TAIL_KEY = '_tail';
/** crit's own: what follows a record. */
export const EXTRA_KEY = 'extra';
