import { escapeBytes } from '../bytes/escape';
import { jsonChunks } from '../json/json-chunks';
import type { Plan, PlanKind } from './plan';

/**
 * The plan as plain JSON values: the names of schemas/plan.proto, digests in hexadecimal, bytes escaped
 * as text, numbers past 2^53 as strings.
 */
export function planToJson(plan: Plan): Record<string, unknown> {
  return {
    format: 'fdgraft.plan',
    version: plan.format,
    tool: plan.tool,
    images: plan.images.map(({ name, before, after }) => ({
      name,
      before: before.toString('hex'),
      after: after.toString('hex'),
    })),
    specs: plan.specs,
    debugs: plan.debugs.map((debug) => ({ ...debug, output: escapeBytes(debug.output) })),
    warnings: plan.warnings,
    credentials: plan.credentials.map(({ file_size, ...rest }) => ({
      ...rest,
      ...(file_size === undefined ? {} : { file_size: jsonNumber(file_size) }),
    })),
    ...(plan.user_namespace === undefined ? {} : { user_namespace: plan.user_namespace }),
    placeholders: plan.placeholders.map(({ was, apply, position, in_flight, truncate_to, kind, mapping, ...rest }) => ({
      ...rest,
      ...(kind === undefined ? {} : { kind: kindToJson(kind) }),
      ...(mapping === undefined ? {} : { mapping: { ...mapping, bytes: jsonNumber(mapping.bytes) } }),
      ...(truncate_to === undefined ? {} : { truncate_to: jsonNumber(truncate_to) }),
      was: { ...was, ...(was.offset === undefined ? {} : { offset: jsonNumber(was.offset) }) },
      apply: apply.toLowerCase(),
      position: position.toLowerCase(),
      in_flight: in_flight.map((bytes) => ({ ...bytes, fate: bytes.fate.toLowerCase() })),
    })),
  };
}

function kindToJson({ name, socket, seals }: PlanKind): object {
  if (socket === undefined) return { name, ...(seals === undefined ? {} : { seals }) };
  const { state, name: bound, ...rest } = socket;
  const binding = bound === undefined ? {} : { name: escapeBytes(bound) };
  return { name, socket: { ...rest, state: state.toLowerCase(), ...binding } };
}

/** The plan as text of JSON, in chunks. */
export function* planChunks(plan: Plan): Generator<string, void, undefined> {
  yield* jsonChunks(planToJson(plan));
  yield '\n';
}

/** JSON numbers are exact up to 2^53. */
export function jsonNumber(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
