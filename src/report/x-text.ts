import type { ExploredMapping } from '../checkpoint/explore/mappings';
import type { ExploredRun } from '../checkpoint/explore/resident';
import type { Explored } from '../operations/explore';
import { address, fileWord, pagesIn, protWord } from './x-words';

/*
 * The text of crit's explorers (crit x DIR WHAT of CRIU 4.1.1 and later), space by space, but for this:
 * - A file that can be inherited has its key, to be pasted behind --inherit-fd 'fd[N]:': `pipe:[4711]` where crit has
 *   `pipe[4711]`, the path of a FIFO where crit has `FIFO.8`. Paths are escaped as in keys.
 * - Text from images is escaped, and the name of a socket is never broken into lines.
 * - Pages are counted in dumps of any CRIU: the number has been in another field since 4.2. Of newer dumps an older crit
 *   has 0 pages, of older dumps a newer crit ends with a traceback.
 * - Where crit ends with a traceback, there is what the images say: of tasks that were dead, of those whose parent is
 *   not there, of several roots (crit shows one), of images that are missing, of layouts older than ids images,
 *   files.img or mappings in mm images. What is missing is said on stderr.
 * - A task with more than 64 ancestors has its depth before its name instead of more spaces: crit's lines grow with the
 *   depth, and it ends with an error at some 1,000.
 * - A mapping of a memfd is `MEMFD.18`, not `unknown path`. Pages below all mappings do not take the last mapping for
 *   the one before the first.
 */

/** Rows as text; some text may come before all of them. */
export interface TextOf<Row> {
  begin?(): string;
  row(row: Row): string;
}

/** Deeper tasks are not moved further to the right, but have their depth before their name. */
const MAX_INDENT = 64;

export const psText: TextOf<Explored['ps']> = {
  begin: () => processLine('PID', 'PGID', 'SID', 'COMM'),
  row: ({ pid, pgid, sid, depth, name }) => {
    const deep = depth > MAX_INDENT ? `[depth ${depth}] ` : '';
    return processLine(
      `${pid}`,
      `${pgid}`,
      `${sid}`,
      '    '.repeat(Math.min(depth, MAX_INDENT)) + deep + (name ?? '?'),
    );
  },
};

function processLine(pid: string, pgid: string, sid: string, name: string): string {
  return `${[pid, pgid, sid].map((number) => number.padStart(7)).join('')}   ${name}\n`;
}

export const fdsText: TextOf<Explored['fds']> = {
  row: (row) => {
    if (row.kind === 'task') return `${row.pid}\n`;
    const place = row.kind === 'directory' ? row.what : `${row.fd}`;
    return `\t${place.padStart(7)}: ${fileWord(row.file)}\n`;
  },
};

export const memsText: TextOf<Explored['mems']> = {
  row: (row) => {
    if (row.kind === 'task') return `${row.pid}\n`;
    if (row.kind === 'executable') return `\t${'exe'.padEnd(36)}    ${fileWord(row.file)}\n`;
    const range = `${address(row.start)}-${address(row.end)}`;
    return `\t${range.padEnd(36)}${protWord(row.prot)}${contentWord(row.content)}${row.isRegular ? '' : ' *'}\n`;
  },
};

const SHARED_WORDS = { sysvipc: 'ips', shmem: 'shmem', packet: 'packet' } as const;
const SPECIAL_WORDS = {
  stack: ' [stack]',
  vsyscall: ' [vsyscall]',
  vdso: ' [vdso]',
  growsdown: ' [stack?]',
  anonymous: '',
} as const;

function contentWord(content: ExploredMapping['content']): string {
  if ('number' in content) return ` ${SHARED_WORDS[content.what]}[${content.number.toString(16)}]`;
  if (content.what !== 'file') return SPECIAL_WORDS[content.what];
  const offset = content.offset === 0n ? '' : ` + 0x${content.offset.toString(16)}`;
  return ` ${fileWord(content.file)}${offset}${content.isShared ? ' (s)' : ''}`;
}

/** A line for each mapping that a run lies in, and one more; `~`: still the mapping that was named last. */
export class RssText implements TextOf<Explored['rss']> {
  private named = -1;

  row(row: Explored['rss']): string {
    if (row.kind === 'task') {
      this.named = -1;
      return `${row.pid}\n`;
    }
    const run = `\t${row.address.toString(16)} / ${`${row.pages}`.padEnd(8)}`;
    const mappings = row.mappings.map((mapping) => `${this.mapping(mapping)}\n\t${' '.repeat(23)}`);
    return `${run.padEnd(24)}${mappings.join('')}\n`;
  }

  private mapping(mapping: ExploredRun['mappings'][number]): string {
    if (mapping.index === this.named) return ' ~';
    this.named = mapping.index;
    const file = mapping.file === undefined ? '' : ` ${fileWord(mapping.file)}`;
    return ` ${address(mapping.start)} / ${`${pagesIn(mapping)}`.padEnd(8)}${file}`;
  }
}
