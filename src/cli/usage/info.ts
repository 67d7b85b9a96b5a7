import { DONE_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

export const INFO_USAGE: Usage = {
  command: 'info <image>',
  describe: 'Print the type of an image and the number of its entries',
  usage: 'fdgraft info IMAGE [--json]',
  positionals: { image: { type: 'string', demandOption: true, describe: 'Image of CRIU; - is stdin' } },
  options: {},
  common: ['json'],
  examples: [['fdgraft info files.img', 'print its magic and the number of its entries']],
  exitCodes: DONE_OR_NOT,
};
