import { IN_OPTION, LINK_OPTION } from './conversion-options';
import { DONE_OR_NOT } from './exit-codes';
import { TO_OPTION, type Usage } from './usage';

export const ENCODE_USAGE: Usage = {
  command: 'encode [source]',
  describe: 'Convert JSON of decode, crit or go-criu to an image, or a directory of it to images',
  usage: 'fdgraft encode [-i JSON] [-o IMAGE]\nfdgraft encode SOURCE -o OUT [--to FORM] [--link MODE]',
  positionals: {
    source: { type: 'string', describe: 'JSON file, or a directory or archive that decode made. Default: stdin' },
  },
  options: {
    in: IN_OPTION,
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      value: 'OUT',
      describe: 'Write the image to this file. Default: stdout. For a directory: make this directory or archive',
    },
    to: TO_OPTION,
    link: LINK_OPTION,
  },
  common: ['quiet'],
  examples: [
    ['fdgraft encode -i files.json -o files.img', 'make an image'],
    [
      "fdgraft decode -i files.img | jq '.entries[1].reg.pos = 0' | fdgraft encode -o files.img",
      'edit one field; every other byte stays as it was',
    ],
    ['fdgraft encode ckpt.json -o ckpt2', 'convert a directory that fdgraft decode made'],
  ],
  exitCodes: DONE_OR_NOT,
};
