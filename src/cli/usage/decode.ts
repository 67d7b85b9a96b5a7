import { IN_OPTION, LINK_OPTION } from './conversion-options';
import { DONE_OR_NOT } from './exit-codes';
import { TO_OPTION, type Usage } from './usage';

/** Those of a batch, too. */
export const DECODE_OPTIONS = {
  pretty: {
    type: 'boolean',
    default: false,
    describe: 'Write indents, names of flags and hexadecimal numbers',
  },
  to: TO_OPTION,
  link: LINK_OPTION,
} as const;

export const DECODE_USAGE: Usage = {
  command: 'decode [source]',
  describe: "Convert an image, or all images of a checkpoint, to crit's JSON",
  usage:
    'fdgraft decode [-i IMAGE] [-o JSON] [--pretty]\nfdgraft decode SOURCE -o OUT [--pretty] [--to FORM] [--link MODE]',
  positionals: { source: { type: 'string', describe: 'Image, image directory or archive. Default: stdin' } },
  options: {
    in: IN_OPTION,
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      value: 'OUT',
      describe:
        'Write the JSON to this file. Default: stdout. For a checkpoint: make this directory or archive, with NAME.img.json for NAME.img',
    },
    ...DECODE_OPTIONS,
  },
  common: ['quiet'],
  examples: [
    ['fdgraft decode -i files.img --pretty | less', 'read an image'],
    ["fdgraft decode -i core-14716.img | jq '.entries[0].tc.comm'", 'use the JSON in a program'],
    ['fdgraft decode ckpt -o ckpt.json', 'convert a directory; fdgraft encode ckpt.json -o ckpt2 converts it back'],
    ['fdgraft decode ckpt.tar.gz --to dir -o ckpt.json', 'convert an archive; without --to, OUT is an archive too'],
  ],
  exitCodes: DONE_OR_NOT,
};
