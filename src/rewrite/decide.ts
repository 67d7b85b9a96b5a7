import { messages } from '../errors/messages';
import { PID_NUMBER_MAX, REOPENED_MAX } from '../schema/plan-limits';
import type { InheritSpec } from '../specs/spec';
import { type Assignment, assign, type Claim } from './assign';
import { decideBytes, pipesFedByCriu, stayingEnds } from './decide-bytes';
import { decideMemfds, type TakenMapping } from './decide-memfds';
import { decideSockets } from './decide-sockets';
import { decideTerminals } from './decide-terminals';
import type { Decision, Placeholder, Policy } from './decision';
import { gatherWarnings } from './gather-warnings';
import { makePlaceholders, mappingPlaceholder } from './make-placeholders';
import { refuseUndeliverable } from './refuse-undeliverable';
import { refuseUnfit, refuseUnfitKind } from './refuse-unfit';
import { isReopened } from './reopening';
import { specOf } from './spec-of';
import type { Survey } from './survey';

/**
 * Decides from the survey what becomes a placeholder. Throws FdgraftError (IMAGES_DISAGREE, DESCRIPTOR_TIED,
 * BYTES_IN_FLIGHT, SPEC_SYNTAX, SPEC_UNSUPPORTED, PLAN_LIMIT) where the result would not restore, or would lose
 * bytes unasked.
 */
export function decide(found: Survey, specs: readonly InheritSpec[], policy: Policy): Decision {
  refuseHeldPipes(found);
  refuseImpossiblePids(found);
  const assigned = assign(found, specs);
  const terminals = decideTerminals(assigned, found, specs);
  const assignment = { ...assigned, claims: terminals.claims };
  refuseTies(assignment, found, specs);
  for (const claim of assignment.claims) refuseUnfit(claim.match, specOf(specs, claim));
  const staying = stayingEnds(assignment.staying, found);
  const fedByCriu = pipesFedByCriu(staying);
  const bytes = decideBytes(assignment.claims, found, specs, policy.dropInFlight, fedByCriu);
  const sockets = decideSockets(assignment, found, specs, policy.dropInFlight);
  const mappings = decideMemfds(assignment, found, specs);
  for (const mapping of mappings) refuseUnfitKind(mapping.match, specOf(specs, mapping));
  const placeholders = [
    ...makePlaceholders({ assignment, found, specs, bytes, sockets, terminals }),
    ...mappings.map(mappingPlaceholder),
  ].sort((a, b) => a.fileId - b.fileId);
  refuseUndeliverable(placeholders, specs, policy.debugs);
  refuseReopened(placeholders, specs);
  return {
    placeholders,
    lostRemaps: assignment.lostRemaps,
    matchCounts: countMatches(found, mappings, specs),
    warnings: gatherWarnings({ placeholders, assignment, staying, fedByCriu, found, specs, policy }),
  };
}

/** Only regular files are looked up by path: whatever names another entry so is damaged, and CRIU fails on it. */
function refuseHeldPipes(found: Survey): void {
  const remapped = new Set(found.remaps.flatMap(({ origId, linkedId }) => [origId, linkedId]));
  for (const { id, entry, type, facts } of found.matches) {
    if (type.isPath || found.mappedMemfds.has(id)) continue;
    const parts = remapped.has(id) ? ['part of a remap (remap-fpath.img)'] : [];
    const otherReferences = [...(found.otherReferences.get(id) ?? []), ...parts];
    if (otherReferences.length > 0)
      throw messages.entryHeld({ file: 'files.img', entry }, facts.key, type.name, id, otherReferences);
  }
}

/** A number that no task can have would stand in the plan. */
function refuseImpossiblePids({ tasks, tables }: Survey): void {
  for (const [pid, entry] of tasks.impossiblePids()) {
    if (!tables.has(tasks.tableOf(pid) ?? -1)) continue;
    throw messages.pidPastLimit({ file: 'pstree.img', entry, field: 'pstree_entry.pid' }, pid, PID_NUMBER_MAX);
  }
}

/** A lock or the like on a descriptor that moves. */
function refuseTies({ claims }: Assignment, found: Survey, specs: readonly InheritSpec[]): void {
  if (found.names.length === 0) return;
  const moved = new Map<string, Claim>();
  for (const claim of claims) {
    for (const { table, fd } of claim.references.descriptors) moved.set(`${table}/${fd}`, claim);
  }
  for (const { pid, fd, what, consequence, image, entry } of found.names) {
    const claim = moved.get(`${found.tasks.tableOf(pid)}/${fd}`);
    if (claim === undefined) continue;
    const { key } = claim.match.facts;
    const { text } = specOf(specs, claim);
    throw messages.descriptorTied({ file: image, entry }, key, `${pid}/${fd}`, what, consequence, text);
  }
}

/** Where specs leave the choice, the executor counts again: a dup of a socket serves any number of entries. */
function refuseReopened(placeholders: readonly Placeholder[], specs: readonly InheritSpec[]): void {
  const reopened = placeholders.filter((placeholder) => isReopened(specOf(specs, placeholder)));
  const past = reopened[REOPENED_MAX];
  if (past === undefined) return;
  const { entry, facts } = past.match;
  const { text } = specOf(specs, past);
  throw messages.reopenedPastLimit({ file: 'files.img', entry }, text, facts.key, reopened.length, REOPENED_MAX);
}

/** A memfd without descriptors counts by the entries of its mappings. */
function countMatches(found: Survey, mappings: readonly TakenMapping[], specs: readonly InheritSpec[]): number[] {
  const counts = specs.map(() => 0);
  const taken = new Set(mappings.map(({ match }) => match.id));
  const mapped = found.notOpen.filter(({ id }) => taken.has(id));
  for (const match of [...found.matches, ...mapped]) {
    for (const number of match.specs) counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}
