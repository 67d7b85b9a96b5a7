import { messages } from '../errors/messages';
import type { BatchInput } from './find-inputs';
import { STATE_FOLDER } from './record';
import type { BatchTask } from './task';

/** Refuses, before anything is made, inputs whose outputs would be in each other's way. Throws FdgraftError (USAGE). */
export function checkOutputs(inputs: readonly BatchInput[], task: BatchTask): void {
  const own = inputs.find(({ name }) => name.split('/')[0] === STATE_FOLDER);
  if (own !== undefined) throw messages.inputInsideRoot(own.path, STATE_FOLDER);
  if (task.what === 'ls' || task.what === 'diff') return;
  const names = new Set(inputs.flatMap(({ name, problem }) => (problem === undefined ? [name] : [])));
  for (const name of names) {
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const above = name.slice(0, slash);
      if (names.has(above)) throw messages.outputInsideOutput(above, name);
    }
  }
}
