import { escapeBytes } from '../bytes/escape';
import type { FileEntryView } from '../checkpoint/file-entry';
import { PROTOCOL } from '../checkpoint/open-kind';
import { PstreeView } from '../checkpoint/pstree-record';
import type { Terminals } from '../checkpoint/terminals';
import { OUTER } from '../checkpoint/unix-sockets';
import type { RecordPlace, Subscriber } from '../checkpoint/walk/subscriber';
import {
  FD_TYPES,
  FILE_ENTRY_FIELDS,
  INET_SK_ENTRY_FIELDS,
  MNT_ENTRY_FIELDS,
  UNIX_SK_ENTRY_FIELDS,
} from '../schema/generated/images';
import { DESCRIPTOR_LIST } from '../specs/descriptor-list';
import { FieldCursor } from '../wire/field-cursor';
import { externalKeyIn } from './external-keys';

/** What the images say of how they have to be restored. */
export interface RestoreNeeds {
  /** Options without which CRIU fails, or leaves out what the dump has. */
  readonly options: readonly RestoreOption[];
  /** `--shell-job` is there for a terminal alone: container runtimes have their own way to pass one. */
  readonly isJobByTerminal: boolean;
  /**
   * Terminals by their number in tty-info.img whose masters are outside: for what stays of them CRIU takes its own
   * terminal with `--shell-job`, or fails (tty.c, "No task found with sid").
   */
  readonly outerTerminals: readonly number[];
  /** runc, crun or youki have left their list of descriptors. */
  readonly hasDescriptorList: boolean;
  /** Keys of mounts that whoever restores has to name; escaped. No more than MAX_MOUNT_KEYS. */
  readonly externalMounts: readonly string[];
  /** Namespaces from outside, with the keys that CRIU inherits them by; escaped. No more than MAX_MOUNT_KEYS. */
  readonly externalNamespaces: readonly ExternalNamespace[];
  /** The first image of a mount namespace, if one was dumped. */
  readonly mountImage: string | undefined;
  /** The first image of a network namespace, if one was dumped. */
  readonly networkImage: string | undefined;
}

export interface ExternalNamespace {
  readonly kind: 'network namespace' | 'pid namespace';
  readonly key: string;
}

/** Options of criu restore that images can need. */
export const RESTORE_OPTIONS = [
  '--shell-job',
  '--tcp-established',
  '--tcp-close',
  '--ext-unix-sk',
  '--file-locks',
  '--allow-uprobes',
] as const;

export type RestoreOption = (typeof RESTORE_OPTIONS)[number];

/** More keys of mounts than a command line needs; an image could have millions. */
const MAX_MOUNT_KEYS = 1000;
/** Linux has no longer paths; a longer key is cut. */
const MAX_MOUNT_KEY_BYTES = 4096;
/** Keys that CRIU makes for itself: of mounts that it found to be external, and of devices. */
const OWN_MOUNT_KEY = /^CRIU:/;

/** Gathers in a walk what a restore has to be told. */
export class RestoreNeedsFinder {
  private readonly options = new Set<RestoreOption>();
  private readonly externalMounts = new Set<string>();
  private readonly externalNamespaces: ExternalNamespace[] = [];
  private mountImage: string | undefined;
  private networkImage: string | undefined;
  private hasDescriptorList = false;
  private readonly cursor = new FieldCursor();
  private readonly root = new PstreeView();

  /** Its part in a walk. */
  readonly events: Subscriber = {
    member: ({ name }) => {
      if (name.toString('latin1') === DESCRIPTOR_LIST) this.hasDescriptorList = true;
    },
    image: ({ kind }, { name }) => {
      if (kind.name === 'NETNS') this.networkImage ??= name.toString('latin1');
    },
    // CRIU refuses images that were dumped with these options unless the restore has them too (image.c).
    inventory: ({ tcp_close, allow_uprobes }) => {
      if (tcp_close) this.options.add('--tcp-close');
      if (allow_uprobes) this.options.add('--allow-uprobes');
    },
    task: (bytes, start, end, { entry }) => {
      if (entry === 0) this.seeRoot(bytes, start, end);
    },
    entryTypes: new Set([FD_TYPES.INETSK, FD_TYPES.UNIXSK]),
    entry: (view) => {
      if (view.type === FD_TYPES.INETSK) this.seeInternetSocket(view);
      else if (view.type === FD_TYPES.UNIXSK) this.seeUnixSocket(view);
    },
    mount: (bytes, start, end, at) => this.seeMount(bytes, start, end, at),
  };

  /** Of the same walk: the locks, which lie in an image of their own. Without the option, CRIU restores none (file-lock.c). */
  readonly lockEvents: Subscriber = {
    skips: ({ kind }) => kind.name !== 'FILE_LOCKS',
    tie: () => this.options.add('--file-locks'),
  };

  /** Of the same walk: namespaces, whose keys CRIU looks up among its own --inherit-fd ("Unable to find an external netns"). */
  readonly namespaceEvents: Subscriber = {
    skips: ({ kind }) => kind.external === undefined || kind.external === 'mount',
    external: (bytes, start, end, at) => this.seeNamespace(bytes, start, end, at),
  };

  conclude(terminals: Terminals): RestoreNeeds {
    const { options, hasDescriptorList, externalMounts, externalNamespaces, mountImage, networkImage } = this;
    // Sockets that are closed at the restore need no connection.
    if (options.has('--tcp-close')) options.delete('--tcp-established');
    return {
      options: [...options].sort(),
      isJobByTerminal: false,
      outerTerminals: terminals.outer(),
      hasDescriptorList,
      externalMounts: [...externalMounts],
      externalNamespaces,
      mountImage,
      networkImage,
    };
  }

  /** CRIU dumps a root task that leads no session with the option alone (pstree.c). */
  private seeRoot(bytes: Uint8Array, start: number, end: number): void {
    const { pid, sid } = this.root.read(bytes, start, end, () => {});
    if (pid !== sid) this.options.add('--shell-job');
  }

  /** What CRIU takes for a connection: TCP with a port on the other side (sk-inet.c, "Connected TCP socket in image"). */
  private seeInternetSocket({ member, bytes, start, end }: FileEntryView): void {
    if (member !== FILE_ENTRY_FIELDS.isk) return;
    const cursor = this.cursor.over(bytes, start, end);
    let [protocol, port] = [0, 0];
    while (cursor.next()) {
      if (cursor.number === INET_SK_ENTRY_FIELDS.proto) protocol = cursor.uint32();
      else if (cursor.number === INET_SK_ENTRY_FIELDS.dst_port) port = cursor.uint32();
    }
    if (protocol === PROTOCOL.TCP && port !== 0) this.options.add('--tcp-established');
  }

  /** CRIU writes an entry for the peer outside (sk-unix.c, "External socket found in image"). */
  private seeUnixSocket({ member, bytes, start, end }: FileEntryView): void {
    if (member !== FILE_ENTRY_FIELDS.usk) return;
    const cursor = this.cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number !== UNIX_SK_ENTRY_FIELDS.uflags) continue;
      if ((cursor.uint32() & OUTER) !== 0) this.options.add('--ext-unix-sk');
    }
  }

  /** CRIU looks the key of an external mount up among its options (mount.c, "No mapping for"). */
  private seeMount(bytes: Uint8Array, start: number, end: number, { open }: RecordPlace): void {
    this.mountImage ??= open.name;
    if (this.externalMounts.size >= MAX_MOUNT_KEYS) return;
    const cursor = this.cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number !== MNT_ENTRY_FIELDS.ext_key) continue;
      const key = escapeBytes(cursor.payload().subarray(0, MAX_MOUNT_KEY_BYTES));
      if (key !== '' && !OWN_MOUNT_KEY.test(key)) this.externalMounts.add(key);
    }
  }

  private seeNamespace(bytes: Uint8Array, start: number, end: number, { open }: RecordPlace): void {
    const { external: kind } = open.kind;
    if (kind === undefined || kind === 'mount' || this.externalNamespaces.length >= MAX_MOUNT_KEYS) return;
    const key = externalKeyIn(this.cursor.over(bytes, start, end), open.kind).subarray(0, MAX_MOUNT_KEY_BYTES);
    if (key.length > 0) this.externalNamespaces.push({ kind, key: escapeBytes(key) });
  }
}
