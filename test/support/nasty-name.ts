import fs from 'node:fs';
import path from 'node:path';

const NAME = '/srv/fdgraft/logs/out.log';

/** A name that would be markup, that turns the reading direction, rings a bell, and is no UTF-8; as long as NAME. */
export const NASTY = {
  bytes: Buffer.concat([Buffer.from('</script><b id=x>"\'&'), Buffer.from([0xff]), Buffer.from('\u202e\u0007')]),
  /** As it is to be shown. */
  text: '</script><b id=x>"\'&\\xff\\xe2\\x80\\xae\\x07',
};

/** Copies the fixture two_paths with this name for one of its files. */
export function withNastyName(source: string, target: string): void {
  fs.cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  const image = path.join(target, 'files.img');
  const bytes = fs.readFileSync(image);
  const at = bytes.indexOf(NAME);
  if (at === -1 || NASTY.bytes.length !== NAME.length) throw new Error(`${image} has no ${NAME}`);
  NASTY.bytes.copy(bytes, at);
  fs.writeFileSync(image, bytes);
}
