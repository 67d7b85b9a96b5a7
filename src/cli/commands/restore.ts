import path from 'node:path';
import { messages } from '../../errors/messages';
import { openSource } from '../../operations/open-source';
import { type RewriteResult, rewrite } from '../../operations/rewrite';
import { noticeLines } from '../../report/notices';
import { RESTORE_OPTIONS, type RestoreOption } from '../../rewrite/restore-needs';
import { parseSpec } from '../../specs/parse-spec';
import { parseSpecs } from '../../specs/parse-specs';
import type { SpecOptions } from '../../specs/spec';
import { pathOfNative } from '../../storage/native-program';
import { RestoreDirectory } from '../../storage/restore-directory';
import { withSource } from '../../storage/with-source';
import { CallerDescriptors } from '../caller-descriptors';
import type { Command } from '../command';
import type { Context } from '../context';
import { type RestoreLine, readRestoreLine } from '../criu/restore-line';
import { runChild } from '../run-child';
import { specsOfFile } from '../specs-of-file';
import { setV8FlagsFor } from '../v8-flags';
import { withContext } from '../with-context';

const EXECUTOR = 'fdgraft-exec';
/** The exit codes of an fdgraft-exec that has not become criu, and has said why. */
const NOT_STARTED: readonly number[] = [100, 111, 126, 127];
/** The exit status of what a signal ended is this and the number of the signal. */
const FIRST_OF_SIGNALS = 128;
const IMAGES = 'images';
/** Tells the plugin at which number criu has the lock, which criu's own children need not have. */
const LOCK_VARIABLE = 'FDGRAFT_LOCK';

/** For those of the plan that say what to give to criu, which is done here. */
const SAID_OTHERWISE: readonly string[] = ['KEY_LEFT_TO_CRIU'];

/** Options that do as well as one that the images need, with itself. */
const ALSO_MET_BY: { readonly [option: string]: readonly RestoreOption[] } = {
  '--tcp-established': ['--tcp-established', '--tcp-close'],
};

async function run(words: readonly string[], looked: unknown, context: Context): Promise<void> {
  if (process.platform !== 'linux') throw messages.restoreNeedsLinux();
  if (!(looked instanceof CallerDescriptors)) throw messages.systemError(looked, '/proc/self/fd');
  const callers = looked;
  const line = readRestoreLine(words);
  const specs: (string | SpecOptions)[] = [...line.specs, ...(await specsOfFile(line.specFile, context.signal))];
  if (specs.length === 0 && !line.fromDescriptors) throw messages.noSpecsToRestore();
  if (line.pty.length === 0) checkCallerFds(callers, specs);
  setV8FlagsFor([line.images]);
  const directory = await RestoreDirectory.create();
  try {
    const images = path.join(directory.path, IMAGES);
    const result = await rewriteInto(images, line, specs, context);
    context.signal.throwIfAborted();
    if (line.pty.length > 0) checkCallerFds(callers, specs, terminalsOf(result));
    process.exitCode = await start(images, line, result, callers, directory, context);
  } finally {
    // criu has done what it was told: this is no failure of the restore.
    await directory.remove().catch((error) => context.complain(`note: ${error.message}; the next start tries again`));
  }
}

/** The caller fds of terminals: --pty opens one of them. */
function terminalsOf({ plan }: RewriteResult): ReadonlySet<number> {
  return new Set(plan.placeholders.filter(({ terminal }) => terminal).map((placeholder) => placeholder.caller_fd));
}

/**
 * Of what Node.js has opened since the start nothing must be taken for what the caller gave. `others`: those that
 * fdgraft-exec looks at. Throws FdgraftError.
 */
function checkCallerFds(
  callers: CallerDescriptors,
  specs: readonly (string | SpecOptions)[],
  others: ReadonlySet<number> = new Set(),
): void {
  for (const { text, callerFd } of parseSpecs(specs, parseSpec)) {
    if (!callers.has(callerFd) && !others.has(callerFd))
      throw messages.callerFdNotOpen(text, callerFd, callers.clearNumberFor(callerFd));
  }
}

async function rewriteInto(
  images: string,
  line: RestoreLine,
  specs: readonly (string | SpecOptions)[],
  context: Context,
): Promise<RewriteResult> {
  const { signal } = context;
  const source = await openSource(line.images, { signal, exact: true });
  const result = await withSource(source, async () => {
    if (source.directory === undefined) throw messages.restoreNeedsDirectory(line.images);
    return rewrite(source, {
      specs,
      fromDescriptors: line.fromDescriptors,
      out: images,
      link: 'symlink',
      allowUnmatched: line.allowUnmatched,
      dropInFlight: line.dropInFlight,
      signal,
    });
  });
  if (!line.isQuiet) await context.complain([...remarks(result), ...missingOptions(result, line)]);
  return result;
}

function remarks({ plan, notices }: RewriteResult): string[] {
  const warnings = plan.warnings.filter(({ code }) => !SAID_OTHERWISE.includes(code));
  // fdgraft-exec refuses what would write through a link.
  const others = notices.filter(({ code }) => code !== 'PAGES_LINKED');
  return [...warnings.map(({ message }) => `warning: ${message}`), ...noticeLines(others)];
}

/** Without --shell-job, criu hangs where the leader of the root task's session is gone, and says nothing. */
function missingOptions({ next }: RewriteResult, { switches }: RestoreLine): string[] {
  const missing = RESTORE_OPTIONS.filter(
    (option) =>
      next?.words.includes(option) && !(ALSO_MET_BY[option] ?? [option]).some((one) => switches.has(one.slice(2))),
  );
  if (missing.length === 0) return [];
  const them = missing.length === 1 ? 'it' : 'them';
  const options = missing.join(' and ');
  return [`warning: the images need ${options}: add ${them}, or criu fails, hangs or leaves a part out`];
}

/** Resolves to the exit status. */
async function start(
  images: string,
  line: RestoreLine,
  { leftToCriu }: RewriteResult,
  callers: CallerDescriptors,
  directory: RestoreDirectory,
  context: Context,
): Promise<number> {
  const inherited = leftToCriu.flatMap((spec) => ['--inherit-fd', spec]);
  // Files that criu writes, and files beside its images, stay where they are without fdgraft.
  const place = line.hasWorkDir ? [] : ['-W', line.images];
  const criu = ['criu', 'restore', '-D', images, ...place, ...inherited, ...line.rest, ...line.behind];
  const { stdio, standard } = callers.forChild(directory.fd);
  const plugins = line.plugins === undefined ? [] : ['--plugins', line.plugins];
  const words = ['--plan', images, '--stdio', standard.join(','), ...plugins, ...line.pty, '--', ...criu];
  const running = runChild(pathOfNative(EXECUTOR), words, stdio, {
    ...process.env,
    [LOCK_VARIABLE]: `${directory.fd}`,
  });
  callers.letGo();
  // From here on signals are the child's.
  context.release();
  const status = await running;
  if (line.hasCommand) return status;
  if (NOT_STARTED.includes(status)) return 2;
  if (status !== 0 && status < FIRST_OF_SIGNALS && line.logFile !== undefined && !line.isQuiet) {
    await context.complain(`note: criu ended with ${status}: ${line.logFile} has its messages`);
  }
  return status;
}

/** The error where that is not possible. */
function lookAtDescriptors(): unknown {
  try {
    return CallerDescriptors.look();
  } catch (error) {
    return error;
  }
}

/** Not read by yargs: the words are criu's. */
export const { main, perform }: Omit<Command, 'areV8FlagsSet'> = {
  main: async (words) => {
    const looked = lookAtDescriptors();
    const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
    if (own.some((word) => word === '--help' || word === '--version')) return false;
    await withContext((context) => run(words, looked, context));
    return true;
  },
  perform: async () => {},
};

export { areV8FlagsSet } from '../v8-flags';
