import { isReachedByAddress } from '../../checkpoint/socket-types';
import { someOf } from '../../errors/some-of';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/**
 * CRIU looks up the mount of each open path at a dump, and knows the mounts of the container alone (tried: "Can't lookup
 * mount"). The rewrite never sees the caller's files.
 */
export function ownMountNamespace({ placeholders, found }: Decided): Warning[] {
  const { mountImage } = found.needs;
  if (mountImage === undefined || placeholders.length === 0) return [];
  const message = `the dump has a mount namespace of its own (${mountImage}): after a restore with a file, a named FIFO or /dev/null of the host, the next dump fails with "Can't lookup mount"; give pipes, which can be dumped again, or name the file to that dump with --external file[MNT:INO]`;
  return [{ code: 'OWN_MOUNT_NAMESPACE', message }];
}

/** A socket stays in the network namespace that it was made in (network_namespaces(7)), wherever its descriptor goes. */
export function ownNetworkNamespace({ placeholders, found }: Decided): Warning[] {
  const { networkImage } = found.needs;
  if (networkImage === undefined) return [];
  const keys = [
    ...new Set(placeholders.flatMap(({ match: { facts } }) => (isReachedByAddress(facts) ? facts.key : []))),
  ];
  if (keys.length === 0) return [];
  const message = `the dump has a network namespace of its own (${networkImage}), and the caller's socket stays in the one where it was made: nobody in the restored namespace reaches it as ${someOf(keys)}; if the restore joins a namespace that exists, make the socket there`;
  return [{ code: 'OWN_NETWORK_NAMESPACE', message }];
}
