import { Mapped } from '../bytes/mapped';
import { socketKey } from '../checkpoint/key-text';
import type { Descriptor } from '../checkpoint/listing/open-entry';
import { accessOf } from '../checkpoint/open-flags';
import type { OpenKind } from '../checkpoint/open-kind';
import { jsonChunks } from '../json/json-chunks';
import type { ListedEntry } from '../operations/inspect';
import { jsonNumber } from '../plan/plan-json';

const INDENT = 4;

/** The list for programs, in chunks: what they are in a row is one value of JSON. */
export class LsJson {
  private isFirst = true;

  begin(): string {
    return '{\n  "format": "fdgraft.ls",\n  "version": 1,\n  "entries": [';
  }

  *entry(entry: ListedEntry): Generator<string, void, undefined> {
    yield this.isFirst ? '\n    ' : ',\n    ';
    this.isFirst = false;
    yield* jsonChunks(toJson(entry), INDENT);
  }

  end(): string {
    return this.isFirst ? ']\n}\n' : '\n  ]\n}\n';
  }
}

/**
 * What cannot be inherited has no key: types that are not supported, and names that are too long for one.
 */
function toJson(entry: ListedEntry): object {
  const { id, type, facts, unreadBytes, missingEnd, terminal, isExternal, callerFds, descriptors, others, ties } =
    entry;
  return {
    file_id: id,
    type,
    ...(facts === undefined
      ? isExternal
        ? { external: true }
        : {}
      : {
          ...(facts.nameBytes === undefined ? { key: facts.key } : { name_bytes: facts.nameBytes }),
          access: accessOf(facts.flags),
          flags: facts.flags,
          ...(facts.offset === undefined ? {} : { offset: jsonNumber(facts.offset) }),
          ...(facts.pipeId === undefined ? {} : { pipe_id: facts.pipeId, unread_bytes: unreadBytes }),
          ...(facts.socketInode === undefined ? {} : { unread_bytes: unreadBytes }),
          ...(facts.peerInode === undefined ? {} : { peer: socketKey(facts.peerInode) }),
          ...(facts.kind === undefined ? {} : { needs: kindToJson(facts.kind) }),
          ...(missingEnd === undefined ? {} : { missing_end: missingEnd }),
          ...(terminal === undefined ? {} : { terminal: terminalToJson(terminal) }),
          external: isExternal,
        }),
    ...(callerFds.length === 0 ? {} : { caller_fds: callerFds }),
    descriptors: Array.isArray(descriptors)
      ? descriptors.map(descriptorToJson)
      : new Mapped(descriptors, descriptorToJson),
    other_references: others.map(({ what, pid, socketId }) => ({
      what,
      ...(pid === undefined ? {} : { pid }),
      ...(socketId === undefined ? {} : { socket_id: socketId }),
    })),
    ties: ties.map(({ what, pid, fd, epoll }) => ({
      what,
      ...(pid === undefined ? {} : { pid }),
      fd,
      ...(epoll === undefined ? {} : { epoll_id: epoll }),
    })),
  };
}

function terminalToJson({ role, session, foreground, isHungUp, size }: NonNullable<ListedEntry['terminal']>): object {
  return { role, session, foreground, ...(isHungUp ? { hung_up: true } : {}), ...size };
}

/** The kind that the caller's open file must have. */
export function kindToJson({ name, socket }: OpenKind): object {
  return { kind: name, ...(socket === undefined ? {} : { ...socket, state: socket.state.toLowerCase() }) };
}

function descriptorToJson({ table, pids, names, fd, closeOnExec }: Descriptor): object {
  return { table, pids, names, fd, close_on_exec: closeOnExec };
}
