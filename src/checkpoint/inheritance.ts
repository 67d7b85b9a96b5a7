import type { MessageSchema } from '../schema/message';
import type { EntryFacts } from './entry-facts';

/** The way from an entry of a type to a placeholder. */
export interface Inheritance {
  readonly schema: MessageSchema<unknown>;
  /** The field that holds the owner; undefined where that is in another entry. */
  readonly owner?: string;
  /** Executables, mappings, directories and remaps may refer to it as well as descriptors (CRIU: files-reg.c). */
  readonly isPath?: true;
  /**
   * All keys that name an entry beside that of a descriptor, the best first. Undefined where entries are named by a
   * path or a pipe, which specs/spec-index.ts looks up without decoding.
   */
  readonly keys?: (entry: never) => readonly string[];
  /** `path`: the facts of the entry that `pathId` names; undefined where there is none, if `mayLackPath`. */
  readonly describe: (entry: never, path: EntryFacts | undefined) => EntryFacts;
  /** File id of the REG entry that has the path, the flags and the owner; where they are not in the entry itself. */
  readonly pathId?: (entry: never) => number;
  /** An entry can be without that one, and has its flags and owner itself. */
  readonly mayLackPath?: true;
}
