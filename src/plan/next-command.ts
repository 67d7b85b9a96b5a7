import { escapeBytes } from '../bytes/escape';
import { appends } from '../checkpoint/open-flags';
import { isOpenable, type OpenKind } from '../checkpoint/open-kind';
import type { ExternalNamespace, RestoreNeeds, RestoreOption } from '../rewrite/restore-needs';
import type { Plan, PlanPlaceholder } from './plan';

/** How a shell opens a descriptor of the caller's for a restore. */
export interface Redirection {
  readonly fd: number;
  /** With the access that the plan needs, and without losing what the plan goes on with. */
  readonly operator: '<' | '>' | '>>' | '<>';
  /** Another thing than a file: a FIFO, or a pipe in its place, gets the unread bytes; criu itself takes a namespace. */
  readonly opens?: 'FIFO' | 'DIRECTORY' | 'NAMESPACE';
}

/** A descriptor that has to be open before the command starts. */
export interface PassedDescriptor {
  readonly fd: number;
  readonly kind: OpenKind;
}

/** What is to be run after a rewrite. */
export interface NextCommand {
  /** What restores the checkpoint: the runtime that the images are of. 'other': one that they do not name. */
  readonly restorer: 'criu' | 'runc' | 'podman' | 'other';
  /** If the result is an archive: the command that unpacks it before, as words, into a directory DIR of the user's. */
  readonly unpack?: readonly string[];
  /** If podman wants an archive of the result: the command that makes it before, as words. */
  readonly pack?: readonly string[];
  readonly words: readonly string[];
  /** Words in all of these that the user replaces. */
  readonly placeholders: readonly CommandPlaceholder[];
  /** Ascending by number. */
  readonly redirections: readonly Redirection[];
  /** Descriptors that no redirection of a shell opens, and what each has to be; ascending by number. */
  readonly passed: readonly PassedDescriptor[];
  /** Keys of external mounts that the restorer has to name; only if the images do not tell which one it is. */
  readonly externalMounts: readonly string[];
  /** Namespaces from outside that criu has to be given by an `--inherit-fd` of its own; those of `words` are left out. */
  readonly externalNamespaces: readonly ExternalNamespace[];
  /**
   * If criu restores a mount namespace: the image of it. CRIU then needs the `--root` of the dump, if it had one; no image
   * records that.
   */
  readonly mountNamespace?: string;
  /** If podman restores from one place alone and the result is elsewhere: where it has to be put before. */
  readonly moveTo?: string;
}

/** Words of the command that the user replaces. */
export type CommandPlaceholder = 'DIR' | 'NEW.tar' | 'BUNDLE' | 'ID' | 'COMMAND';

/** What was rewritten, and where it is. */
export interface Rewritten {
  readonly out: string;
  /** Path of the image directory in it; empty if that is the top. */
  readonly inside: string;
  readonly isArchive: boolean;
  readonly isInPlace: boolean;
  readonly podman?: PodmanPlace;
}

/** Where podman restores a checkpoint from: an export, as an archive or unpacked, or its own store. */
export type PodmanPlace =
  | { readonly kind: 'export' }
  | { readonly kind: 'unpacked'; readonly images: string; readonly around: string }
  | { readonly kind: 'stored'; readonly images: string; readonly container: string };

/** Of the options that CRIU may need, those that `runc restore` and `crun restore` have. */
const OF_RUNC: readonly RestoreOption[] = ['--tcp-established', '--ext-unix-sk', '--shell-job', '--file-locks'];
/** And those of `podman container restore`. */
const OF_PODMAN: readonly RestoreOption[] = ['--tcp-established', '--file-locks'];

/** The command that restores what was rewritten. `leftToCriu`: specs that criu itself is to be given. */
export function nextCommand(
  plan: Plan,
  rewritten: Rewritten,
  leftToCriu: readonly string[],
  needs: RestoreNeeds,
): NextCommand {
  const { images, start, ...rest } = howToStart({ ...rewritten, out: asOperand(rewritten.out) }, leftToCriu, needs);
  const passed = passedTo(plan);
  const words = ['fdgraft-exec', '--plan', images, '--', ...start];
  const redirections = [...redirectionsOf(plan, passed), ...namespacesOf(rest.restorer === 'criu' ? leftToCriu : [])];
  return { ...rest, words, redirections: redirections.sort((a, b) => a.fd - b.fd), passed };
}

/** The value of --plan, and the command that fdgraft-exec starts. */
interface HowToStart extends Omit<NextCommand, 'words' | 'redirections' | 'passed'> {
  readonly images: string;
  readonly start: readonly string[];
}

function howToStart(rewritten: Rewritten, leftToCriu: readonly string[], needs: RestoreNeeds): HowToStart {
  const { podman } = rewritten;
  // podman leaves runc's list of descriptors too: its own signs come first.
  if (podman !== undefined) return withPodman(rewritten, podman, needs);
  const { images, unpack, placeholders } = whereImagesAre(rewritten);
  const common = { images, ...unpack, externalMounts: [], externalNamespaces: [] };
  if (needs.hasDescriptorList) {
    const options = needs.options.filter(
      (option) => OF_RUNC.includes(option) && !(option === '--shell-job' && needs.isJobByTerminal),
    );
    const start = ['runc', 'restore', '--image-path', images, '--bundle', 'BUNDLE', ...options, 'ID'];
    return { ...common, restorer: 'runc', placeholders: [...placeholders, 'BUNDLE', 'ID'], start };
  }
  if (needs.externalMounts.length > 0) {
    const { externalMounts } = needs;
    return {
      ...common,
      restorer: 'other',
      placeholders: [...placeholders, 'COMMAND'],
      start: ['COMMAND'],
      externalMounts,
    };
  }
  const inherited = leftToCriu.flatMap((spec) => ['--inherit-fd', spec]);
  const start = ['criu', 'restore', '-D', images, ...needs.options, ...inherited];
  const mounted = needs.mountImage === undefined ? {} : { mountNamespace: needs.mountImage };
  const given = new Set(leftToCriu.map((spec) => escapeBytes(Buffer.from(spec.slice(spec.indexOf(':') + 1)))));
  const externalNamespaces = needs.externalNamespaces.filter(({ key }) => !given.has(key));
  return { ...common, ...mounted, externalNamespaces, restorer: 'criu', placeholders, start };
}

function withPodman(rewritten: Rewritten, podman: PodmanPlace, { options }: RestoreNeeds): HowToStart {
  const { out, isArchive, isInPlace } = rewritten;
  const restore = ['podman', 'container', 'restore', ...options.filter((option) => OF_PODMAN.includes(option))];
  const common = { restorer: 'podman', externalMounts: [], externalNamespaces: [] } as const;
  if (podman.kind === 'export') {
    // The executor reads the plan from the archive that podman imports.
    if (isArchive) return { ...common, images: out, placeholders: [], start: [...restore, '--import', out] };
    return {
      ...common,
      images: whereImagesAre(rewritten).images,
      ...packed(out),
      start: [...restore, '--import', NEW_ARCHIVE],
    };
  }
  const { images } = podman;
  const moved = isInPlace ? {} : { moveTo: images };
  if (podman.kind === 'stored') {
    return { ...common, images, ...moved, placeholders: [], start: [...restore, podman.container] };
  }
  return { ...common, images, ...moved, ...packed(podman.around), start: [...restore, '--import', NEW_ARCHIVE] };
}

const NEW_ARCHIVE = 'NEW.tar';

function packed(directory: string): Pick<HowToStart, 'pack' | 'placeholders'> {
  return { pack: ['tar', '-cf', NEW_ARCHIVE, '-C', directory, '.'], placeholders: [NEW_ARCHIVE] };
}

/** The directory that --plan of the executor takes: of an archive, one that it has to be unpacked to. */
function whereImagesAre({ out, inside, isArchive }: Rewritten): {
  images: string;
  unpack: Pick<NextCommand, 'unpack'>;
  placeholders: readonly CommandPlaceholder[];
} {
  const top = isArchive ? 'DIR' : out;
  const images = inside === '' ? top : `${top}/${inside}`;
  if (!isArchive) return { images, unpack: {}, placeholders: [] };
  return { images, unpack: { unpack: ['tar', '-xf', out, '-C', 'DIR'] }, placeholders: ['DIR'] };
}

/**
 * A path that no program takes for an option, and tar not for one on another host: GNU tar takes `a:b` so, unless a slash
 * comes before the colon. Other tars have no option against it.
 */
function asOperand(file: string): string {
  return /^-|^[^/]*:/.test(file) ? `./${file}` : file;
}

function passedTo({ placeholders }: Plan): PassedDescriptor[] {
  const kinds = new Map<number, OpenKind>();
  for (const { caller_fd: fd, kind } of placeholders) {
    if (kind === undefined || isOpenable(kind) || kinds.has(fd)) continue;
    kinds.set(fd, kind);
  }
  return [...kinds].map(([fd, kind]) => ({ fd, kind })).sort((a, b) => a.fd - b.fd);
}

function redirectionsOf(plan: Plan, passed: readonly PassedDescriptor[]): Redirection[] {
  const isPassed = new Set(passed.map(({ fd }) => fd));
  const numbers = [...plan.placeholders, ...plan.debugs].map(({ caller_fd }) => caller_fd);
  return [...new Set(numbers)]
    .filter((fd) => !isPassed.has(fd))
    .sort((a, b) => a - b)
    .map((fd) => {
      const taken = plan.placeholders.filter(({ caller_fd }) => caller_fd === fd);
      const isTold = plan.debugs.some(({ caller_fd }) => caller_fd === fd);
      return { fd, operator: operatorFor(taken, isTold), ...openedFor(taken) };
    });
}

/** Keys that are left to criu are those of namespaces. */
function namespacesOf(leftToCriu: readonly string[]): Redirection[] {
  const numbers = leftToCriu.map((spec) => Number(/^fd\[(\d+)\]/.exec(spec)?.[1]));
  return [...new Set(numbers)].map((fd) => ({ fd, operator: '<', opens: 'NAMESPACE' }));
}

function openedFor(taken: readonly PlanPlaceholder[]): Pick<Redirection, 'opens'> {
  if (taken.some(({ kind }) => kind?.name === 'directory')) return { opens: 'DIRECTORY' };
  return taken.some(({ in_flight }) => in_flight.some(({ fate }) => fate === 'REPLAY')) ? { opens: 'FIFO' } : {};
}

function operatorFor(taken: readonly PlanPlaceholder[], isTold: boolean): Redirection['operator'] {
  const isCut = taken.some(({ truncate_to }) => truncate_to !== undefined);
  const writes = isTold || isCut || taken.some(({ needs_write }) => needs_write);
  if (!writes) return '<';
  // A file to cut, or one with a saved offset, exists already: it must not be emptied, nor overwritten from its start.
  if (taken.some(({ needs_read, position }) => needs_read || position === 'SAVED')) return '<>';
  const isAtEnd = taken.some(({ was, position }) => appends(was.flags) || position === 'END');
  return isCut || isAtEnd || writeApart(taken) ? '>>' : '>';
}

/** Files that share a caller fd are opened again, each with an offset of its own: without O_APPEND they overwrite each other. */
function writeApart(taken: readonly PlanPlaceholder[]): boolean {
  const writing = taken.filter(({ needs_write, apply }) => needs_write && apply !== 'DUP');
  return writing.length > 1 && writing.some(({ was }) => was.type === 'REG' && was.offset !== undefined);
}
