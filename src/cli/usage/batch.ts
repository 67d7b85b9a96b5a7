import { EXIT_CODES_OF_BATCH, epilogue } from '../help';
import { DECODE_OPTIONS } from './decode';
import { DIFF_OPTIONS } from './diff';
import { LS_OPTIONS } from './ls';
import { REWRITE_OPTIONS } from './rewrite';
import type { Usage, UsageOfSeveral } from './usage';

const COMMON = {
  out: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'ROOT: each output lies below it, at the path of its input relative to the base',
  },
  base: {
    type: 'string',
    requiresArg: true,
    describe: 'what paths are relative to (the current directory by default, / for absolute paths)',
  },
  jobs: {
    alias: 'j',
    type: 'string',
    requiresArg: true,
    describe: 'how many to do at the same time (one a processor, where there is enough to do)',
  },
  shard: {
    type: 'string',
    requiresArg: true,
    describe: 'I/N: only part I, from 0, of N; auto: by the task of a Slurm array; auto/N: by an index of Kubernetes',
  },
  'fail-fast': { type: 'boolean', default: false, describe: 'begin nothing more after a failure' },
  resume: {
    type: 'boolean',
    describe: 'go on where an earlier run was; the same command without it does that, too',
  },
} as const;

const WAYS = [
  ["fdgraft batch ls '/ckpts/**' -o lists", 'what is there can be any mixture: image directories and archives count'],
  ["fdgraft batch rewrite 'ckpts/**' '!ckpts/old/**' -o out --specs specs.json", 'all but some; again after a kill'],
] as const;

function examplesOf(examples: Parameters<typeof epilogue>[0]): string {
  return epilogue(examples, EXIT_CODES_OF_BATCH);
}

function usageOf(usage: Omit<Usage, 'positionals'>): Usage {
  return {
    ...usage,
    positionals: {
      patterns: {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'paths, and patterns such as ckpts/** (quoted); !PATTERN takes away from the others',
      },
    },
    options: { ...COMMON, ...usage.options },
  };
}

const REWRITE: Usage = usageOf({
  command: 'rewrite <patterns..>',
  describe: 'rewrite each of them',
  usage: "fdgraft batch rewrite PATTERN... --out ROOT --inherit-fd 'fd[N]:KEY' [options]",
  options: {
    ...REWRITE_OPTIONS,
    'in-place': { type: 'boolean', hidden: true },
    'save-plan': { type: 'string', hidden: true },
  },
  epilogue: examplesOf([
    ["fdgraft batch rewrite 'ckpts/*' -o out --inherit-fd 'fd[5]:/proc/*/fd/1'", 'ckpts/a becomes out/ckpts/a'],
    ["fdgraft batch rewrite 'ckpts/**' --base ckpts -o out --from-descriptors", 'ckpts/a becomes out/a'],
    ["fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --shard auto", 'in a Slurm array'],
    ["fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --dry-run", 'what would come out'],
  ]),
});

const DECODE: Usage = usageOf({
  command: 'decode <patterns..>',
  describe: "turn the images of each into crit's JSON",
  usage: 'fdgraft batch decode PATTERN... --out ROOT [--pretty] [options]',
  options: { ...DECODE_OPTIONS },
  epilogue: examplesOf([["fdgraft batch decode 'ckpts/*' -o json", 'json/ckpts/a has NAME.img.json for NAME.img']]),
});

const DIFF: Usage = usageOf({
  command: 'diff <patterns..>',
  describe: 'say what differs between each and the one at the same path below ROOT2',
  usage: 'fdgraft batch diff PATTERN... --against ROOT2 --out ROOT [--format FORMAT] [options]',
  options: {
    ...DIFF_OPTIONS,
    against: { type: 'string', requiresArg: true, describe: 'ROOT2: has the others, at the same paths' },
    plan: {
      type: 'string',
      requiresArg: true,
      describe: 'a directory with, at the same paths, the plans that should explain it all (or the rewritten ones)',
    },
  },
  epilogue: examplesOf([
    ["fdgraft batch diff 'ckpts/*' --against out -o diffs", 'diffs/ckpts/a.diff.txt and so on; exit code 1'],
    ["fdgraft batch diff 'ckpts/*' --against out --plan out -o proof", 'what a batch of rewrites did, proved'],
  ]),
});

const LS: Usage = usageOf({
  command: 'ls <patterns..>',
  describe: 'list what can be inherited of each, as NAME.ls.txt, or NAME.ls.json with --json',
  usage: 'fdgraft batch ls PATTERN... --out ROOT [--external] [--path GLOB] [options]',
  options: { ...LS_OPTIONS },
  epilogue: examplesOf([["fdgraft batch ls 'ckpts/*' -o lists", 'lists/ckpts/a.ls.txt and so on']]),
});

export const BATCH_USAGE: UsageOfSeveral = {
  command: 'batch',
  describe: 'Do the same with many checkpoints: rewrite, decode, diff, ls',
  usage: 'fdgraft batch rewrite|decode|diff|ls PATTERN... --out ROOT [options]',
  several: [REWRITE, DECODE, DIFF, LS],
  missing: 'batch lacks a command: rewrite, decode, diff or ls',
  epilogue: examplesOf(WAYS),
};
