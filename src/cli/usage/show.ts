import { DONE_OR_NOT } from './exit-codes';
import type { Usage } from './usage';

export const SHOW_USAGE: Usage = {
  command: 'show <image>',
  describe: 'Print an image as readable JSON, as decode --pretty does',
  usage: 'fdgraft show IMAGE [--nopl]',
  positionals: { image: { type: 'string', demandOption: true, describe: 'Image of CRIU; - is stdin' } },
  options: {
    nopl: {
      type: 'boolean',
      default: false,
      describe: 'Print only the length of the payload that follows an entry',
    },
  },
  common: ['quiet'],
  examples: [['fdgraft show pipes-data.img --nopl', 'see how many unread bytes each pipe has']],
  exitCodes: DONE_OR_NOT,
};
