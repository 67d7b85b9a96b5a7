import { pushTo } from '../checkpoint/push-to';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Share } from './assign';
import type { NamedTerminal } from './find-terminals';
import type { References, TakenTerminal } from './match';
import type { Survey } from './survey';

/**
 * The terminals that go, by their number in tty-info.img. Throws FdgraftError (DESCRIPTOR_TIED, SPEC_UNSUPPORTED) where CRIU
 * cannot restore one from the caller's.
 */
export function decideTerminals(
  { shares }: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
): ReadonlyMap<number, TakenTerminal> {
  const byTerminal = new Map<number, Share[]>();
  for (const share of shares) {
    const { terminalId } = share.match.facts;
    if (terminalId !== undefined) pushTo(byTerminal, terminalId, share);
  }
  return new Map(
    [...byTerminal].map(([id, taken]) => {
      const terminal = found.terminals.get(id);
      const [{ match }] = taken as [Share];
      const place = { file: 'files.img', entry: match.entry };
      if (terminal === undefined) throw messages.terminalMissing(place, match.facts.key, match.id, id);
      refuseKind(terminal, taken, specs);
      refuseParts(terminal, taken, found, specs);
      const { record, session, foreground, hasLeader } = terminal;
      return [id, { id, record, dev: id + 1, session, foreground, hasLeader }];
    }),
  );
}

function refuseKind(
  { kind, isHungUp, hasMaster }: NamedTerminal,
  taken: readonly Share[],
  specs: readonly InheritSpec[],
): void {
  const [{ match, spec }] = taken as readonly [Share];
  const why =
    kind === 'master'
      ? 'it is the master of a pty, and the programs on its terminal would lose it'
      : kind === 'current'
        ? 'it is /dev/tty, which is the terminal of whoever opens it; name that terminal'
        : kind === 'other'
          ? 'it is no pty, and no other terminal was tried'
          : hasMaster
            ? 'the master of its pty is in the checkpoint, and would lose its terminal'
            : isHungUp
              ? 'it was hung up before the dump'
              : undefined;
  if (why === undefined) return;
  const place = { file: 'files.img', entry: match.entry };
  throw messages.terminalRefused(place, specs[spec]?.text ?? '', match.facts.key, match.id, why);
}

function refuseParts(
  { held }: NamedTerminal,
  taken: readonly Share[],
  { references }: Survey,
  specs: readonly InheritSpec[],
): void {
  const [{ match, spec }] = taken as readonly [Share];
  const { text, callerFd } = specs[spec] as InheritSpec;
  const place = { file: 'files.img', entry: match.entry };
  const other = taken.find((share) => specs[share.spec]?.callerFd !== callerFd);
  if (other !== undefined) throw messages.terminalOnTwo(place, match.facts.key, text, specs[other.spec]?.text ?? '');
  const counts = new Map<number, number>();
  for (const share of taken) counts.set(share.match.id, (counts.get(share.match.id) ?? 0) + sizeOf(share.references));
  const staying = held.filter((id) => !counts.has(id) || counts.get(id) !== sizeOf(references.get(id)));
  if (staying.length > 0) throw messages.terminalPartStays(place, text, match.facts.key, callerFd, staying);
}

function sizeOf(references: References | undefined): number {
  return references === undefined ? 0 : references.descriptors.length + references.scmRights.length;
}
