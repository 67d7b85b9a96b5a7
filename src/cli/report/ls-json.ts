import { accessOf } from '../../checkpoint/entry-types';
import type { OpenEntry } from '../../index';
import { jsonNumber } from '../../plan/plan-json';

/** The list for programs. Entries that cannot be inherited yet have no key. */
export function lsJson(entries: readonly OpenEntry[]): string {
  const listed = entries.map(({ id, type, facts, unreadBytes, descriptors }) => ({
    file_id: id,
    type,
    ...(facts === undefined
      ? {}
      : {
          key: facts.key,
          access: accessOf(facts.flags),
          flags: facts.flags,
          ...(facts.offset === undefined ? {} : { offset: jsonNumber(facts.offset) }),
          ...(facts.pipeId === undefined ? {} : { pipe_id: facts.pipeId, unread_bytes: unreadBytes }),
        }),
    descriptors: descriptors.map(({ table, pids, fd, closeOnExec }) => ({
      table,
      pids,
      fd,
      close_on_exec: closeOnExec,
    })),
  }));
  return `${JSON.stringify({ format: 'fdgraft.ls', version: 1, entries: listed }, null, 2)}\n`;
}
