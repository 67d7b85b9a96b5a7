import type { ImageKind, ImageName } from '../frames/image-kinds';
import type { TailRules } from '../frames/record-reader';
import { shapeOf } from './shape';

/** The images of which CRIU reads one record and no more. */
const OF_ONE_RECORD: ReadonlySet<ImageName> = new Set<ImageName>([
  'INVENTORY',
  'CORE',
  'IDS',
  'MM',
  'CREDS',
  'FS',
  'UTSNS',
  'TIMENS',
  'PIDNS',
  'USERNS',
  'NETNS',
  'IPC_VAR',
  'CGROUP',
  'SECCOMP',
  'APPARMOR',
  'CPUINFO',
  'TCP_STREAM',
  'STATS',
]);

/** Where the records of such an image end, if bytes follow that are none. */
export function tailRules({ name, message }: ImageKind): TailRules {
  return { afterFirst: OF_ONE_RECORD.has(name), atEmpty: shapeOf(message).requiredCount > 0 };
}
