import { DOMAIN, kindText, type OpenKind, SOCKET_TYPE } from '../checkpoint/open-kind';
import { messages } from '../errors/messages';
import { OFFSET_MAX } from '../schema/plan-limits';
import type { InheritSpec } from '../specs/spec';
import type { Match } from './match';
import { canReopen } from './reopening';

/** Throws FdgraftError (SPEC_UNSUPPORTED, SPEC_SYNTAX) where a spec asks what no file of the caller's can be for the entry. */
export function refuseUnfit(match: Match, spec: InheritSpec): void {
  refuseUnfitKind(match, spec);
  const { facts, id, entry } = match;
  const { position, text } = spec;
  if (position !== 'saved') return;
  if (facts.offset === undefined) throw messages.noSavedOffset(text, facts.key, id);
  if (facts.offset > OFFSET_MAX) {
    const place = { file: 'files.img', entry, field: 'reg_file_entry.pos' };
    throw messages.offsetPastLimit(place, text, facts.key, facts.offset, OFFSET_MAX);
  }
}

/** Refuses options that do not go with the kind of file, be it open or only mapped. */
export function refuseUnfitKind({ type, facts, id, entry }: Match, spec: InheritSpec): void {
  const { text } = spec;
  const place = { file: 'files.img', entry };
  if (spec.peer === 'hangup' && !hasPeer(facts.kind)) {
    const kind = facts.kind === undefined ? `of type ${type.name}` : kindText(facts.kind);
    throw messages.hangsUpNothing(place, text, facts.key, id, kind);
  }
  if (facts.kind !== undefined) {
    const option = unfitOption(spec, facts.kind);
    if (option !== undefined)
      throw messages.optionOfOtherKind(place, text, option, facts.key, id, kindText(facts.kind));
  }
}

/** True for a unix socket whose other end can be told of a hang-up. */
function hasPeer(kind: OpenKind | undefined): boolean {
  const { domain, type, state } = kind?.socket ?? {};
  return domain === DOMAIN.UNIX && type === SOCKET_TYPE.STREAM && state === 'CONNECTED';
}

/** The first option that the kind does not take: directories and memfds can be opened again, memfds have an offset. */
function unfitOption({ apply, position, truncate, nonblock }: InheritSpec, kind: OpenKind): string | undefined {
  const isMemfd = kind.name === 'memfd';
  if (apply === 'reopen' && !canReopen(kind)) return 'apply reopen';
  if (position !== 'caller' && !isMemfd) return `position ${position}`;
  if (nonblock && canReopen(kind)) return 'nonblock: true';
  return truncate ? 'truncate: true' : undefined;
}
