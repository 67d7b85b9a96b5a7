import { DECODE_OPTIONS } from './decode';
import { DIFF_OPTIONS } from './diff';
import { exitCodesOfBatch } from './exit-codes';
import { LS_OPTIONS } from './ls';
import { REWRITE_OPTIONS } from './rewrite';
import type { Usage, UsageOfSeveral } from './usage';

const SHARED = {
  out: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    value: 'ROOT',
    describe: 'Write each output below ROOT, at the path of its input relative to the base',
  },
  base: {
    type: 'string',
    requiresArg: true,
    value: 'DIR',
    describe: 'Take paths relative to DIR. Default: the current directory, or / for absolute paths',
  },
  jobs: {
    alias: 'j',
    type: 'string',
    requiresArg: true,
    value: 'N',
    describe: 'Run up to N jobs at the same time. Default: one for each processor',
  },
  shard: {
    type: 'string',
    requiresArg: true,
    value: 'PART',
    describe:
      'Do one part only. I/N: part I, from 0, of N. auto: by the task of a Slurm array. auto/N: by the index of a Kubernetes Job',
  },
  'fail-fast': { type: 'boolean', default: false, describe: 'Start no more jobs after a failure' },
  resume: {
    type: 'boolean',
    describe: 'Continue an earlier run. The same command does that without this option too',
  },
} as const;

const SPEC_UNMATCHED = 'a spec matched nothing';
const DIFFERENCE = 'a difference was found';

function usageOf(usage: Omit<Usage, 'positionals' | 'common'>): Usage {
  return {
    ...usage,
    positionals: {
      patterns: {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Paths, and quoted patterns such as ckpts/**. !PATTERN excludes from the others',
      },
    },
    common: ['json', 'quiet'],
    options: { ...usage.options, ...SHARED },
  };
}

const REWRITE: Usage = usageOf({
  command: 'rewrite <patterns..>',
  describe: 'Rewrite each checkpoint',
  usage: "fdgraft batch rewrite PATTERN... --out ROOT --inherit-fd 'fd[N]:KEY'... [options]",
  options: {
    ...REWRITE_OPTIONS,
    'in-place': { type: 'boolean', hidden: true },
    'save-plan': { type: 'string', hidden: true },
  },
  examples: [
    [
      "fdgraft batch rewrite 'ckpts/*' -o out --inherit-fd 'fd[5]:/proc/*/fd/1'",
      'write the result of ckpts/a to out/ckpts/a',
    ],
    ["fdgraft batch rewrite 'ckpts/**' --base ckpts -o out --from-descriptors", 'write the result of ckpts/a to out/a'],
    [
      "fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --shard auto",
      'do one part in each task of a Slurm array',
    ],
    ["fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --dry-run", 'print the results without writing them'],
  ],
  exitCodes: exitCodesOfBatch(`${SPEC_UNMATCHED}, and no output was written for it`),
});

const DECODE: Usage = usageOf({
  command: 'decode <patterns..>',
  describe: "Convert the images of each checkpoint to crit's JSON",
  usage: 'fdgraft batch decode PATTERN... --out ROOT [--pretty] [options]',
  options: { ...DECODE_OPTIONS },
  examples: [["fdgraft batch decode 'ckpts/*' -o json", 'write json/ckpts/a with NAME.img.json for NAME.img']],
  exitCodes: exitCodesOfBatch(),
});

const DIFF: Usage = usageOf({
  command: 'diff <patterns..>',
  describe: 'Compare each checkpoint with the one at the same path below ROOT2',
  usage: 'fdgraft batch diff PATTERN... --against ROOT2 --out ROOT [--format FORMAT] [options]',
  options: {
    ...DIFF_OPTIONS,
    against: {
      type: 'string',
      requiresArg: true,
      value: 'ROOT2',
      describe: 'Compare with the checkpoints at the same paths below ROOT2',
    },
    plan: {
      type: 'string',
      requiresArg: true,
      value: 'DIR',
      describe: 'Read the plan of each from DIR, at the same path: the plan itself or the rewritten checkpoint',
    },
  },
  examples: [
    ["fdgraft batch diff 'ckpts/*' --against out -o diffs", 'write diffs/ckpts/a.diff.txt and so on'],
    ["fdgraft batch diff 'ckpts/*' --against out --plan out -o proof", 'prove what a batch of rewrites did'],
  ],
  exitCodes: exitCodesOfBatch(DIFFERENCE),
});

const LS: Usage = usageOf({
  command: 'ls <patterns..>',
  describe: 'List the inheritable entries of each as NAME.ls.txt, or NAME.ls.json with --json',
  usage: 'fdgraft batch ls PATTERN... --out ROOT [--external] [--path GLOB] [options]',
  options: { ...LS_OPTIONS },
  examples: [["fdgraft batch ls 'ckpts/*' -o lists", 'write lists/ckpts/a.ls.txt and so on']],
  exitCodes: exitCodesOfBatch(SPEC_UNMATCHED),
});

export const BATCH_USAGE: UsageOfSeveral = {
  command: 'batch',
  describe: 'Rewrite, decode, compare or list many checkpoints',
  usage: 'fdgraft batch rewrite|decode|diff|ls PATTERN... --out ROOT [options]',
  several: [REWRITE, DECODE, DIFF, LS],
  missing: 'batch lacks a command: rewrite, decode, diff or ls',
  common: ['json', 'quiet'],
  examples: [
    ["fdgraft batch ls '/ckpts/**' -o lists", 'list all image directories and archives below /ckpts'],
    [
      "fdgraft batch rewrite 'ckpts/**' '!ckpts/old/**' -o out --specs specs.json",
      'rewrite all but some; run it again after a kill',
    ],
  ],
  exitCodes: exitCodesOfBatch('a spec matched nothing or a difference was found'),
};
