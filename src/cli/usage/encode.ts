import { epilogue } from '../help';
import { IN_OPTION, LINK_OPTION } from './conversion-options';
import { TO_OPTION, type Usage } from './usage';

export const ENCODE_USAGE: Usage = {
  command: 'encode [source]',
  describe: 'Turn JSON, of decode, crit or go-criu, into an image, or a directory of it into images',
  usage: 'fdgraft encode [-i JSON] [-o IMAGE]\nfdgraft encode DIR -o OUTDIR [--link MODE]',
  positionals: { source: { type: 'string', describe: 'the JSON, or a directory of decode (stdin by default)' } },
  options: {
    in: IN_OPTION,
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      describe: 'the image (stdout by default); of a directory: the directory to make',
    },
    to: TO_OPTION,
    link: LINK_OPTION,
  },
  epilogue: epilogue([
    ['fdgraft encode -i files.json -o files.img', 'an image'],
    [
      "fdgraft decode -i files.img | jq '.entries[1].reg.pos = 0' | fdgraft encode -o files.img",
      'an edit; all that was not edited stays as it was, byte for byte',
    ],
    ['fdgraft encode ckpt.json -o ckpt2', 'a directory that fdgraft decode made'],
  ]),
};
