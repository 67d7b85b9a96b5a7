import { epilogue } from '../help';
import { IN_OPTION, LINK_OPTION } from './conversion-options';
import { TO_OPTION, type Usage } from './usage';

/** Those of a batch, too. */
export const DECODE_OPTIONS = {
  pretty: {
    type: 'boolean',
    default: false,
    describe: 'with indents, names of flags and hexadecimal numbers',
  },
  to: TO_OPTION,
  link: LINK_OPTION,
} as const;

export const DECODE_USAGE: Usage = {
  command: 'decode [source]',
  describe: "Turn an image, or a directory of them, into crit's JSON",
  usage: 'fdgraft decode [-i IMAGE] [-o JSON] [--pretty]\nfdgraft decode DIR -o OUTDIR [--pretty] [--link MODE]',
  positionals: { source: { type: 'string', describe: 'an image, or a directory of them (stdin by default)' } },
  options: {
    in: IN_OPTION,
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      describe: 'the JSON (stdout by default); of a directory: the directory to make, with NAME.img.json for NAME.img',
    },
    ...DECODE_OPTIONS,
  },
  epilogue: epilogue([
    ['fdgraft decode -i files.img --pretty | less', 'an image to read'],
    ["fdgraft decode -i core-14716.img | jq '.entries[0].tc.comm'", 'for programs'],
    [
      'fdgraft decode ckpt -o ckpt.json',
      'all images of a directory; fdgraft encode ckpt.json -o ckpt2 is the way back',
    ],
    ['fdgraft decode ckpt.tar.gz --to dir -o ckpt.json', 'those of an archive; without --to, into another archive'],
  ]),
};
