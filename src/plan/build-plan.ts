import { escapeControls } from '../bytes/escape';
import { accessOf } from '../checkpoint/entry-types';
import type { Decision, Placeholder, Warning } from '../rewrite/decide';
import type { References } from '../rewrite/match';
import type { Transformed } from '../rewrite/transform';
import type { DebugSpec, InheritSpec } from '../specs/spec';
import type { Plan, PlanPlaceholder, PlanReference } from './plan';

export interface PlanParts {
  readonly tool: string;
  readonly inherits: readonly InheritSpec[];
  readonly debugs: readonly DebugSpec[];
  readonly decision: Decision;
  readonly transformed: Transformed;
  readonly pidsByTable: ReadonlyMap<number, readonly number[]>;
  /** Warnings that are not the decision's. */
  readonly warnings: readonly Warning[];
}

/** Puts the plan together. The same parts give the same plan: no time, no place. */
export function buildPlan(parts: PlanParts): Plan {
  const { decision, transformed, inherits } = parts;
  return {
    format: 1,
    tool: parts.tool,
    images: [...transformed.changed].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    specs: inherits.map((spec, number) => ({
      text: escapeControls(spec.text),
      caller_fd: spec.callerFd,
      matches: decision.matchCounts[number] ?? 0,
    })),
    debugs: parts.debugs.map((spec) => ({
      text: escapeControls(spec.text),
      caller_fd: spec.callerFd,
      output: spec.output,
    })),
    warnings: [...parts.warnings, ...decision.warnings].map(({ code, message, fileId }) => ({
      code,
      message,
      ...(fileId === undefined ? {} : { file_id: fileId }),
    })),
    placeholders: decision.placeholders.map((placeholder) => buildPlaceholder(placeholder, parts)),
  };
}

function buildPlaceholder(placeholder: Placeholder, parts: PlanParts): PlanPlaceholder {
  const { match, spec, inFlight } = placeholder;
  const { facts } = match;
  const access = accessOf(facts.flags);
  return {
    file_id: match.id,
    caller_fd: (parts.inherits[spec] as InheritSpec).callerFd,
    spec,
    was: {
      type: match.type.name,
      key: facts.key,
      flags: facts.flags,
      ...(facts.offset === undefined ? {} : { offset: facts.offset }),
      ...(facts.pipeId === undefined ? {} : { pipe_id: facts.pipeId }),
      owner: facts.owner,
    },
    needs_read: access.read,
    needs_write: access.write,
    apply: 'AUTO',
    position: 'CALLER',
    references: buildReferences(parts.transformed.references.get(match.id), parts.pidsByTable),
    in_flight: inFlight.map(({ image, offset, bytes, pipeSize }) => ({
      image,
      offset,
      bytes,
      ...(pipeSize === undefined ? {} : { pipe_size: pipeSize }),
      fate: 'DROP' as const,
    })),
  };
}

function buildReferences(
  references: References | undefined,
  pidsByTable: ReadonlyMap<number, readonly number[]>,
): PlanReference[] {
  if (references === undefined) return [];
  return [
    ...references.descriptors.map(({ table, fd, closeOnExec }) => ({
      descriptor: { table, pids: pidsByTable.get(table) ?? [], fd, close_on_exec: closeOnExec },
    })),
    ...references.scmRights.map(({ packet, socketId }) => ({ scm_right: { packet, socket_id: socketId } })),
  ];
}
