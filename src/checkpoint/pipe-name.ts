import type { ImageName } from '../frames/image-kinds';

/** A pipe or FIFO by its type and number: a number alone can be that of one and of the other. */
export type PipeName = string;

export function pipeName(type: string, pipeId: number): PipeName {
  return `${type} ${pipeId}`;
}

export function isFifo(pipe: PipeName): boolean {
  return pipe.startsWith('FIFO ');
}

/** The type of the entries whose unread bytes an image holds. */
export const UNREAD_BYTES_OF: Partial<Record<ImageName, string>> = { PIPES_DATA: 'PIPE', FIFO_DATA: 'FIFO' };
