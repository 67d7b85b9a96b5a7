import { epilogue } from '../help';
import type { Usage } from './usage';

export const INFO_USAGE: Usage = {
  command: 'info <image>',
  describe: 'Say what an image is and how many entries it has',
  usage: 'fdgraft info IMAGE [--json]',
  positionals: { image: { type: 'string', demandOption: true, describe: 'an image of CRIU; - is stdin' } },
  options: {},
  epilogue: epilogue([['fdgraft info files.img', 'its magic and the number of its entries']]),
};
