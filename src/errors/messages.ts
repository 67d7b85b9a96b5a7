/**
 * Every message of fdgraft, in one place. Each says what is wrong and where, what is allowed, and the
 * way out. Text from bytes arrives here escaped (bytes/escape.ts); control characters of all text are escaped here.
 */

import fs from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { escapeControls } from '../bytes/escape';
import { shellQuote, shellWord } from '../bytes/shell-word';
import { codeOf } from './code-of';
import { type Denied, isDenied } from './denied';
import { escapingArguments } from './escaping-arguments';
import { type ErrorDetails, FdgraftError, type Place } from './fdgraft-error';
import { someOf } from './some-of';

/** If the process lacks what it needs, that is the reason, whatever was tried: the hint says how to get it. */
const error = (details: ErrorDetails) =>
  new FdgraftError({ ...details, hint: hintOfProcess(details.cause) ?? details.hint });

/** The standard input in messages, in the place of a file. */
const STDIN = 'stdin';

/** An input as a word of a command. */
function inputWord(file: string): string {
  return file === STDIN ? '-' : shellWord(file);
}

/** The option that makes a command write a file that was read. */
function outOption(file: string | undefined): string {
  return file === undefined || file === STDIN ? '' : ` -o ${shellWord(file)}`;
}

/** A limit of open files that every command does with. */
const ENOUGH_OPEN_FILES = 1024;

function raiseLimit(): string {
  return `raise the limit of open files: ulimit -n ${ENOUGH_OPEN_FILES}`;
}

function hintOfProcess(cause: unknown): string | undefined {
  if (isOfRemovedDirectory(cause)) return 'go to a directory that exists (cd), or give absolute paths';
  switch (codeOf(cause)) {
    case 'EMFILE':
      return raiseLimit();
    case 'ENFILE':
      return 'wait until other programs have closed files, or raise the limit of the system: sysctl fs.file-max';
    default:
      return undefined;
  }
}

/** True if a relative path leads nowhere because the current directory is gone. */
function isOfRemovedDirectory(cause: unknown): boolean {
  if (codeOf(cause) !== 'ENOENT') return false;
  const { path: file, syscall } = cause as NodeJS.ErrnoException;
  if (syscall === 'uv_cwd') return true;
  return file !== undefined && !path.isAbsolute(String(file)) && isCurrentDirectoryRemoved();
}

function isCurrentDirectoryRemoved(): boolean {
  try {
    process.cwd();
    return false;
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}

/** So many specs are told of at once. */
const MAX_SPECS_TOLD = 20;

function hasProc(): boolean {
  return process.platform !== 'linux' || fs.existsSync('/proc/self');
}

function reason(cause: unknown): string {
  const code = codeOf(cause);
  switch (code) {
    case 'ENOENT':
      if (isOfRemovedDirectory(cause)) return 'the current directory was removed';
      // Files are reached through it: without it, none seems to be there.
      return hasProc() ? 'it does not exist' : '/proc is not mounted, and fdgraft needs it; mount -t proc proc /proc';
    case 'EACCES':
    case 'EPERM':
      return `permission denied (${code})`;
    case 'ENOSPC':
      return 'the disk is full (ENOSPC)';
    case 'ELOOP':
      return 'it is a symbolic link, or became one (ELOOP)';
    case 'EMFILE':
      return 'this process has as many files open as it may (EMFILE)';
    case 'ENFILE':
      return 'the system has as many files open as it may (ENFILE)';
    default:
      // The numbers of zlib's errors are others than the system's.
      return code === '' || code.startsWith('Z_')
        ? escapeControls(String((cause as Error)?.message ?? cause))
        : errnoText(cause as NodeJS.ErrnoException);
  }
}

/** The system's own words for an error: Node's message has paths in it, as they are. */
function errnoText({ errno, code }: NodeJS.ErrnoException): string {
  const [, text] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return text === undefined ? `${code}` : `${text} (${code})`;
}

/** An entry of a type that cannot be inherited, which a spec names. */
export interface UnsupportedEntry {
  readonly spec: string;
  /** Name of the type, file id, and number of the record in files.img. */
  readonly type: string;
  readonly id: number;
  readonly entry: number;
  /** Why it cannot be inherited, where there is more to say than that it is not supported. */
  readonly why: string | undefined;
}

function deniedText({ path: place, isDirectory, right, uid, mode }: Denied): string {
  const what = isDirectory ? 'directory' : 'file';
  return `you may not ${right} the ${what} ${place} (uid ${uid}, mode ${mode.toString(8).padStart(4, '0')})`;
}

function deniedHint(denied: Denied | undefined): string {
  if (denied === undefined) return 'run fdgraft as a user who may read it, or as root';
  if (denied.isOwn) return `it is yours: chmod u+r${denied.isDirectory ? 'x' : ''} ${shellWord(denied.path)}`;
  return denied.uid === 0 ? 'run fdgraft as root' : `run fdgraft as uid ${denied.uid}, its owner, or as root`;
}

const texts = {
  usage: (problem: string, hint?: string) => error({ code: 'USAGE', problem, hint }),
  idsOfPlan: () =>
    error({
      code: 'USAGE',
      problem: 'a plan says which ids a rewrite kept, so they cannot be ignored',
      hint: 'give --plan, or --ignore-ids',
    }),

  // Sources and sinks.
  cannotReadSource: (source: string, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: `cannot be read: ${reason(cause)}`,
      hint: `${/[*?[{]/.test(source) ? 'fdgraft batch takes patterns; ' : ''}give the directory that criu dump wrote (its -D or --images-dir)`,
      cause,
    }),
  accessDenied: (source: string, denied: Denied | undefined, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: `cannot be read: ${denied === undefined ? reason(cause) : deniedText(denied)}`,
      hint: deniedHint(denied),
      cause,
    }),
  sourceIsStream: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'is a pipe, and an archive is read more than once',
      hint: 'write it to a file first: cat >ckpt.tar',
    }),
  sourceIsNoDirectory: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'is neither a directory nor an archive',
      hint: 'give an image directory, or an archive of one: tar, plain or compressed by gzip or zstd',
    }),
  archiveForImage: (archive: string) =>
    error({
      code: 'USAGE',
      file: archive,
      problem: 'is an archive, and this takes one image',
      hint: 'decode ARCHIVE -o OUT makes JSON of all its images; or unpack it and name one of them',
    }),
  compressionUnknown: (archive: string, name: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: archive,
      problem: `is compressed by ${name}`,
      hint: 'archives are read plain or compressed by gzip or zstd; compress it otherwise, or unpack it and give the directory',
    }),
  needsZstd: (archive: string) =>
    error({
      code: 'SYSTEM',
      file: archive,
      problem: 'needs the program zstd, which is not there',
      hint: 'install it (Debian and Ubuntu: apt-get install zstd)',
    }),
  zstdNotStarted: (archive: string, cause: unknown) =>
    error({
      code: 'SYSTEM',
      file: archive,
      problem: `needs the program zstd, which could not be started: ${reason(cause)}`,
      hint: 'see that the zstd in PATH can be run, as zstd --version does',
    }),
  zstdFailed: (archive: string, problem: string) =>
    error({
      code: 'SYSTEM',
      file: archive,
      problem: `the program zstd ${problem}`,
      hint: 'try again; the system kills programs where memory runs out, and a zstd that always fails is to be installed anew',
    }),
  archiveWindowTooLarge: (archive: string) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      problem: 'was compressed by zstd in a way that takes too much memory to unpack (zstd --long)',
      hint: 'compress it again without --long, or unpack it (zstd -d --long=31) and give what comes out',
    }),
  archiveChanged: (archive: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: archive,
      problem: 'was changed by someone else while it was read',
      hint: 'wait until it is complete, and try again',
    }),
  sourceMemberChanged: (source: string, member: string, what: 'was added' | 'was removed' | 'was changed') =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: `${member} ${what} while the image directory was read`,
      hint: 'wait until the dump is complete, and try again',
    }),
  sourceMoved: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'was moved or replaced while it was read',
      hint: `look what ${source} is now, and try again`,
    }),
  archiveCutOff: (archive: string, offset: number) =>
    error({
      code: 'ARCHIVE_DAMAGED',
      file: archive,
      offset,
      problem: 'the archive ends before its end mark, so it is cut off',
      hint: 'fetch it again; the offset counts the bytes of the tar, without compression',
    }),
  archiveDamaged: (archive: string, offset: number, cause: unknown) =>
    error({
      code: 'ARCHIVE_DAMAGED',
      file: archive,
      offset,
      problem: `cannot be unpacked from here on: ${reason(cause)}`,
      hint: 'fetch it again; the offset counts the bytes of the tar, without compression',
      cause,
    }),
  archiveHasMore: (archive: string, offset: number) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      offset,
      problem: 'has bytes behind the end of what is compressed',
      hint: 'fetch it again, or cut it off there; this offset counts bytes of the file as it is',
    }),
  archiveUnusable: (archive: string, offset: number, problem: string) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      offset,
      problem,
      hint: 'archives of GNU tar, bsdtar and Go are read; the offset counts the bytes of the tar, without compression',
    }),
  archiveIsBomb: (archive: string, packed: number, unpacked: number) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      problem: `has ${packed} bytes and unpacks to more than ${unpacked}, which looks like a trap`,
      hint: 'if it is none, unpack it (gzip -d, zstd -d, tar -x) and give what comes out',
    }),
  fileIsTrap: (file: string, stored: number, size: number) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `has ${stored} bytes on disk and holes up to ${size}, which looks like a trap`,
      hint: 'if it is none, copy the checkpoint without holes (cp -r --sparse=never) and give the copy',
    }),
  linksAreTrap: (file: string, size: number, read: number) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `is one of many names of the same files: ${read} bytes were read of ${size}, which looks like a trap`,
      hint: 'if it is none, copy the checkpoint without links (cp -rL) and give the copy',
    }),
  memberRefused: (archive: string, member: string, offset: number, problem: string, hint?: string) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      offset,
      problem: `its member ${member} ${problem}`,
      hint: hint ?? 'all members of a checkpoint lie below one directory, each once',
    }),
  severalImageDirectories: (archive: string, directories: readonly string[]) =>
    error({
      code: 'ARCHIVE_UNUSABLE',
      file: archive,
      problem: `has several image directories: ${namedDirectories(directories)}`,
      hint: 'unpack it and give the directory that you mean; where one is called checkpoint, that one is taken',
    }),
  memberChanged: (source: string, member: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: `${member} became longer or shorter while it was read`,
      hint: 'wait until the dump is complete, and try again',
    }),
  dumpUnfinished: (source: string, log?: string, lastErrors?: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem:
        'has images but no inventory.img, which CRIU writes last, so its dump did not finish' +
        (lastErrors === undefined ? '' : `; the last errors in ${log}: ${lastErrors}`),
      hint:
        log === undefined || lastErrors !== undefined
          ? 'wait if criu dump still runs; otherwise dump again'
          : `wait if criu dump still runs; otherwise look into ${log}, and dump again`,
    }),
  noInventory: (source: string, below: readonly string[] = []) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'has no inventory.img, so it is not an image directory of CRIU',
      hint: whereImagesAre(below),
    }),
  containerImage: (source: string, isArchive: boolean) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'is a container image, not a checkpoint',
      hint: `${isArchive ? 'unpack it and ' : ''}give the layer that holds the checkpoint: a tar archive in blobs/sha256, or one called layer.tar`,
    }),
  cannotRead: (file: string, cause: unknown) =>
    error({
      code: 'SYSTEM',
      file,
      problem: `cannot be read: ${reason(cause)}`,
      hint: isDenied(cause) ? 'run fdgraft as the owner of the file, or as root' : undefined,
      cause,
    }),
  directoryForFile: (file: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'is a directory',
      hint: 'give a file',
    }),
  notARegularFile: (file: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'is not a regular file',
      hint: 'images are regular files, or links to regular files',
    }),
  linkNotTrusted: (file: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'is a symbolic link to a file that belongs to somebody else than the link does',
      hint: 'following it could show you a file that the maker of the directory cannot read; put the image itself there',
    }),
  cannotWriteOut: (out: string, cause: unknown, member?: string) =>
    cause instanceof FdgraftError
      ? cause
      : error({
          code: 'OUT_UNUSABLE',
          file: out,
          problem: `cannot be written${member === undefined ? '' : ` (${member})`}: ${reason(cause)}`,
          hint: isDenied(cause)
            ? `give a path in a directory that you may write into, not in ${path.dirname(out)}`
            : undefined,
          cause,
        }),
  notFlushed: (out: string, cause: unknown) =>
    error({
      code: 'OUT_NOT_FLUSHED',
      file: out,
      problem: `is written whole, and may be lost in a power failure: ${reason(cause)}`,
      hint: 'check the disk, then run `sync`',
      cause,
    }),
  cannotExchange: (directory: string, problem: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `cannot be rewritten in place: ${problem}`,
      hint: 'nothing was changed; -o OUT makes a directory of its own',
    }),
  exchangeNotStarted: (directory: string, program: string, cause: unknown) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `cannot be rewritten in place: ${program} cannot be started: ${reason(cause)}`,
      hint: 'nothing was changed; npm run build makes that program anew, and -o OUT does without it',
      cause,
    }),
  insideOfSource: (directory: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: 'is the current directory or around it, and a rewrite in place puts another directory there',
      hint: 'change to a directory outside first; else what you do next is done in the old one, which is gone then',
    }),
  sourceChanged: (directory: string, member: string, leftIn: string | undefined) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `${member} was changed, added or removed by someone else while it was rewritten`,
      hint:
        leftIn === undefined
          ? 'nothing was changed; wait until the dump is complete, and try again'
          : `the directory is as it was; what came into the new one for a moment is in ${leftIn}/directory`,
    }),
  notExchangedBack: (directory: string, work: string, problem: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `was rewritten, but others changed it meanwhile, and the old one could not be put back: ${problem}`,
      hint: `the directory as it was, with what has come in, is ${work}/directory`,
    }),
  strangeLeftover: (directory: string, work: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `an earlier run in place was killed, and ${work}/directory, which it left, holds something that came in meanwhile`,
      hint: 'move that where it belongs, and remove the rest',
    }),
  outNotUtf8: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'has the character U+FFFD, which is what Node makes of bytes that are not UTF-8',
      hint: 'give it a name in UTF-8 and rename it afterwards',
    }),
  outExists: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'exists already',
      hint: 'name something that is not there yet; what exists is never touched',
    }),
  outIsSource: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'is the source itself',
      hint: 'name something that is not there yet; only fdgraft rewrite --in-place replaces its source',
    }),
  outIsDirectory: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'is a directory',
      hint: 'name a file: one image gives one file',
    }),
  outDirectoryMissing: (out: string, directory: string, cause: unknown) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: isOfRemovedDirectory(cause)
        ? `cannot be written: ${reason(cause)}`
        : `the directory ${directory}, which it is to be in, does not exist`,
      hint: 'make that directory first (mkdir -p), or name another place',
      cause,
    }),
  outThroughLink: (out: string, link: string, target: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: `leads through ${link}, a symbolic link to ${target}, which belongs to somebody else than the link does`,
      hint: `name the place without that link; ${target} is where it leads`,
    }),
  outDirectoryMoved: (directory: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: 'was moved or replaced by a link while the output was begun',
      hint: `look what ${directory} is now, and try again; others can rename it or a directory above it`,
    }),
  outInsideSource: (out: string, source: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: `lies inside the source ${source}`,
      hint: 'the source is never changed: name a directory elsewhere',
    }),
  convertedTwice: (file: string, name: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `would become ${name}, and another member is that already`,
      hint: 'move one of the two elsewhere',
    }),
  nothingToConvert: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'has nothing to convert',
      hint: 'decode takes a directory with images, and encode one that decode made, with NAME.img.json in it',
    }),
  jsonInSource: (file: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'has a name that decode gives, and encode would make an image of it',
      hint: 'move it elsewhere',
    }),
  outIsCompared: (out: string, place: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: `is, or lies inside, ${place}, which is only read`,
      hint: 'write what differs elsewhere',
    }),
  planIsSource: (file: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file,
      problem: 'is the source, and the plan would take its place',
      hint: 'save the plan as a file of its own',
    }),
  planInsideSource: (file: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file,
      problem: 'lies inside the source, which is never changed',
      hint: 'save the plan elsewhere',
    }),
  planIsOut: (file: string) =>
    error({ code: 'OUT_UNUSABLE', file, problem: 'is OUT too', hint: 'save the plan elsewhere; OUT has it as well' }),
  planIsDirectory: (file: string) =>
    error({ code: 'OUT_UNUSABLE', file, problem: 'is a directory', hint: 'name a file for the plan' }),
  linkUnsupported: (mode: string, file: string) =>
    error({
      code: 'LINK_UNSUPPORTED',
      file,
      problem: `the file system cannot make a ${mode === 'hard' ? 'hard link' : 'reflink'} to it in OUT's place`,
      hint: 'use --link auto, or put OUT on the same file system',
    }),
  systemError: (cause: unknown, file?: string) =>
    cause instanceof FdgraftError ? cause : error({ code: 'SYSTEM', file, problem: reason(cause), cause }),

  madeButNotTold: (out: string, cause: unknown) =>
    error({
      code: 'SYSTEM',
      file: 'stdout',
      problem: `cannot be written: ${reason(cause instanceof FdgraftError ? cause.cause : cause)}`,
      hint: `the rewrite itself is done, and ${out} is complete: its plan is inherit-plan.img`,
      cause,
    }),

  fewDescriptors: (free: number, needed: number, limit: number) =>
    error({
      code: 'SYSTEM',
      problem: `this process may open ${free} more files, and needs up to ${needed}: its limit is ${limit}`,
      hint: raiseLimit(),
    }),

  // criu restore in one step.
  criuOptionUnknown: (where: string, option: string) =>
    error({
      code: 'USAGE',
      problem: `${where}: criu has no option ${option}`,
      hint: 'criu restore --help and fdgraft restore --help list the options',
    }),
  criuOptionAmbiguous: (where: string, option: string, options: readonly string[]) =>
    error({
      code: 'USAGE',
      problem: `${where}: ${option} is cut too short: it can be ${options.join(', ')}`,
      hint: `write one of them in full, such as ${options[0]}`,
    }),
  criuOptionNeedsValue: (where: string, option: string) =>
    error({ code: 'USAGE', problem: `${where}: ${option} needs a value`, hint: 'criu restore --help says which' }),
  criuOptionHasValue: (where: string, option: string, value: string) =>
    error({
      code: 'USAGE',
      problem: `${where}: ${option} takes no value, and has '${value}'`,
      hint: `write ${option}`,
    }),
  criuHelp: () =>
    error({
      code: 'USAGE',
      problem: 'restore: criu would print its help or its version, and restore nothing',
      hint: 'run criu restore --help or criu --version; fdgraft restore --help prints the help of fdgraft',
    }),
  wordIsNoText: (word: string) =>
    error({
      code: 'USAGE',
      problem: `the word '${word}' has bytes that are not UTF-8, which Node.js cannot pass on to criu`,
      hint: 'give that path another name, such as a link with a name that is text',
    }),
  restoreSibling: (where: string) =>
    error({
      code: 'USAGE',
      problem: `${where}: -S (--restore-sibling) would make the restored tree a child of fdgraft, not of your process`,
      hint: 'rewrite first, then run fdgraft-exec --plan OUT -- criu restore -S …, which becomes criu itself',
    }),
  restoreStream: (where: string) =>
    error({
      code: 'USAGE',
      problem: `${where}: --stream takes the images from criu-image-streamer, and there is no image directory to rewrite`,
      hint: 'extract the images into a directory, and leave --stream out',
    }),
  noSpecsToRestore: () =>
    error({
      code: 'USAGE',
      problem: 'no spec was given: --inherit-fd, --specs and --from-descriptors name what is inherited',
      hint: 'fdgraft ls DIR prints what can be inherited, ready to paste; without specs, run criu restore itself',
    }),
  restoreTakesOption: (word: string) =>
    error({
      code: 'USAGE',
      problem: `'${escapeControls(word)}' is no option, and restore takes the words of criu restore`,
      hint: 'give the image directory by -D DIR',
    }),
  restoreNeedsDirectory: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'is an archive, and criu restores image directories',
      hint: 'unpack it and give the directory with the images to -D',
    }),
  restoreNeedsLinux: () =>
    error({ code: 'SYSTEM', problem: 'fdgraft restore needs Linux', hint: 'run it where criu runs' }),
  callerFdNotOpen: (spec: string, fd: number, clear: number | undefined) =>
    error({
      code: 'USAGE',
      problem: `spec '${spec}': descriptor ${fd} was not open when fdgraft was started`,
      hint:
        clear === undefined
          ? `open it, as the shell does: fdgraft restore … ${fd}>>FILE`
          : `open it, as the shell does: fdgraft restore … ${fd}>>FILE. If it was open on a pipe to itself, an event queue or /dev/null, use a number from ${clear} on: Node.js opens the same below that`,
    }),
  nativeNotStarted: (program: string, cause: unknown) =>
    error({
      code: 'SYSTEM',
      problem: `${program} cannot be started: ${reason(cause)}`,
      hint: 'npm run build makes it; make -C native install puts it into PATH',
      cause,
    }),
  noRuntimeDirectory: (places: readonly { path: string; cause: unknown }[]) =>
    error({
      code: 'SYSTEM',
      problem:
        places.length === 0
          ? 'no directory for the rewritten images: XDG_RUNTIME_DIR is not an absolute path'
          : places.map(({ path: place, cause }) => `${place}: cannot be used: ${reason(cause)}`).join('; '),
      hint: 'set XDG_RUNTIME_DIR to a directory of yours that nobody else can write to',
      cause: places[0]?.cause,
    }),
  runtimeDirectoryBusy: (directory: string) =>
    error({
      code: 'SYSTEM',
      file: directory,
      problem: 'another process has locked the directory for a long time',
      hint: `find it with fuser ${shellWord(directory)} and end it`,
    }),
  cannotLock: (directory: string, problem: string) =>
    error({
      code: 'SYSTEM',
      file: directory,
      problem: `cannot lock the directory: ${problem}`,
      hint: 'try again; or set XDG_RUNTIME_DIR to a directory on another file system',
    }),

  unforeseen: (cause: unknown) => {
    if (isOfRemovedDirectory(cause)) return error({ code: 'SYSTEM', problem: reason(cause), cause });
    const { path: file, syscall } = cause as Partial<NodeJS.ErrnoException>;
    if (file === undefined || syscall === undefined)
      return error({ code: 'SYSTEM', problem: `unforeseen: ${reason(cause)}`, cause });
    return error({ code: 'SYSTEM', file: String(file), problem: `${syscall} failed: ${reason(cause)}`, cause });
  },

  // Batches.
  notADirectoryBelowRoot: (directory: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: 'is no directory, or a link to one, and outputs go below it',
      hint: 'a batch follows no links below --out, since they could lead out of it; move it elsewhere',
    }),
  patternEmpty: () =>
    error({ code: 'USAGE', problem: 'a pattern is empty', hint: 'name checkpoints, or write a pattern for them' }),
  patternTooCostly: (word: string, problem: string, hint: string) =>
    error({ code: 'USAGE', problem: `pattern '${word}': ${problem}`, hint }),
  patternMatchesOutputs: (pattern: string, root: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      problem: `pattern '${pattern}' matches nothing outside of ${root}, which --out names`,
      hint: 'give another --out: a batch takes no input from it',
    }),
  patternMatchesNothing: (pattern: string, linked: string | undefined) =>
    error({
      code: 'SOURCE_UNUSABLE',
      problem: `pattern '${pattern}' matches no checkpoint`,
      hint:
        linked === undefined
          ? 'checkpoints are directories with an inventory.img, and archives; quote the pattern, and ** crosses directories'
          : `it matches ${linked}, and patterns do not follow links: name that itself`,
    }),
  onlyExclusions: () =>
    error({
      code: 'USAGE',
      problem: 'all patterns begin with !, which only takes away from others',
      hint: 'write a pattern for what is there, too',
    }),
  allTakenAway: () =>
    error({
      code: 'USAGE',
      problem: 'patterns that begin with ! take away all that the others name',
      hint: 'leave one of them out',
    }),
  takesNothingAway: (word: string) => ({
    code: 'TAKES_NOTHING_AWAY',
    message: `'${word}' takes nothing away: patterns are relative to the current directory`,
  }),
  noCheckpoint: (file: string, isDirectory: boolean) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'is neither an image directory (one with inventory.img) nor an archive',
      hint: isDirectory
        ? `patterns find what is below a directory: '${file.replace(/\/+$/, '')}/**'`
        : 'archives are tar, plain or compressed by gzip or zstd',
    }),
  directoryUnreadable: (directory: string, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: directory,
      problem: `cannot be looked into: ${reason(cause)}`,
      hint: "checkpoints below it were not found; a pattern that begins with ! leaves it out: '!DIRECTORY/**'",
      cause,
    }),
  fileUnreadable: (file: string, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `cannot be read, so nobody knows whether it is an archive: ${reason(cause)}`,
      hint: 'a pattern that begins with ! leaves it out',
      cause,
    }),
  inputNotUtf8: (file: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: 'has a name that is not UTF-8, which a batch cannot pass on',
      hint: 'rename it, or a directory above it; fdgraft rewrite . works from inside of it',
    }),
  inputOutsideBase: (input: string, base: string) =>
    error({
      code: 'USAGE',
      file: input,
      problem: `lies outside of the base ${base}, so it has no place below --out`,
      hint: 'outputs lie where inputs do relative to --base DIR: give one that is around all inputs',
    }),
  inputIsBase: (input: string) =>
    error({
      code: 'USAGE',
      file: input,
      problem: 'is the base itself, so its output would be --out itself',
      hint: 'give --base DIR with a directory above it',
    }),
  inputInsideRoot: (input: string, root: string) =>
    error({
      code: 'USAGE',
      file: input,
      problem: `lies inside ${root}, where the outputs go`,
      hint: 'give another --out',
    }),
  rootInsideInput: (input: string, root: string) =>
    error({
      code: 'USAGE',
      file: root,
      problem: `lies inside the checkpoint ${input}, which is never changed`,
      hint: 'give another --out',
    }),
  sameOutput: (a: string, b: string, out: string) =>
    error({
      code: 'USAGE',
      problem: `${a} and ${b} would both become ${out}`,
      hint: 'give --base DIR with a directory that is around both, or make two batches of them',
    }),
  outputInsideOutput: (input: string, inner: string) =>
    error({
      code: 'USAGE',
      problem: `${inner} lies inside the checkpoint ${input}, and so would its output`,
      hint: 'leave one of them out',
    }),
  outputInTheWay: (input: string, inner: string, output: string) =>
    error({
      code: 'USAGE',
      problem: `the output of ${input}, ${output}, would be a file where that of ${inner} needs a directory`,
      hint: 'leave one of them out, or make two batches of them with another --out each',
    }),
  directoryOfBatchUnusable: (option: string, directory: string, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: directory,
      problem: `cannot be what ${option} names: ${reason(cause)}`,
      hint: `${option} of a batch is a directory that has, below it, one for each input at the same path`,
      cause,
    }),
  rootIsNoDirectory: (root: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: root,
      problem: 'is no directory, and the outputs of a batch go below one',
      hint: 'give --out with a directory; where there is none, it is made',
    }),
  rootLeadsNowhere: (root: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: root,
      problem: 'is a symbolic link to something that does not exist',
      hint: 'make the directory that it leads to, or give another --out',
    }),
  outNameTooLong: (out: string, cause: unknown) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: `cannot be written: ${reason(cause)}`,
      hint: 'it is named for its input, and a list or a comparison has an ending more: rename the input, or a directory above it',
      cause,
    }),
  notOurOutput: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'exists already, no batch made it here, and it is not what this job makes',
      hint: 'move it elsewhere, or give another --out; an existing one is never touched',
    }),
  changedMeanwhile: (out: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: 'is changed again and again by others while it is looked at',
      hint: 'wait until other batches into the same --out have ended, and run this one again',
    }),
  otherCommand: (out: string, made: string, wanted: string) =>
    error({
      code: 'OUT_UNUSABLE',
      file: out,
      problem: `is what batch ${made} made here, and batch ${wanted} does not replace that`,
      hint: 'give another --out',
    }),
  counterpartMissing: (file: string, cause: unknown) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `there is nothing to compare with: ${reason(cause)}`,
      hint: '--against ROOT2 has, below it, the other checkpoints at the same paths, as a batch makes them',
      cause,
    }),
  stateUnusable: (directory: string, cause: unknown) =>
    error({
      code: 'OUT_UNUSABLE',
      file: directory,
      problem: `what the batch has done cannot be noted there: ${reason(cause)}`,
      hint: 'if a batch has not made it, remove it; else give another --out',
      cause,
    }),
  shardSyntax: (text: string) =>
    error({
      code: 'USAGE',
      problem: `--shard ${text} is no shard`,
      hint: 'write I/N, with I from 0 to N-1, such as 0/4; auto in a Slurm array; auto/N in an indexed Job of Kubernetes',
    }),
  shardOutOfRange: (index: number, count: number, from: string) =>
    error({
      code: 'USAGE',
      problem: `${from} says shard ${index} of ${count}, and there are 0 to ${count - 1}`,
      hint: 'shards are counted from 0',
    }),
  shardUnknown: (problem: string, hint: string) => error({ code: 'USAGE', problem: `--shard: ${problem}`, hint }),
  workerDied: (how: string) =>
    error({
      code: 'SYSTEM',
      problem: `the process that did this ended (${how})`,
      hint: 'it may have run out of memory, or somebody killed it; run the batch again, with fewer --jobs',
    }),
  cannotStartWorker: (cause: unknown) =>
    error({
      code: 'SYSTEM',
      problem: `no worker could be started: ${reason(cause)}`,
      hint: '--jobs 1 needs none',
      cause,
    }),

  // Images.
  truncated: (place: Place, needs: number, what: string) =>
    error({
      code: 'IMAGE_TRUNCATED',
      ...place,
      problem: `${what}: needs ${needs} more ${needs === 1 ? 'byte' : 'bytes'}`,
      hint: 'the image is cut off or damaged: take it from the dump again',
    }),
  malformed: (place: Place, problem: string, hint?: string) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem,
      hint: hint ?? 'CRIU would not read this image either: take it from the dump again',
    }),
  wrongMagic: (file: string, offset: number, found: number, expected: string) =>
    error({
      code: 'IMAGE_MAGIC',
      file,
      offset,
      problem: `the magic is 0x${found.toString(16).padStart(8, '0')} where ${expected} belongs`,
      hint: 'the file is not the image that its name says, or it is damaged',
    }),
  unknownMagic: (file: string, offset: number, found: number) =>
    error({
      code: 'IMAGE_MAGIC',
      file,
      offset,
      problem: `the magic 0x${found.toString(16).padStart(8, '0')} is that of no image of CRIU 3.17 to 4.3`,
      hint: 'files such as pages-1.img are raw and have neither magic nor entries; give an image with entries, such as files.img',
    }),
  rawFile: (file: string, content: string) =>
    error({
      code: 'IMAGE_MAGIC',
      file,
      problem: `is a raw file (${content}), without magic and entries: there is nothing to decode in it`,
      hint: 'take it over as it is; fdgraft decode of a whole directory does',
    }),
  planIsNoImage: (file: string) =>
    error({
      code: 'IMAGE_MAGIC',
      file,
      problem: 'is the plan of fdgraft, which is no image of CRIU',
      hint: 'fdgraft rewrite --save-plan writes it as JSON',
    }),
  jsonIsNoImage: (file: string) =>
    error({
      code: 'IMAGE_MAGIC',
      file,
      offset: 0,
      problem: 'is JSON, and an image belongs here',
      hint: `make the image first: fdgraft encode -i ${inputWord(file)} -o IMAGE`,
    }),
  imageIsNoJson: (file: string) =>
    error({
      code: 'JSON_MALFORMED',
      file,
      problem: 'is an image, and encode takes the JSON of one',
      hint: `make the JSON first: fdgraft decode -i ${inputWord(file)} -o JSON`,
    }),
  imagesAreNoJson: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'holds images, and encode takes the JSON of them',
      hint: `make the JSON first: fdgraft decode ${shellWord(source)} -o JSON`,
    }),
  jsonIsNoCheckpoint: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'holds the JSON that decode makes of images, and a checkpoint belongs here',
      hint: `make the images first: fdgraft encode ${shellWord(source)} -o OUT`,
    }),
  fileIsNoCheckpoint: (file: string, what: 'image' | 'json') =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `is ${what === 'image' ? 'one image' : 'the JSON of one image'}, and a checkpoint belongs here`,
      hint:
        what === 'image'
          ? `give the directory that it lies in; fdgraft show ${shellWord(file)} shows this image alone`
          : 'make the images first: fdgraft encode takes the directory that it lies in',
    }),
  badJson: (place: Place, problem: string, hint?: string) =>
    error({
      code: 'JSON_MALFORMED',
      ...place,
      problem,
      hint: hint ?? `correct the JSON at that place, or make it again: fdgraft decode -i IMAGE${outOption(place.file)}`,
    }),
  cannotSpool: (directory: string, cause: unknown) =>
    error({
      code: 'SYSTEM',
      file: directory,
      problem: `what has to wait cannot be kept there: ${reason(cause)}`,
      hint: 'TMPDIR names another directory with room for it: for the largest "extra", and for all entries where "magic" comes behind them',
      cause,
    }),
  noPlan: (file: string, problem: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `is no plan of fdgraft: ${problem}`,
      hint: 'give the inherit-plan.img that fdgraft rewrite made, or the directory that it is in',
    }),
  planTooLarge: (file: string, limit: number) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `has more than ${limit} placeholders, the most that fdgraft reads of a plan`,
      hint: 'write specs that match fewer entries, or compare without --plan after removing inherit-plan.img',
    }),
  planFormatUnknown: (file: string, format: number, newest: number) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `has plan format ${format}; this version reads formats 1 to ${newest}`,
      hint: 'use the fdgraft that wrote the plan, or a newer one',
    }),
  kindsDiffer: (a: string, kindA: string, b: string, kindB: string) =>
    error({
      code: 'IMAGES_DISAGREE',
      file: b,
      problem: `is an image ${kindB}, and ${a} is an image ${kindA}: their entries have nothing in common`,
      hint: 'compare images of one kind, or whole directories',
    }),
  emptyEntry: (place: Place) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem: 'the entry has no bytes, and its message has required fields',
      hint: 'zeros behind the last entry are taken for padding, but here is more behind them: the image is damaged',
    }),
  emptyImage: (file: string) =>
    error({
      code: 'IMAGE_TRUNCATED',
      file,
      offset: 0,
      problem: 'is empty: needs 4 more bytes',
      hint: 'an image without entries has its magics at least; CRIU fails on this file',
    }),
  mixedMagics: (file: string, version: number, hasFirst: boolean) =>
    error({
      code: 'IMAGES_DISAGREE',
      file,
      offset: 0,
      problem: `${hasFirst ? 'begins' : 'does not begin'} with IMG_COMMON, but inventory.img says img_version ${version}`,
      hint: 'version 1 has it in no image, versions 2 and 3 in every one; the images are from different dumps',
    }),
  unknownVersion: (version: number, place: Place) =>
    error({
      code: 'LAYOUT_UNSUPPORTED',
      ...place,
      problem: `img_version ${version} is not known`,
      hint: 'CRIU 3.17 to 4.3 write version 1, 2 or 3: take inventory.img from the dump again',
    }),
  newerVersion: (version: number, place: Place) =>
    error({
      code: 'LAYOUT_UNSUPPORTED',
      ...place,
      problem: `img_version ${version} is newer than 3, the last one known: a rewrite could miss what refers to an entry`,
      hint: 'use a newer fdgraft; ls, decode, diff and x read these images as far as they are known',
    }),
  missingImage: (file: string, why: string, hint: string) =>
    error({ code: 'IMAGE_MISSING', file, problem: `is missing, but ${why}`, hint }),
  oldLayout: (source: string, problem: string) =>
    error({
      code: 'LAYOUT_UNSUPPORTED',
      file: source,
      problem,
      hint: 'no CRIU from 3.17 on restores this layout, so there is nothing to rewrite it for; dump again with a newer CRIU',
    }),
  duplicateFileId: (place: Place, id: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `file id ${id} is that of an earlier entry too`,
      hint: 'file ids are unique in files.img; which entry a descriptor means cannot be told',
    }),
  /** `isAsked`: it is the specs that ask for so many. */
  tooMany: (file: string, what: string, limit: number, isAsked: boolean) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem: `has more than ${limit} ${what}, the most that fdgraft takes`,
      hint: isAsked
        ? 'write specs that match fewer entries'
        : 'no dump of CRIU has so many: look where the images come from',
    }),
  nameTooLong: (place: Place, id: number, bytes: number, limit: number) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem: `the name of file id ${id} has ${bytes} bytes, more than the ${limit} of a name that can be inherited`,
      hint: 'no path of Linux is so long: look where the images come from, or leave this entry out of the specs',
    }),
  duplicateMember: (file: string) =>
    error({ code: 'SOURCE_UNUSABLE', file, problem: 'is there twice', hint: 'an image has one file' }),
  descriptorTypeDiffers: (place: Place, id: number, found: string, entry: string) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `says type ${found} for file id ${id}, which files.img has as ${entry}`,
      hint: 'CRIU fails on this with "no file for fd"; the images are from different dumps or damaged',
    }),
  planInSource: (source: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file: source,
      problem: 'holds an inherit-plan.img, so it has been rewritten before',
      hint:
        'rewrite what it was made from, as that was before, with all specs at once; if criu has dumped into it ' +
        'again since then, remove inherit-plan.img first',
    }),

  // Specs.
  /** `source`: the checkpoint, where there is one alone. */
  noSpecs: (source?: string) =>
    error({
      code: 'USAGE',
      problem: 'no spec was given: --inherit-fd, --specs and --from-descriptors name what is inherited',
      hint: `fdgraft ls ${source === undefined ? 'SOURCE' : shellWord(source)} prints what can be inherited, ready to paste`,
    }),
  specSyntax: (spec: string, problem: string, hint: string) =>
    error({ code: 'SPEC_SYNTAX', problem: `spec '${spec}': ${problem}`, hint }),
  specTakesNoEntry: (spec: string) =>
    error({
      code: 'SPEC_SYNTAX',
      problem: `spec '${spec}' takes no entry`,
      hint: 'only fd[N]:KEY does: leave it out here',
    }),
  specHasOptions: (spec: string, options: readonly string[], why: string) =>
    error({
      code: 'SPEC_SYNTAX',
      problem: `spec '${spec}': has the option ${options.join(', ')}`,
      hint: `${why}: leave ${options.length === 1 ? 'it' : 'them'} out`,
    }),
  severalSpecs: (errors: readonly FdgraftError[]) => {
    const shown = errors.slice(0, MAX_SPECS_TOLD);
    const problems = shown.map(({ message, hint }) => (hint === undefined ? message : `${message}\n  ${hint}`));
    const more = errors.length - shown.length;
    const code = errors.every((one) => one.code === 'SPEC_UNSUPPORTED') ? 'SPEC_UNSUPPORTED' : 'SPEC_SYNTAX';
    return error({ code, problem: [...problems, ...(more > 0 ? [`and ${more} more specs`] : [])].join('\n') });
  },
  specsUnmatched: (specs: readonly { text: string; near: readonly string[] }[], hint: string) =>
    error({
      code: 'SPEC_UNMATCHED',
      exitCode: 1,
      problem: specs
        .map(({ text, near }) => [`spec '${text}' matches nothing`, ...near.map((hint) => `  ${hint}`)].join('\n'))
        .join('\n'),
      hint,
    }),

  specFile: (file: string, place: string | undefined, problem: string, hint: string) =>
    error({ code: 'SPEC_FILE', file, problem: place === undefined ? problem : `${place}: ${problem}`, hint }),
  noDescriptorList: (file: string, problem: string) =>
    error({
      code: 'SOURCE_UNUSABLE',
      file,
      problem,
      hint: '--from-descriptors reads what runc, crun or youki left in the image directory; without it, name the pipes with --inherit-fd (fdgraft ls prints them)',
    }),
  nothingListed: (file: string, pipes: readonly string[], there: readonly string[]) =>
    error({
      code: 'SPEC_UNMATCHED',
      exitCode: 1,
      file,
      problem: [
        pipes.length === 0
          ? '--from-descriptors takes nothing: the list has no pipe'
          : `--from-descriptors takes nothing: the checkpoint has none of the listed pipes (${pipes.join(', ')})`,
        ...there.map((line) => `  ${line}`),
      ].join('\n'),
      hint:
        there.length === 0
          ? 'name what is inherited with --inherit-fd (fdgraft ls prints it); --allow-unmatched goes on without'
          : 'name what is there now with --inherit-fd; --allow-unmatched goes on without',
    }),
  typeUnsupported: ({ spec, type, id, entry, why }: UnsupportedEntry) => {
    // One without a name is called `type N`.
    const typed = type.startsWith('type ') ? type : `type ${type}`;
    const star = /:\/?proc\/\*\//.test(spec) ? '; or name the tasks one by one instead of *' : '';
    return error({
      code: 'SPEC_UNSUPPORTED',
      file: 'files.img',
      entry,
      problem: `spec '${spec}' names file id ${id}, an entry of ${typed}, and ${why === undefined ? 'inheriting these is not supported yet' : `these cannot be inherited: ${why}`}`,
      hint: `name what fdgraft ls prints an option for${star}`,
    });
  },
  entryMissing: (spec: string, id: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      file: 'files.img',
      problem: `spec '${spec}' names a descriptor of file id ${id}, and there is no such entry`,
      hint: 'CRIU fails on this with "no file for fd"; the images are from different dumps or damaged',
    }),
  memberMissing: (place: Place, type: string, id: number) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem: `file id ${id} is of type ${type} and lacks the member for it`,
      hint: 'CRIU would not read this entry either: take the image from the dump again',
    }),
  innerIdDiffers: (place: Place, id: number, inner: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `file id ${id} has the id ${inner} inside, by which CRIU looks it up`,
      hint: 'both are the same in every dump; the image is damaged: take it from the dump again',
    }),
  tooManyCredentials: (pid: number, limit: number) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      file: `core-${pid}.img`,
      problem: `pids and groups of the tasks that inherit are more than the ${limit} that a plan can hold`,
      hint: 'rewrite with specs that name the descriptors of fewer tasks, as /proc/PID/fd/N does with "only": true',
    }),
  noSavedOffset: (spec: string, key: string, id: number) =>
    error({
      code: 'SPEC_SYNTAX',
      problem: `spec '${spec}' has position saved, and the dump recorded no offset of ${key} (file id ${id})`,
      hint: 'use position caller or end',
    }),
  truncatesNoFile: (place: Place, spec: string, key: string, type: string, id: number) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem: `spec '${spec}' has truncate: true, and ${key} (file id ${id}, type ${type}) is no regular file`,
      hint: 'leave truncate out, or give this file a spec of its own without it',
    }),
  /** `appended`: how far an entry had appended that is open for that alone. */
  noSavedSize: (place: Place, spec: string, key: string, id: number, appended: bigint | undefined) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem:
        appended === undefined
          ? `spec '${spec}' has truncate: true, and the dump recorded no size of ${key} (file id ${id})`
          : `spec '${spec}' has truncate: true, and the dump recorded no size of ${key} (file id ${id}): CRIU records none of a file that is open for appending alone`,
      hint:
        appended === undefined || appended === 0n
          ? 'leave truncate out, and cut the file yourself before the restore'
          : `use position saved with it, which cuts the file at ${appended}, the end of what its entries appended; or cut the file yourself before the restore`,
    }),
  sizeTooLarge: (place: Place, size: bigint, most: bigint) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem: `${size} is past the largest possible file, ${most} bytes`,
      hint: 'the image is damaged: use another dump, or leave truncate out',
    }),
  pipeSizeTooLarge: (place: Place, key: string, size: number, most: number) =>
    error({
      code: 'IMAGE_MALFORMED',
      ...place,
      problem: `${key} has a capacity of ${size} bytes, and no pipe has more than ${most}`,
      hint: 'the image is damaged: use another dump',
    }),

  // What a rewrite cannot do.
  entryHeld: (place: Place, key: string, type: string, id: number, holders: readonly string[]) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `${key} (file id ${id}), an entry of type ${type}, is also ${holders.join(', ')}`,
      hint: 'CRIU looks that up as a regular file and fails; the images are from different dumps or damaged',
    }),
  pathMissing: (place: Place, type: string, id: number, pathId: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `file id ${id}, an entry of type ${type}, has its path in file id ${pathId}, and files.img has no such regular file`,
      hint: 'CRIU fails on this too; the images are from different dumps or damaged',
    }),
  descriptorTied: (place: Place, key: string, descriptor: string, what: string, consequence: string, spec: string) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `descriptor ${descriptor}, which spec '${spec}' takes from ${key}, holds ${what}: ${consequence}`,
      hint: 'leave that descriptor out (a key /proc/PID/fd/N with only: true names others alone), or dump when it holds none',
    }),
  descriptorRepeated: (place: Place, fd: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `descriptor ${fd} is that of an earlier entry too`,
      hint: 'CRIU fails on a number that is taken already; the image is damaged: take it from the dump again',
    }),
  descriptorPastLimit: (place: Place, fd: number, most: number) =>
    error({
      code: 'PLAN_LIMIT',
      ...place,
      problem: `descriptor ${fd} is past ${most}, the highest number that a plan can have`,
      hint: 'leave this entry out, or take the image from the dump again if it is damaged',
    }),
  pidPastLimit: (place: Place, pid: number, most: number) =>
    error({
      code: 'PLAN_LIMIT',
      ...place,
      problem: `pid ${pid} is no number of a task`,
      hint: `pids go from 1 to ${most}; the image is damaged: take it from the dump again`,
    }),
  offsetPastLimit: (place: Place, spec: string, key: string, offset: bigint, most: bigint) =>
    error({
      code: 'PLAN_LIMIT',
      ...place,
      problem: `spec '${spec}' has position saved, and the offset ${offset} of ${key} is past ${most}, the largest that a file has`,
      hint: 'use position caller or end',
    }),
  reopenedPastLimit: (place: Place, spec: string, key: string, count: number, most: number) =>
    error({
      code: 'PLAN_LIMIT',
      ...place,
      problem: `spec '${spec}' has a file opened again for ${key}: specs ask for that for ${count} entries, and a plan can have ${most}`,
      hint: 'use apply dup and position caller in specs that match many entries, or match fewer entries',
    }),
  pipePastLimit: (place: Place, key: string, spec: string, needed: number, most: number) =>
    error({
      code: 'PLAN_LIMIT',
      ...place,
      problem: `spec '${spec}' delivers the unread bytes of ${key}, and its pipe would have to hold ${needed} bytes: a pipe holds at most ${most}`,
      hint: 'let the bytes go with inFlight drop (or --drop-in-flight)',
    }),
  bytesMixed: (place: Place, key: string, spec: string, otherKey: string, otherSpec: string, callerFd: number) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `caller fd ${callerFd} would get the unread bytes of ${otherKey} (spec '${otherSpec}') and those of ${key} (spec '${spec}'), and they would mix in one pipe`,
      hint: 'give each of the two a caller fd of its own, or let the bytes go with inFlight drop (or --drop-in-flight)',
    }),
  debugBeforeBytes: (place: Place, key: string, spec: string, debug: string) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `spec '${debug}' would write its text before the unread bytes of ${key}, which spec '${spec}' delivers through the same caller fd`,
      hint: `leave '${debug}' out, or let the bytes go with inFlight drop (or --drop-in-flight)`,
    }),
  planPastLimit: (file: string, most: string) =>
    error({
      code: 'PLAN_LIMIT',
      file,
      problem: `the plan would have more than ${most}, and fdgraft-exec takes no larger one`,
      hint: 'match fewer entries, or name single descriptors by keys /proc/PID/fd/N with only: true',
    }),
  noFileIdLeft: () =>
    error({
      code: 'IMAGES_DISAGREE',
      file: 'files.img',
      problem: 'an entry has to be split, and no image leaves a file id above those that are used',
      hint: 'CRIU counts file ids from 1; the images are damaged',
    }),
  bytesInFlight: (place: Place, key: string, bytes: number, spec: string) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `${key} held ${countBytes(bytes)} at the dump, and spec '${spec}' has inFlight fail`,
      hint: 'inFlight replay delivers them through the pipe of the caller, inFlight drop goes on without them',
    }),
  queueNotDelivered: (place: Place, key: string, bytes: number, spec: string, why: string) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `${key} held ${countBytes(bytes)} at the dump, and spec '${spec}' takes it: ${why}`,
      hint: 'inFlight drop (or --drop-in-flight) goes on without them',
    }),
  rightsInQueue: (place: Place, key: string, id: number, count: number, spec: string) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}' takes ${key} (file id ${id}), and ${count === 1 ? 'a descriptor is' : `${count} descriptors are`} under way in its queue: CRIU finds no holder for what the packet alone has open`,
      hint: 'let the program receive them before the dump, or leave the socket to CRIU',
    }),
  terminalMissing: (place: Place, key: string, id: number, terminal: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      problem: `${key} (file id ${id}) is an open file of terminal ${terminal}, and tty-info.img has no record of it`,
      hint: 'CRIU fails on this too; the images are from different dumps or damaged',
    }),
  duplicateTerminal: (place: Place, key: string, terminal: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      ...place,
      field: 'tty_info_entry.id',
      problem: `terminal ${terminal} (${key}) has an earlier record too`,
      hint: 'CRIU writes one record for each terminal; the image is damaged: take it from the dump again',
    }),
  terminalRefused: (place: Place, spec: string, key: string, id: number, why: string) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem: `spec '${spec}' takes ${key} (file id ${id}), a terminal, and it cannot be inherited: ${why}`,
      hint: 'leave it out here',
    }),
  twoSessionsOnOne: (
    place: Place,
    spec: string,
    [firstKey, secondKey]: readonly [string, string],
    [first, second]: readonly [number, number],
    callerFd: number,
  ) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}': caller fd ${callerFd} would be the terminal of two sessions, that of ${first} (${firstKey}) and that of ${second} (${secondKey}), and a terminal has one session`,
      hint: 'give each of the two a caller fd of its own',
    }),
  terminalHasData: (place: Place, key: string, bytes: number, spec: string) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `${key} held ${countBytes(bytes)} at the dump, and spec '${spec}' takes it: they cannot be put into a terminal of the caller's`,
      hint: 'let the programs read them before the dump, or leave the terminal to CRIU',
    }),
  terminalPartStays: (place: Place, spec: string, key: string, callerFd: number, staying: readonly number[]) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}' takes descriptors of ${key}, a terminal, and others of it stay (file id ${someOf(staying)})`,
      hint: `give all of it by its path, --inherit-fd ${shellQuote(`fd[${callerFd}]:${key}`)}, or take single descriptors with only: true`,
    }),
  memfdPartStays: (place: Place, spec: string, callerFd: number, id: number, staying: readonly number[]) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}' takes a memfd that tasks have mapped (file id ${id}), and descriptors of the same memfd stay (file id ${someOf(staying)}): they would keep the old memory, and what one task writes would not reach the other`,
      hint: `name all of its descriptors for this caller fd, or give the memfd by its name: --inherit-fd 'fd[${callerFd}]:/memfd:NAME'`,
    }),
  memfdOnTwoFiles: (place: Place, id: number, spec: string, other: string) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `specs '${spec}' and '${other}' take parts of one memfd that tasks have mapped (file id ${id}): what one task writes would not reach the other`,
      hint: 'give all of it one caller fd',
    }),
  memfdHuge: (place: Place, spec: string, id: number) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}' takes a memfd of huge pages that tasks have mapped (file id ${id}), and only a file of the same pages could take its place`,
      hint: 'leave the memfd to CRIU',
    }),
  memfdMissing: (inode: number) =>
    error({
      code: 'IMAGES_DISAGREE',
      file: 'memfd.img',
      problem: `files.img has a memfd of inode ${inode}, and memfd.img has no record of it`,
      hint: 'CRIU fails on this too; the images are from different dumps or damaged',
    }),
  mappingPastLimit: (pid: number, id: number, { start, end, pgoff }: { start: bigint; end: bigint; pgoff: bigint }) =>
    error({
      code: 'IMAGES_DISAGREE',
      file: `mm-${pid}.img`,
      field: 'vma_entry.pgoff',
      problem: `task ${pid} has memory from ${start} to ${end} mapped at offset ${pgoff} of a memfd (file id ${id}): no file has such bytes`,
      hint: 'CRIU fails on this too; the image is damaged',
    }),
  peerStays: (place: Place, spec: string, key: string, id: number, peer: number, canHangUp: boolean) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `spec '${spec}' takes ${key} (file id ${id}), one end of a pair of sockets, and the other end (file id ${peer}) stays in the tree: CRIU cannot restore one end alone`,
      hint: `name both ends, each with a socket of your own (fdgraft ls prints their keys)${
        canHangUp ? ', or hang up the other end by the option peer hangup of --specs' : ''
      }`,
    }),
  clientsCannotConnect: (place: Place, key: string, id: number, client: number, why: string) =>
    error({
      code: 'DESCRIPTOR_TIED',
      ...place,
      problem: `${key} (file id ${id}) has a client that stays in the tree (file id ${client}), and ${why}`,
      hint: 'name the client too (fdgraft ls prints its key)',
    }),
  optionOfOtherKind: (place: Place, spec: string, option: string, key: string, id: number, kind: string) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem: `spec '${spec}' has ${option}, and ${key} (file id ${id}) is ${kind}`,
      hint: `leave ${option} out: the restored task gets a dup of your descriptor`,
    }),
  hangsUpNothing: (place: Place, spec: string, key: string, id: number, kind: string) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem: `spec '${spec}' has peer hangup, and ${key} (file id ${id}) is ${kind}: CRIU restores only a connected unix stream socket without its peer`,
      hint: 'leave peer out',
    }),
  hangsUpWhatStays: (place: Place, spec: string, key: string, id: number) =>
    error({
      code: 'SPEC_UNSUPPORTED',
      ...place,
      problem: `spec '${spec}' has peer hangup, and ${key} (file id ${id}) stays for a descriptor, SCM right or other reference that no spec takes: its other end stays connected`,
      hint: 'leave peer out, or take all descriptors and SCM rights (without only)',
    }),
  bytesShared: (place: Place, key: string, bytes: number, spec: string, reach: KeyReach) =>
    error({
      code: 'BYTES_IN_FLIGHT',
      ...place,
      problem: `${key} held ${countBytes(bytes)} at the dump, and spec '${spec}' takes one end of it while another one stays in the tree: CRIU delivers them there, and here too they would come twice`,
      hint: `inFlight drop (or --drop-in-flight) leaves them to the end that stays; ${wayToAllEnds(key, reach)}`,
    }),
};

/** Whatever a caller passes, no message has control characters but its own line ends. */
export const messages = escapingArguments(texts);

/** Which ends the key of a pipe takes: all, those that were opened by one path, or none of those that stay. */
type KeyReach = 'pipe' | 'path' | 'none';

function wayToAllEnds(key: string, reach: KeyReach): string {
  if (reach === 'none') return 'that end has another path: name it too (fdgraft ls prints its key)';
  return `the key ${key} takes every end${reach === 'path' ? ' that was opened by this path' : ''}`;
}

/** More directories than these are not named. */
const MAX_DIRECTORIES = 5;

function whereImagesAre(below: readonly string[]): string {
  if (below.length === 0)
    return 'give the directory that criu dump wrote; in the archives of podman and CRI-O it is checkpoint/';
  if (below.length === 1) return `the image directory in it is ${below[0]}: give that`;
  return `the image directories in it are ${namedDirectories(below)}: give one of them; fdgraft batch takes many`;
}

function namedDirectories(directories: readonly string[]): string {
  return directories.slice(0, MAX_DIRECTORIES).join(', ') + (directories.length > MAX_DIRECTORIES ? ' and more' : '');
}

function countBytes(bytes: number): string {
  return `${bytes} unread ${bytes === 1 ? 'byte' : 'bytes'}`;
}
