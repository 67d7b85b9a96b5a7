import type { Source } from './source';

/** Does some work with a source and closes it after that, whatever became of it. */
export async function withSource<T>(source: Source, work: (source: Source) => Promise<T>): Promise<T> {
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
