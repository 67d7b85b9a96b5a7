import { messages } from '../errors/messages';
import { createDirectorySink } from './directory-sink';
import type { Form } from './form';
import type { LinkMode } from './link-mode';
import { beginWriting } from './pass-progress';
import type { Sink, SinkNotice } from './sink';
import type { Source } from './source';
import type { FixedDirectory } from './trusted-path';

export interface SinkOptions {
  /** What OUT is to be; what the source is by default. */
  readonly to?: Form | undefined;
  /** How unchanged images get into a directory; 'auto' by default. */
  readonly link?: LinkMode | undefined;
  /** The directory around OUT, if it is held open. */
  readonly fixed?: FixedDirectory | undefined;
  readonly onNotice: (notice: SinkNotice) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A sink for `out`, where nothing may be yet. Throws FdgraftError. */
export async function createSink(source: Source, out: string, options: SinkOptions): Promise<Sink> {
  const { to, link, fixed, onNotice, signal } = options;
  const form = to ?? source.form;
  if (link !== undefined && (form !== 'dir' || source.form !== 'dir')) {
    throw messages.usage(
      `--link goes with directories, and ${form === 'dir' ? 'SOURCE' : 'OUT'} is an archive`,
      'leave it out',
    );
  }
  beginWriting(out);
  if (form === 'dir') return createDirectorySink(source, out, { link: link ?? 'auto', fixed, onNotice, signal });
  const { createArchiveSink } = await import('./archive/archive-sink');
  return createArchiveSink(source, out, { form, fixed, onNotice, signal });
}
