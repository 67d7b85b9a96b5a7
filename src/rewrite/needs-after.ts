import type { Decision } from './decision';
import type { RestoreNeeds, RestoreOption } from './restore-needs';

/** The needs of what was rewritten: CRIU takes a stand-in for a socket outside of the tree, and no terminal that went. */
export function needsAfter({ placeholders }: Decision, needs: RestoreNeeds): RestoreNeeds {
  const hasStandIn = placeholders.some(({ standIn }) => standIn !== undefined);
  const gone = new Set(placeholders.map(({ terminal, lostTerminal }) => (terminal ?? lostTerminal)?.id));
  const isJobByTerminal =
    !needs.options.includes('--shell-job') && needs.outerTerminals.some((terminal) => !gone.has(terminal));
  const options = new Set<RestoreOption>([
    ...needs.options,
    ...(hasStandIn ? (['--ext-unix-sk'] as const) : []),
    ...(isJobByTerminal ? (['--shell-job'] as const) : []),
  ]);
  return { ...needs, isJobByTerminal, options: [...options].sort() };
}
