import type { Source } from '../index';
import type { Context } from './context';

/** Opens a checkpoint, or what else `open` opens, for `work`, and closes it after that. */
export async function withSource<T>(
  place: string,
  { signal }: Pick<Context, 'signal'>,
  open: (place: string, options: { readonly signal: AbortSignal }) => Promise<Source>,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const source = await open(place, { signal });
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
