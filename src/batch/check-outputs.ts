import { messages } from '../errors/messages';
import type { BatchInput } from './input';
import { STATE_DIRECTORY } from './record';
import { type BatchTask, outputOf } from './task';

/** Refuses, before anything is made, inputs whose outputs would be in each other's way. Throws FdgraftError (USAGE). */
export function checkOutputs(inputs: readonly BatchInput[], task: BatchTask): void {
  const own = inputs.find(({ name }) => name.split('/')[0] === STATE_DIRECTORY);
  if (own !== undefined) throw messages.inputInsideRoot(own.path, STATE_DIRECTORY);
  const makers = new Map<string, string>();
  for (const input of inputs) if (input.problem === undefined) makers.set(outputOf(task, input), input.name);
  for (const [output, name] of makers) {
    for (let slash = output.lastIndexOf('/'); slash > 0; slash = output.lastIndexOf('/', slash - 1)) {
      const above = output.slice(0, slash);
      const maker = makers.get(above);
      if (maker === undefined) continue;
      throw maker === above ? messages.outputInsideOutput(maker, name) : messages.outputInTheWay(maker, name, above);
    }
  }
}
