import { escapeControls } from '../bytes/escape';
import { shellQuote, shellWord } from '../bytes/shell-word';
import { Tally } from '../checkpoint/tally';
import { messages } from '../errors/messages';
import { decide } from '../rewrite/decide';
import type { Decision } from '../rewrite/decision';
import { type ExternalKey, findLeftToCriu, readExternalKeys } from '../rewrite/external-keys';
import { type GatheredCredentials, gatherCredentials } from '../rewrite/gather-credentials';
import { lostPipeOwners } from '../rewrite/lost-pipe-owners';
import { explainUnmatched } from '../rewrite/near-misses/explain-unmatched';
import { type ResolvedKeys, resolveKeys } from '../rewrite/resolve-keys';
import { standardDescriptors } from '../rewrite/standard-descriptors';
import { type Survey, survey } from '../rewrite/survey';
import type { Warning } from '../rewrite/warning';
import { DESCRIPTOR_LIST } from '../specs/descriptor-list';
import { parseSpec } from '../specs/parse-spec';
import { parseSpecs } from '../specs/parse-specs';
import type { DebugSpec, InheritSpec, Spec, SpecOptions } from '../specs/spec';
import type { Source } from '../storage/source';
import { readDescriptorList } from './read-specs';

/** The specs and the options of a rewrite that decide about entries. */
export interface Asked {
  readonly specs: readonly (string | SpecOptions)[];
  readonly fromDescriptors?: boolean;
  readonly allowUnmatched?: boolean;
  readonly dropInFlight?: boolean;
  readonly signal?: AbortSignal;
}

/** The specs of a rewrite, read. */
export interface ReadSpecs {
  readonly inherits: readonly InheritSpec[];
  readonly debugs: readonly DebugSpec[];
  /** Those of descriptors.json; their inherits stand behind all others. */
  readonly listed: readonly Spec[];
}

/** All that a rewrite knows before it writes anything. */
export interface Settled {
  readonly found: Survey;
  readonly decision: Decision;
  readonly gathered: GatheredCredentials;
  /** Specs by number whose keys criu itself takes. */
  readonly left: ReadonlyMap<number, ExternalKey>;
  /** Besides those of the decision. */
  readonly warnings: readonly Warning[];
}

/** Throws FdgraftError. */
export async function readAsked(source: Source, { specs, fromDescriptors }: Asked): Promise<ReadSpecs> {
  const given = parseSpecs(specs, parseSpec);
  const listed = fromDescriptors ? parseSpecs(await readDescriptorList(source), parseSpec) : [];
  if (given.length === 0 && fromDescriptors !== true) throw messages.noSpecs(source.label);
  const all = [...given, ...listed];
  return {
    inherits: all.filter((spec): spec is InheritSpec => spec.kind === 'inherit'),
    debugs: all.filter((spec): spec is DebugSpec => spec.kind === 'debug'),
    listed,
  };
}

/** Finds what the specs name and decides what becomes of it. Throws FdgraftError. */
export async function settle(source: Source, specs: ReadSpecs, asked: Asked): Promise<Settled> {
  const { inherits, debugs, listed } = specs;
  const { signal, fromDescriptors, allowUnmatched = false, dropInFlight = false } = asked;
  const isListed = (number: number) => number >= inherits.length - listed.length;
  const resolved = await resolveKeys(source, inherits, signal);
  const found = await survey(source, inherits, resolved, signal);
  const decision = decide(found, inherits, { dropInFlight, debugs, mayRepeat: isListed });
  countPlanned(source, found, decision);
  const matching = { source, found, inherits, resolved, decision, signal };
  const { left, unmatched } = await checkUnmatched(matching, (number) => allowUnmatched || isListed(number));
  if (fromDescriptors === true && decision.placeholders.length + left.size === 0 && !allowUnmatched) {
    throw await nothingListed(source, found, listed, signal);
  }
  const gathered = await gatherCredentials(source, decision.placeholders, found.tasks, signal);
  const lostOwners = lostPipeOwners(decision.placeholders, inherits, gathered.userNamespace);
  return { found, decision, gathered, left, warnings: [...unmatched, ...warnOfLeft(left, inherits), ...lostOwners] };
}

/** The plan names each descriptor with all tasks that have it: refused before anything is made if that is too much. */
function countPlanned(source: Source, { tasks }: Survey, { placeholders }: Decision): void {
  const tally = new Tally(source.label);
  tally.count('placeholders', placeholders.length);
  for (const { references } of placeholders) {
    for (const { table } of references.descriptors) tally.count('planned', Math.max(1, tasks.pidsOf(table).length));
  }
}

interface Matching {
  readonly source: Source;
  readonly found: Survey;
  readonly inherits: readonly InheritSpec[];
  readonly resolved: ResolvedKeys;
  readonly decision: Decision;
  readonly signal: AbortSignal | undefined;
}

/** Specs that matched nothing: those that are left to criu, and warnings of those that may. */
async function checkUnmatched(
  { source, found, inherits, resolved, decision, signal }: Matching,
  mayMiss: (spec: number) => boolean,
): Promise<{ left: ReadonlyMap<number, ExternalKey>; unmatched: Warning[] }> {
  const empty = inherits.flatMap((_spec, number) => (decision.matchCounts[number] === 0 ? [number] : []));
  const keys = empty.length === 0 ? [] : await readExternalKeys(source, signal);
  const left = findLeftToCriu(inherits, empty, keys);
  const unmatched = empty.filter((number) => !left.has(number));
  const wrong = unmatched.filter((number) => !mayMiss(number));
  if (wrong.length > 0) {
    const explained = await explainUnmatched(source, { found, specs: inherits, resolved, keys }, wrong, signal);
    const hint = `fdgraft ls ${shellWord(source.label)} shows what can be inherited; --allow-unmatched goes on without`;
    throw messages.specsUnmatched(explained, hint);
  }
  const warnings = unmatched.map((number): Warning => {
    return { code: 'SPEC_UNMATCHED', message: `${inherits[number]?.text} matches nothing` };
  });
  return { left, unmatched: warnings };
}

/** More pipes than stdin, stdout and stderr are in no list that a runtime makes. */
const MAX_LISTED = 3;

/** Says what the standard descriptors are now: the list tells what they were when the container was started. */
async function nothingListed(
  source: Source,
  found: Survey,
  listed: readonly Spec[],
  signal: AbortSignal | undefined,
): Promise<Error> {
  const pipes = listed.flatMap((spec) => (spec.kind === 'inherit' ? [spec.keyText] : []));
  const there = await standardDescriptors(source, found.tasks, signal);
  return messages.nothingListed(
    DESCRIPTOR_LIST,
    [...new Set(pipes)].slice(0, MAX_LISTED),
    there.map(({ pid, fd, file: { type, name, nameBytes } }) => {
      const what = `${pid}/${fd} is ${name === undefined ? `a ${type} entry` : name}`;
      return name !== undefined && nameBytes === undefined
        ? `${what}: --inherit-fd 'fd[${fd}]:/proc/${pid}/fd/${fd}'`
        : what;
    }),
  );
}

function warnOfLeft(left: ReadonlyMap<number, ExternalKey>, inherits: readonly InheritSpec[]): Warning[] {
  return [...left].map(([number, { what, image }]) => {
    const text = escapeControls(inherits[number]?.text ?? '');
    const message = `${text} is the key of an external ${what} (${image}), which criu inherits itself: pass --inherit-fd ${shellQuote(text)} to criu restore`;
    return { code: 'KEY_LEFT_TO_CRIU', message };
  });
}
