import { escapeBytes } from '../bytes/escape';
import { TASK_STATES } from '../checkpoint/explore/core-facts';
import type { ExploredMapping } from '../checkpoint/explore/mappings';
import type { NamedFile } from '../checkpoint/explore/named-file';
import type { ExploredRun } from '../checkpoint/explore/resident';
import { safeJson } from '../json/safe-json';
import type { Explored, ExploredWhat } from '../operations/explore';
import { jsonNumber } from '../plan/plan-json';
import { pagesIn, protWord } from './x-words';

/** Rows as one JSON document, in chunks. */
export class XJson {
  private isFirstTask = true;
  private isInTask = false;
  /** The list of the task that is open, and the one that it has in any case. */
  private openList: string | undefined;
  private promisedList: string | undefined;

  constructor(private readonly what: ExploredWhat) {}

  begin(): string {
    return `{\n  "format": "fdgraft.x",\n  "version": 1,\n  "what": "${this.what}",\n  "tasks": [`;
  }

  row(row: Explored[ExploredWhat]): string {
    switch (row.kind) {
      case 'process':
        return this.task(processToJson(row)) + this.endTask();
      case 'task':
        return this.task({ pid: row.pid }, row.isKnown ? LISTS[this.what] : undefined);
      case 'descriptor':
        return this.item({ fd: row.fd, close_on_exec: row.closeOnExec, ...fileToJson(row.file) });
      case 'directory':
        return this.property(row.what, fileToJson(row.file));
      case 'executable':
        return this.property('executable', fileToJson(row.file));
      case 'mapping':
        return this.item(mappingToJson(row));
      case 'run':
        return this.item(runToJson(row));
    }
  }

  end(): string {
    return this.endTask() + (this.isFirstTask ? ']\n}\n' : '\n  ]\n}\n');
  }

  /** What a task is without what it has; the brace stays open. */
  private task(fields: object, list?: string): string {
    const before = this.endTask() + (this.isFirstTask ? '\n' : ',\n');
    this.isFirstTask = false;
    this.isInTask = true;
    this.promisedList = list;
    return `${before}    ${indented(fields, 4).slice(0, -'\n    }'.length)}`;
  }

  private property(name: string, value: object): string {
    return `${this.endList()},\n      "${name}": ${indented(value, 6)}`;
  }

  private item(value: object): string {
    const isFirst = this.openList === undefined;
    const before = isFirst ? `,\n      "${LISTS[this.what]}": [` : ',';
    this.openList = LISTS[this.what];
    this.promisedList = undefined;
    return `${before}\n        ${indented(value, 8)}`;
  }

  private endList(): string {
    if (this.openList === undefined) return '';
    this.openList = undefined;
    return '\n      ]';
  }

  private endTask(): string {
    if (!this.isInTask) return '';
    this.isInTask = false;
    const empty = this.promisedList === undefined ? '' : `,\n      "${this.promisedList}": []`;
    return `${this.endList()}${empty}\n    }`;
  }
}

/** What a task has many of. It is absent where the images do not say what there is. */
const LISTS: { readonly [What in ExploredWhat]: string | undefined } = {
  ps: undefined,
  fds: 'descriptors',
  mems: 'mappings',
  rss: 'runs',
};

const STATE_NAMES = new Map<number, string>(Object.entries(TASK_STATES).map(([name, state]) => [state, name]));

function indented(value: object, spaces: number): string {
  return safeJson(value, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);
}

function processToJson({ pid, ppid, pgid, sid, threads, depth, name, state }: Explored['ps']): object {
  return {
    pid,
    ppid,
    pgid,
    sid,
    threads,
    depth,
    ...(name === undefined ? {} : { comm: name }),
    ...(state === undefined ? {} : { state: STATE_NAMES.get(state) ?? state }),
  };
}

/** `key`: for --inherit-fd, as ls prints it. What cannot be inherited has none. */
function fileToJson({ id, type, name, nameBytes, isDirectory, socket }: NamedFile): object {
  return {
    file_id: id,
    type,
    ...(nameBytes !== undefined ? { name_bytes: nameBytes } : {}),
    ...(name === undefined || nameBytes !== undefined ? {} : isDirectory ? { path: name } : { key: name }),
    ...(socket === undefined ? {} : { inode: socket.ino, peer: socket.peer, name: escapeBytes(socket.name) }),
  };
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

function mappingToJson({ start, end, prot, content, isRegular }: ExploredMapping): object {
  return {
    start: hex(start),
    end: hex(end),
    prot: protWord(prot),
    content: content.what,
    ...('number' in content ? { number: content.number } : {}),
    ...(content.what === 'file'
      ? { file: fileToJson(content.file), offset: jsonNumber(content.offset), shared: content.isShared }
      : {}),
    regular: isRegular,
  };
}

function runToJson({ address, pages, inParent, mappings }: ExploredRun): object {
  return {
    address: hex(address),
    pages: jsonNumber(pages),
    in_parent: inParent,
    mappings: mappings.map((mapping) => ({
      start: hex(mapping.start),
      end: hex(mapping.end),
      pages: jsonNumber(pagesIn(mapping)),
      ...(mapping.file === undefined ? {} : { file: fileToJson(mapping.file) }),
    })),
  };
}
