import path from 'node:path';
import { translateSources } from '../../golden/command';
import { makeTemp } from './temp';

let translated: string | undefined;

/** The argv of fdgraft of this tree. */
export function ownCommand(): string[] {
  if (translated === undefined) {
    translated = makeTemp();
    translateSources(translated);
  }
  return [process.execPath, path.join(translated, 'src/cli/bin.js')];
}
