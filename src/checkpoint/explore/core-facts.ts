import { escapeBytes } from '../../bytes/escape';
import { decode } from '../../schema/decode';
import {
  CORE_ENTRY_FIELDS,
  TASK_CORE_ENTRY_FIELDS,
  TASK_KOBJ_IDS_ENTRY,
  type TaskKobjIdsEntry,
} from '../../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import { MAX_NAME_BYTES } from '../tasks';
import type { ImagesByName } from './images-by-name';

/** What a task's core image says of it. */
export interface CoreFacts {
  /** Its comm, escaped. */
  name?: string;
  /** One of TASK_STATES, or a number that CRIU does not know. */
  state?: number;
  /** In dumps older than the ids images. */
  ids?: TaskKobjIdsEntry;
}

/** CRIU: include/pid.h. */
export const TASK_STATES = { alive: 1, dead: 2, stopped: 3, zombie: 6 } as const;

/** True for a task of which a dump has its core image alone. */
export function isDead(core: CoreFacts | undefined): boolean {
  return core?.state === TASK_STATES.dead || core?.state === TASK_STATES.zombie;
}

/** Undefined where the task has no core image. Throws FdgraftError. */
export async function readCore(images: ImagesByName, pid: number): Promise<CoreFacts | undefined> {
  for await (const batch of images.batches(`core-${pid}.img`)) {
    return batch.at(0, factsOf);
  }
  return undefined;
}

function factsOf(bytes: Uint8Array, start: number, end: number): CoreFacts {
  const facts: CoreFacts = {};
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) {
    if (field.number === CORE_ENTRY_FIELDS.tc) {
      field.expect(WIRE_TYPE.BYTES);
      addTask(facts, bytes, field.valueStart, field.end);
    } else if (field.number === CORE_ENTRY_FIELDS.ids) {
      field.expect(WIRE_TYPE.BYTES);
      facts.ids = decode(TASK_KOBJ_IDS_ENTRY, bytes, field.valueStart, field.end);
    }
  }
  return facts;
}

function addTask(facts: CoreFacts, bytes: Uint8Array, start: number, end: number): void {
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) {
    if (field.number === TASK_CORE_ENTRY_FIELDS.comm) {
      facts.name = escapeBytes(field.payload().subarray(0, MAX_NAME_BYTES));
    } else if (field.number === TASK_CORE_ENTRY_FIELDS.task_state) facts.state = field.uint32();
  }
}
