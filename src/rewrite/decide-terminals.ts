import { pushTo } from '../bytes/groups';
import { withoutKind } from '../checkpoint/entry-facts';
import { isWholeTerminal } from '../checkpoint/terminals';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Claim } from './assign';
import type { NamedTerminal } from './find-terminals';
import type { References, TakenTerminal } from './match';
import { specOf } from './spec-of';
import { stayingEntries } from './staying-entries';
import type { Survey } from './survey';

export interface TerminalDecision {
  /** All claims, those of terminals last. Of a terminal that is taken whole there is one for each entry. */
  readonly claims: readonly Claim[];
  /** Shares that CRIU finds by a key of its own. */
  readonly whole: ReadonlyMap<Claim, TakenTerminal>;
  /** Terminals that nothing has open any more, by the first claim of each. */
  readonly lost: ReadonlyMap<Claim, NamedTerminal>;
}

type Specs = readonly InheritSpec[];

/**
 * A terminal goes whole, with its settings and its session, to the open file of one spec. Descriptors that other specs
 * take of it become open files like any other: these need not be terminals. Throws FdgraftError (DESCRIPTOR_TIED,
 * SPEC_UNSUPPORTED, BYTES_IN_FLIGHT, IMAGES_DISAGREE) where CRIU cannot restore the rest.
 */
export function decideTerminals({ claims }: Assignment, found: Survey, specs: Specs): TerminalDecision {
  const byTerminal = new Map<number, Claim[]>();
  for (const claim of claims) {
    const { terminalId } = claim.match.facts;
    if (terminalId !== undefined) pushTo(byTerminal, terminalId, claim);
  }
  const decided: TerminalDecision[] = [];
  for (const [id, parts] of [...byTerminal].sort(([a], [b]) => a - b)) {
    const terminal = found.terminals.get(id);
    const [{ match }] = parts as [Claim];
    if (terminal === undefined) {
      throw messages.terminalMissing({ file: 'files.img', entry: match.entry }, match.facts.key, match.id, id);
    }
    if (terminal.repeatedAt !== undefined) {
      throw messages.duplicateTerminal({ file: 'tty-info.img', entry: terminal.repeatedAt }, match.facts.key, id);
    }
    decided.push(decideOne(terminal, parts, found, specs, decided.length + 1));
  }
  refuseTwoSessions(decided, specs);
  const others = claims.filter(({ match }) => match.facts.terminalId === undefined);
  return {
    claims: [...others, ...decided.flatMap(({ claims }) => claims)],
    whole: new Map(decided.flatMap(({ whole }) => [...whole])),
    lost: new Map(decided.flatMap(({ lost }) => [...lost])),
  };
}

/** A terminal is the controlling terminal of one session at most. */
function refuseTwoSessions(decided: readonly TerminalDecision[], specs: Specs): void {
  const takers = new Map<number, { claim: Claim; terminal: TakenTerminal }>();
  for (const { whole } of decided) {
    const [first] = whole;
    if (first === undefined || !first[1].hasLeader) continue;
    const [claim, terminal] = first;
    const { callerFd, text } = specOf(specs, claim);
    const other = takers.get(callerFd);
    takers.set(callerFd, { claim, terminal });
    if (other === undefined) continue;
    const place = { file: 'files.img', entry: claim.match.entry };
    const sessions = [other.terminal.session, terminal.session] as const;
    throw messages.twoSessionsOnOne(
      place,
      text,
      [other.claim.match.facts.key, claim.match.facts.key],
      sessions,
      callerFd,
    );
  }
}

function decideOne(
  terminal: NamedTerminal,
  parts: readonly Claim[],
  found: Survey,
  specs: Specs,
  dev: number,
): TerminalDecision {
  refuseRole(terminal, parts, specs);
  const staying = stayingEntries(terminal.held, parts, found);
  const keeper = keeperOf(terminal, parts, specs);
  if (keeper === undefined) {
    const plain = parts.map(asPlain);
    // CRIU looks for the record of each entry, also of one that nothing has open.
    const isLost = staying.length === 0 && terminal.held.length === terminal.entries.length;
    if (isLost) refuseData(terminal, parts, specs);
    return { claims: plain, whole: new Map(), lost: new Map(isLost ? [[plain[0] as Claim, terminal]] : []) };
  }
  if (staying.length > 0) throw partStays(keeper, staying, specs);
  refuseData(terminal, parts, specs);
  const { callerFd } = specOf(specs, keeper);
  const isKept = (part: Claim) => specOf(specs, part).callerFd === callerFd;
  const { id, record, session, foreground, hasLeader } = terminal;
  const goes = { id, record, dev, session, foreground, hasLeader };
  const whole = joined(parts.filter(isKept));
  return {
    claims: [...whole, ...parts.filter((part) => !isKept(part)).map(asPlain)],
    whole: new Map(whole.map((claim) => [claim, goes])),
    lost: new Map(),
  };
}

/** The roles of terminals that no file of the caller's can have. */
function refuseRole({ role, hasOtherEnd }: NamedTerminal, parts: readonly Claim[], specs: Specs): void {
  const why =
    role === 'master' && hasOtherEnd
      ? 'it is the master of a pty whose other end is in the checkpoint too: CRIU restores them together'
      : role === 'other'
        ? 'it is no pty, and its settings cannot be given to one'
        : undefined;
  if (why !== undefined) throw refused(parts, specs, why);
}

function refused(parts: readonly Claim[], specs: Specs, why: string) {
  const [first] = parts as readonly [Claim];
  const { entry, facts, id } = first.match;
  return messages.terminalRefused({ file: 'files.img', entry }, specOf(specs, first).text, facts.key, id, why);
}

/**
 * The claim whose spec gets the terminal itself; undefined where none does. A spec that names the terminal comes before
 * one that names a descriptor of it, and the lowest descriptor before others.
 */
function keeperOf(terminal: NamedTerminal, parts: readonly Claim[], specs: Specs): Claim | undefined {
  const { hasOtherEnd } = terminal;
  if (!isWholeTerminal(terminal)) return undefined;
  if (parts.every((part) => specOf(specs, part).only)) return undefined;
  if (hasOtherEnd) {
    throw refused(
      parts,
      specs,
      'the master of its pty is in the checkpoint, and wants this terminal; with only: true, descriptors of it go alone',
    );
  }
  const rank = (part: Claim) => {
    const { only, key } = specOf(specs, part);
    return [Number(only), Number(key.kind === 'descriptor'), lowestOf(part.references), part.spec];
  };
  return [...parts].sort((a, b) => compare(rank(a), rank(b)))[0];
}

function lowestOf({ descriptors }: References): number {
  return descriptors.reduce((lowest, { fd }) => Math.min(lowest, fd), Number.POSITIVE_INFINITY);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((value, i) => value !== b[i]);
  return (a[place] ?? 0) - (b[place] ?? 0);
}

function partStays(keeper: Claim, staying: readonly number[], specs: Specs) {
  const { text, callerFd } = specOf(specs, keeper);
  const { entry, facts } = keeper.match;
  return messages.terminalPartStays({ file: 'files.img', entry }, text, facts.key, callerFd, staying);
}

/** Bytes that nobody has read go with the pty: the caller's has its own. */
function refuseData({ data }: NamedTerminal, parts: readonly Claim[], specs: Specs): void {
  if (data === undefined || data.bytes === 0) return;
  const [first] = parts as readonly [Claim];
  const place = { file: 'tty-data.img', entry: data.record };
  throw messages.terminalHasData(place, first.match.facts.key, data.bytes, specOf(specs, first).text);
}

/** One claim for each entry: they become one open file anyway. */
function joined(parts: readonly Claim[]): Claim[] {
  const byEntry = new Map<number, Claim>();
  for (const part of parts) {
    const { match, spec, references } = byEntry.get(part.match.id) ?? part;
    if (!byEntry.has(part.match.id)) byEntry.set(part.match.id, part);
    else byEntry.set(part.match.id, { match, spec, references: together(references, part.references) });
  }
  return [...byEntry.values()];
}

function together(a: References, b: References): References {
  return {
    descriptors: [...a.descriptors, ...b.descriptors].sort((a, b) => a.table - b.table || a.fd - b.fd),
    // They are with the last part: a spec that takes all leaves nothing to later ones.
    scmRights: b.scmRights,
  };
}

/** A claim for which any open file will do. */
function asPlain({ match, spec, references }: Claim): Claim {
  return { match: { ...match, facts: withoutKind(match.facts) }, spec, references };
}
