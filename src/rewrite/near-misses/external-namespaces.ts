import { escapeBytes } from '../../bytes/escape';
import { shellQuote } from '../../bytes/shell-word';
import { someOf } from '../../errors/some-of';
import type { InheritSpec } from '../../specs/spec';
import { type ExternalKey, hasKey } from '../external-keys';
import { alreadyKnown, type Hinter, type Known } from './hinter';

/** Keys of external namespaces and mounts, which CRIU takes itself. */
export function hintExternalNamespaces(spec: InheritSpec, { keys }: Known): Hinter {
  const own = keys.find((key) => hasKey(spec, key));
  if (own !== undefined) return alreadyKnown([tellOwner(own)]);
  return alreadyKnown([/^ext[A-Z]\w*$/.test(spec.keyText) ? tellNamespaces(keys) : undefined]);
}

function tellOwner({ key, what, image }: ExternalKey): string {
  const text = escapeBytes(key);
  const remedy =
    what === 'mount'
      ? `criu restore --external ${shellQuote(`mnt[${text}]:PATH`)} takes it`
      : 'criu restore --inherit-fd takes it itself: leave it out here';
  return `${text} is the key of an external ${what} (${image}); ${remedy}`;
}

function tellNamespaces(keys: readonly ExternalKey[]): string {
  const named = keys
    .filter(({ what }) => what !== 'mount')
    .map(({ key, what, image }) => `${escapeBytes(key)} of the ${what} (${image})`);
  return named.length === 0
    ? 'no namespace of the checkpoint is external: no image has an ext_key'
    : `the keys of external namespaces are: ${someOf(named)}`;
}
