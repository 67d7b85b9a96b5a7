/** Types of entries that nothing but a descriptor names: the kernel makes them without a path or an address. */
import {
  EVENTFD_FILE_ENTRY,
  type FownEntry,
  INOTIFY_FILE_ENTRY,
  PIDFD_ENTRY,
  SIGNALFD_ENTRY,
  TIMERFD_ENTRY,
} from '../schema/generated/images';
import type { MessageSchema } from '../schema/message';
import type { Inheritance } from './inheritance';
import type { KindName } from './open-kind';

interface Nameless {
  readonly flags: number;
  readonly fown: FownEntry;
}

function nameless(name: KindName, schema: MessageSchema<Nameless>, lost: string): Inheritance {
  return {
    schema,
    owner: 'fown',
    describe: ({ flags, fown: owner }: Nameless) => ({
      key: name,
      isNameless: true,
      flags,
      owner,
      kind: { name },
      lost,
    }),
  };
}

export const EVENTFD = nameless('eventfd', EVENTFD_FILE_ENTRY, "the counter is that of the caller's eventfd");
export const INOTIFY = nameless(
  'inotify',
  INOTIFY_FILE_ENTRY,
  "it watches what the caller's inotify watches, under its numbers",
);
export const PIDFD = nameless('pidfd', PIDFD_ENTRY, 'it stands for the process that the caller opened');
export const SIGNALFD = nameless('signalfd', SIGNALFD_ENTRY, "the signals are those of the caller's signalfd");
export const TIMERFD = nameless('timerfd', TIMERFD_ENTRY, "the clock and the time are those of the caller's timerfd");
