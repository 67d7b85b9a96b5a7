import { FIRST_MEMBERS } from '../../src/operations/open-source';
import { compareMemberNames } from '../../src/storage/member-order';
import type { MemberReader, Source, SourceMember } from '../../src/storage/source';
import type { Meter } from './meter';
import type { Input } from './target';

/** An image directory that lies in memory: the parts are its files. Names have one character a byte. */
export function memorySource(files: Input, meter: Meter): Source {
  const names = Object.keys(files).sort((a, b) => compareMemberNames(a, b, FIRST_MEMBERS));
  const member = (name: string): SourceMember => {
    const content = files[name] as Buffer;
    const owner = { mode: 0o600, uid: 0, gid: 0 };
    const open = async (): Promise<MemberReader> => {
      meter.opened += 1;
      return {
        ...meter.reader(content),
        close: async () => {
          meter.closed += 1;
        },
      };
    };
    return { name: Buffer.from(name, 'latin1'), kind: 'file', ...owner, size: content.length, mtime: 0, open };
  };
  async function* pass(): AsyncGenerator<SourceMember, void, undefined> {
    for (const name of names) yield member(name);
  }
  return {
    label: 'checkpoint',
    form: 'dir',
    mode: 0o700,
    uid: 0,
    gid: 0,
    members: pass,
    inArchiveOrder: pass,
    byName: () => ({
      member: async (text) => {
        const name = Buffer.from(text).toString('latin1');
        return Object.hasOwn(files, name) ? member(name) : undefined;
      },
      close: async () => {},
    }),
    close: async () => {},
  };
}

export function sizeOf(files: Input): number {
  return Object.values(files).reduce((sum, { length }) => sum + length, 0);
}
