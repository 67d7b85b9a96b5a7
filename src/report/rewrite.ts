import { escapeControls } from '../bytes/escape';
import { shellQuote, shellWord } from '../bytes/shell-word';
import { kindText } from '../checkpoint/open-kind';
import { someOf } from '../errors/some-of';
import { jsonChunks } from '../json/json-chunks';
import type { RewriteResult } from '../operations/rewrite';
import type { NextCommand } from '../plan/next-command';
import type { Plan, PlanMapping, PlanPlaceholder } from '../plan/plan';
import { planToJson } from '../plan/plan-json';
import { kindToJson } from './ls-json';
import { noticeLines } from './notices';
import { accessWord, pidAndFd } from './words';

/** The plan for people: each caller fd, what it takes the place of, and every descriptor it goes to. */
export function rewriteText({ plan, next }: RewriteResult): string {
  const lines = plan.placeholders.flatMap((placeholder) => describePlaceholder(placeholder, plan.specs));
  for (const debug of plan.debugs) lines.push(`fd[${debug.caller_fd}] is told ${debug.text.replace(/^[^:]*:/, '')}`);
  if (plan.placeholders.length === 0) lines.push('nothing is inherited');
  const images = plan.images.map(({ name }) => name).join(', ');
  lines.push(`changed images: ${images === '' ? 'none' : images}`);
  if (next === undefined) lines.push('dry run: nothing was written');
  else lines.push(`restore with: ${shellText(next)}`, ...explainNext(next));
  return `${lines.join('\n')}\n`;
}

/** For a shell; FILE5, FIFO5 and the like stand for what the user has. */
function shellText({ unpack, pack, words, redirections }: NextCommand): string {
  const line = (command: readonly string[] = []) => command.map(shellWord).join(' ');
  const opened = redirections.map(({ fd, operator, opens = 'FILE' }) => `${fd}${operator}${opens}${fd}`);
  return [
    ...(unpack === undefined ? [] : ['mkdir DIR', line(unpack)]),
    ...(pack === undefined ? [] : [line(pack)]),
    [line(words), ...opened].join(' '),
  ].join(' && ');
}

/** What a person has to know to run the command, a line each. */
function explainNext(next: NextCommand): string[] {
  const { restorer, placeholders, words, moveTo, redirections, passed } = next;
  const meanings: { readonly [word in NextCommand['placeholders'][number]]?: string } = {
    BUNDLE: "BUNDLE is the container's bundle directory; crun restore takes the same options as runc restore",
    ID: 'ID is the name that the restored container gets',
    COMMAND: 'COMMAND restores the images: take the restore of the runtime that made the dump, such as LXC',
  };
  const lines = [
    ...(moveTo === undefined
      ? []
      : [`first put the result in the place of ${shellWord(moveTo)}: podman restores from there; --in-place does it`]),
    ...explainPassed(passed),
    ...explainFifos(redirections),
    ...placeholders.flatMap((word) => meanings[word] ?? []),
    ...explainMounts(next),
    ...explainRoot(next),
    ...explainNamespaces(next),
    ...(restorer === 'podman' && words.includes('--import')
      ? ['if a container of that name still exists, add --name NAME behind restore']
      : []),
    // POSIX lets a shell read 10>FILE as the word 10 and >FILE, and some do.
    ...(redirections.some(({ fd }) => fd > 9) ? ['in bash or zsh: some shells take numbers of one digit only'] : []),
  ];
  return lines.map((line) => `    ${line}`);
}

function explainFifos(redirections: NextCommand['redirections']): string[] {
  const fifos = redirections.filter(({ opens }) => opens === 'FIFO').map(({ fd }) => `FIFO${fd}`);
  if (fifos.length === 0) return [];
  return [`for ${listed(fifos)} take an empty FIFO or pipe, which gets the unread bytes`];
}

/** Of more descriptors the text tells how many they are. */
const MAX_LISTED = 10;

function listed(all: readonly string[]): string {
  const more = all.length > MAX_LISTED ? ` and ${all.length - MAX_LISTED} more` : '';
  return `${all.slice(0, MAX_LISTED).join(', ')}${more}`;
}

function explainPassed(passed: NextCommand['passed']): string[] {
  if (passed.length === 0) return [];
  const needed = passed.map(({ fd, kind }) => `${fd}: ${kindText(kind)}`);
  const terminals = passed.filter(({ kind }) => kind.name === 'terminal');
  return [
    `have these descriptors open when you start it: ${listed(needed)}`,
    ...(terminals.length === 1
      ? ['or put --pty before the --: fdgraft-exec makes the terminal, in the window where it is started']
      : []),
  ];
}

/** Of more external mounts the text tells how many they are. */
const MAX_MOUNTS = 10;

function explainMounts({ externalMounts }: NextCommand): string[] {
  if (externalMounts.length === 0) return [];
  const options = externalMounts.slice(0, MAX_MOUNTS).map((key) => `--external ${shellQuote(`mnt[${key}]:PATH`)}`);
  const more = externalMounts.length - MAX_MOUNTS;
  const all = options.join(' ') + (more > 0 ? ` and ${more} more` : '');
  return [`the images have external mounts, so criu restore alone fails: it would need ${all}`];
}

function explainNamespaces({ externalNamespaces }: NextCommand): string[] {
  const more = externalNamespaces.length - MAX_MOUNTS;
  return [
    ...externalNamespaces
      .slice(0, MAX_MOUNTS)
      .map(
        ({ kind, key }) =>
          `add --inherit-fd ${shellQuote(`fd[N]:${key}`)} to criu restore, with N open on the ${kind} that takes the place of ${key}`,
      ),
    ...(more > 0 ? [`and ${more} more namespaces`] : []),
  ];
}

function explainRoot({ mountNamespace }: NextCommand): string[] {
  if (mountNamespace === undefined) return [];
  return [
    `if criu dump had --root, add it to criu restore: without it CRIU crashes (${mountNamespace} is a mount namespace)`,
  ];
}

/** Of more descriptors of one placeholder the text tells how many they are; the plan has all. */
const MAX_SHOWN = 1000;

function describePlaceholder(placeholder: PlanPlaceholder, specs: Plan['specs']): string[] {
  if (placeholder.mapping !== undefined) return describeMapping(placeholder, placeholder.mapping);
  const {
    was,
    caller_fd,
    file_id,
    split_from,
    references,
    in_flight,
    apply,
    position,
    watched,
    truncate_to,
    set_nonblock,
  } = placeholder;
  const state = [
    split_from === undefined ? `file id ${file_id}` : `file id ${file_id}, split off from file id ${split_from}`,
    accessWord(was.flags),
    ...(was.offset === undefined ? [] : [`offset ${was.offset}`]),
    ...(watched ? ['watched by an epoll'] : []),
    ...(apply === 'AUTO' ? [] : [apply === 'DUP' ? 'as a dup' : 'opened again']),
    ...(position === 'CALLER' ? [] : [position === 'END' ? 'at the end' : 'at the saved offset']),
    ...(truncate_to === undefined ? [] : [`cut to ${truncate_to} bytes`]),
    ...(set_nonblock ? ['O_NONBLOCK set'] : []),
    ...in_flight.map(({ bytes, fate }) => `${bytes} unread bytes ${fate === 'REPLAY' ? 'delivered' : 'dropped'}`),
  ];
  const named = namedDescriptor(specs[placeholder.spec]?.text ?? '');
  const [holders, others]: [string[], string[]] = [[], []];
  let left = 0;
  for (const reference of references) {
    if (holders.length + others.length >= MAX_SHOWN) {
      left += 1;
      continue;
    }
    if ('scm_right' in reference)
      others.push(`SCM right in the queue of the socket with file id ${reference.scm_right.socket_id}`);
    else {
      const { descriptor } = reference;
      const mark = descriptor.close_on_exec ? ' (close-on-exec)' : '';
      const isNamed = named?.fd === descriptor.fd && (named.pid === '*' || descriptor.pids.includes(Number(named.pid)));
      for (const text of pidAndFd(descriptor)) (isNamed ? holders : others).push(text + mark);
    }
  }
  if (left > 0) others.push(`${left} more`);
  const also = holders.length > 0 && others.length > 0 ? `; also ${others.join(', ')}` : others.join(', ');
  return [`fd[${caller_fd}] <- ${was.type} ${was.key} (${state.join(', ')})`, `    for ${holders.join(', ')}${also}`];
}

function describeMapping({ was, caller_fd, file_id }: PlanPlaceholder, { pids, bytes, writes }: PlanMapping): string[] {
  const state = `file id ${file_id}, ${writes ? 'read-write' : 'read'}, the first ${bytes} bytes are mapped`;
  return [`fd[${caller_fd}] <- ${was.type} ${was.key} (${state})`, `    for the memory of ${someOf(pids)}`];
}

/** The descriptor that a key /proc/PID/fd/N names: the others of its entry come along. */
function namedDescriptor(spec: string): { pid: string; fd: number } | undefined {
  const [, pid, fd] = /:\/?proc\/(\*|\d+)\/fd\/(\d+)$/.exec(spec) ?? [];
  return pid === undefined ? undefined : { pid, fd: Number(fd) };
}

/** In chunks: a plan can have a million descriptors. */
export function* rewriteJson(result: RewriteResult, out: string | undefined): Generator<string, void, undefined> {
  const value = {
    format: 'fdgraft.rewrite',
    version: 1,
    out: out === undefined ? null : escapeControls(out),
    next: result.next === undefined ? null : nextJson(result.next),
    plan: planToJson(result.plan),
    notices: result.notices,
  };
  yield* jsonChunks(value);
  yield '\n';
}

function nextJson(next: NextCommand) {
  const {
    restorer,
    unpack,
    pack,
    words,
    placeholders,
    redirections,
    passed,
    externalMounts,
    externalNamespaces,
    mountNamespace,
    moveTo,
  } = next;
  return {
    restorer,
    ...(unpack === undefined ? {} : { unpack: unpack.map(escapeControls) }),
    ...(pack === undefined ? {} : { pack: pack.map(escapeControls) }),
    command: words.map(escapeControls),
    placeholders,
    redirections,
    ...(passed.length === 0 ? {} : { passed: passed.map(({ fd, kind }) => ({ fd, needs: kindToJson(kind) })) }),
    ...(externalMounts.length === 0 ? {} : { external_mounts: externalMounts }),
    ...(externalNamespaces.length === 0 ? {} : { external_namespaces: externalNamespaces }),
    ...(mountNamespace === undefined ? {} : { mount_namespace: escapeControls(mountNamespace) }),
    ...(moveTo === undefined ? {} : { move_to: escapeControls(moveTo) }),
    shell: escapeControls(shellText(next)),
  };
}

/** Warnings of the plan, and what became of single files; a line each. */
export function remarks(result: RewriteResult): string[] {
  return [...result.plan.warnings.map(({ message }) => `warning: ${message}`), ...noticeLines(result.notices)];
}
