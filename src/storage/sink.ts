import type { ByteWriter } from '../bytes/byte-stream';
import type { Member, SourceMember } from './source';

export interface MemberWriter extends ByteWriter {
  close(): Promise<void>;
}

/** Where images go. Nothing is to be seen at the destination before `commit`, and all of it after. */
export interface Sink {
  /** Begins a member with new content; its mode and owner are kept. */
  put(member: Member): Promise<MemberWriter>;
  /** Takes a member over as it is, while the pass stands at it. `isImage`: false for what a restore may write to, such as logs. */
  keep(member: SourceMember, isImage: boolean): Promise<void>;
  commit(): Promise<void>;
  /** Removes all traces. Does nothing after `commit`. */
  abort(): Promise<void>;
}

/** Something that could not be taken over quite as it was. */
export interface SinkNotice {
  code:
    | 'OWNER_NOT_KEPT'
    | 'SET_ID_NOT_KEPT'
    | 'SPECIAL_FILE_LEFT_OUT'
    | 'DANGLING_LINK_LEFT_OUT'
    | 'OUTER_LINK_LEFT_OUT'
    | 'PARENT_MISSING'
    | 'PAGES_LINKED'
    | 'WORK_FOLDER_LEFT';
  member: string;
}

/** A sink for those who only want to know what would come out. */
export class NullSink implements Sink {
  async put(): Promise<MemberWriter> {
    return { write: async () => {}, close: async () => {} };
  }
  async keep(): Promise<void> {}
  async commit(): Promise<void> {}
  async abort(): Promise<void> {}
}
