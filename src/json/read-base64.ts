import type { Spool } from '../storage/spool';
import { Base64Stream } from './base64-stream';
import type { JsonScanner } from './json-scanner';

/** Reads a string of base64 of any length. `hint`: what may be wrong where it is none. Throws FdgraftError. */
export async function readBase64(scanner: JsonScanner, spool: Spool, hint?: string): Promise<void> {
  const type = await scanner.whole(() => scanner.type());
  if (type !== 'string') throw scanner.fault(`${scanner.shown()} where a string, base64, belongs`);
  const stream = new Base64Stream((bytes) => spool.push(bytes));
  const notBase64 = () => scanner.fault('the string is not base64', hint);
  await scanner.copyString((characters) => {
    if (!stream.push(characters)) throw notBase64();
  });
  if (!stream.end()) throw notBase64();
}
