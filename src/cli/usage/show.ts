import { epilogue } from '../help';
import type { Usage } from './usage';

export const SHOW_USAGE: Usage = {
  command: 'show <image>',
  describe: 'Show an image as JSON for people: decode --pretty',
  usage: 'fdgraft show IMAGE [--nopl]',
  positionals: { image: { type: 'string', demandOption: true, describe: 'an image of CRIU; - is stdin' } },
  options: {
    nopl: {
      type: 'boolean',
      default: false,
      describe: 'not the payload that follows entries, only its length',
    },
  },
  epilogue: epilogue([['fdgraft show pipes-data.img --nopl', 'which pipes held how much']]),
};
