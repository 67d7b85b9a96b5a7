import { escapeBytes } from '../bytes/escape';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { walk } from '../checkpoint/walk/walk';
import { messages } from '../errors/messages';
import type { ImageKind } from '../frames/image-kinds';
import { shapeOf } from '../schema/shape';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';

const NO_KEY: Uint8Array = new Uint8Array();

/** The key of something that is no file and comes from outside: free text that the dump was given. */
export interface ExternalKey {
  readonly key: Buffer;
  readonly what: NonNullable<ImageKind['external']>;
  readonly image: string;
}

/** Reads the keys of external namespaces and mounts, in a pass of its own over their images. Throws FdgraftError. */
export async function readExternalKeys(source: Source, signal?: AbortSignal): Promise<ExternalKey[]> {
  const keys: ExternalKey[] = [];
  const cursor = new FieldCursor();
  const events: Subscriber = {
    external: (bytes, start, end, { open }) => {
      const { external } = open.kind;
      if (external === undefined) return;
      const key = externalKeyIn(cursor.over(bytes, start, end), open.kind);
      if (key.length > 0) keys.push({ key: Buffer.from(key), what: external, image: open.name });
    },
  };
  await walk(source, [events], signal);
  return keys;
}

/** The last key of an entry that can have one, as a part of its bytes; empty if it has none. */
export function externalKeyIn(entry: FieldCursor, { message }: ImageKind): Uint8Array {
  const field = shapeOf(message).fieldNamed('ext_key').number;
  let key = NO_KEY;
  while (entry.next()) if (entry.number === field) key = entry.payload();
  return key;
}

/** True where a spec has this key. */
export function hasKey({ keyText }: InheritSpec, { key }: ExternalKey): boolean {
  return keyText === key.toString('utf8') || keyText === escapeBytes(key);
}

/**
 * Of specs (given by number) that name no entry those that have the key of an external namespace, which CRIU itself
 * inherits. Throws FdgraftError (SPEC_SYNTAX) where one has options.
 */
export function findLeftToCriu(
  specs: readonly InheritSpec[],
  unmatched: readonly number[],
  keys: readonly ExternalKey[],
): Map<number, ExternalKey> {
  const left = new Map<number, ExternalKey>();
  for (const number of unmatched) {
    const spec = specs[number] as InheritSpec;
    const found = keys.find((key) => key.what !== 'mount' && hasKey(spec, key));
    if (found === undefined) continue;
    if (spec.options.length > 0) {
      throw messages.specHasOptions(
        spec.text,
        spec.options,
        `a key that is left to criu has none (${found.image} has it)`,
      );
    }
    left.set(number, found);
  }
  return left;
}
