import { isDeepStrictEqual } from 'node:util';
import { parseSpec } from '../../../src/specs/parse-spec';
import { mutated } from '../mutate/mutate';
import { textMutators } from '../mutate/text';
import { kindOf, outcomeOf } from '../outcome';
import { SPEC_WORDS } from '../seeds';
import { expect, type Target } from '../target';

const SEEDS = [
  ...[
    'fd[5]:pipe:[22653]',
    'fd[5]:pipe:[22653]:read',
    'fd[7]:/var/log/app.log',
    'fd[7]:var/log/app.log',
    'fd[0]:file[1f:2b]',
  ],
  ...[
    'fd[5]:/proc/14716/fd/1',
    'fd[5]:/proc/*/fd/1',
    'fd[6]:socket:[131019]',
    'fd[6]:@/tmp/x',
    'fd[6]:tcp:[::]:80',
    'debug[2]:text',
  ],
  ...[
    'fd[6]:udp:10.0.0.1:53',
    'fd[6]:tcp:127.0.0.1:80-127.0.0.1:9',
    'fd[6]:/memfd:name',
    'fd[6]:tty[8803:1a]',
    'fd[6]:/dev/pts/*',
  ],
  ...[
    'fd[6]:/a/{b,c}/[a-z]?*',
    'fd[6]:/a/**/x',
    'fd[6]:./pipe:[1]',
    'fd[6]:/a\\x2ab/',
    'fd[N]:/a',
    'fd[5]pipe:[1]',
    'fd[0x5]:pipe[ff]',
  ],
];
const MUTATORS = textMutators(SPEC_WORDS);
/** A spec that a hint gives to be written. */
const ADVISED = /^write ((?:fd|debug)\[\d+\]:.*)$/s;
/** Hints that say what else to put in: they name a placeholder, or go on after the spec. */
const IS_GENERAL = /\bN being\b|\bID\b|; |, both|, such as| or fd\[/;

/** Specs: read the same each time, and a spec that a hint gives is one. */
export function specsTarget(parse: typeof parseSpec = parseSpec): Target {
  return {
    name: 'specs',
    share: 1500,
    seeds: () => SEEDS.map((spec) => ({ spec: Buffer.from(spec) })),
    make: (random, pick) => ({ spec: mutated(pick().spec as Buffer, MUTATORS, random, () => pick().spec as Buffer) }),
    check: async ({ spec = Buffer.alloc(0) }) => {
      // Node.js makes text of the bytes of an argument.
      const text = spec.toString('utf8');
      const outcome = await outcomeOf('a spec', () => parse(text));
      const { value, error } = outcome;
      if (error !== undefined) {
        expect(['SPEC_SYNTAX', 'SPEC_UNSUPPORTED'].includes(error.code), () => `a spec fails with ${error.code}`);
        const advised = ADVISED.exec(error.hint ?? '')?.[1];
        if (advised !== undefined && !IS_GENERAL.test(error.hint ?? '')) await checkAdvised(text, advised, parse);
        return kindOf(outcome, () => '');
      }
      expect(value.text === text, () => `the text is ${JSON.stringify(value.text)}`);
      expect(Number.isInteger(value.callerFd) && text.includes(`[${value.callerFd}]:`), () => `fd ${value.callerFd}`);
      const again = parse(text);
      expect(isDeepStrictEqual(again, value), 'read again, it is another spec');
      if (value.kind === 'debug') return 'debug';
      expect(text.endsWith(value.keyText), () => `the key is ${JSON.stringify(value.keyText)}`);
      return `inherit ${value.key.kind}`;
    },
  };
}

async function checkAdvised(text: string, advised: string, parse: typeof parseSpec): Promise<void> {
  // What is wrong elsewhere in the key stays wrong, and is told next.
  const { error } = await outcomeOf('the spec that a hint gives', () => parse(advised));
  expect(
    error === undefined || error.hint !== `write ${advised}`,
    () => `the hint for ${JSON.stringify(text)} gives ${JSON.stringify(advised)}, which gets the same hint`,
  );
}
