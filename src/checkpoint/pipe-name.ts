/** A pipe or FIFO by its type and number: a number alone can be that of one and of the other. */
export type PipeName = string;

export function pipeName(type: string, pipeId: number): PipeName {
  return `${type} ${pipeId}`;
}

export function isFifo(pipe: PipeName): boolean {
  return pipe.startsWith('FIFO ');
}
