import { messages } from '../errors/messages';
import type { DiffFormat } from '../report/write-diff';
import { once } from './options';

/** What --format and --json say together. */
export function chooseFormat(args: { format?: string | string[]; json: boolean }): DiffFormat {
  const format = once('format', args.format) as DiffFormat | undefined;
  if (args.json && format !== undefined && format !== 'json') {
    throw messages.usage(`--json and --format ${format} were given both`, 'give one of them');
  }
  return args.json ? 'json' : (format ?? 'text');
}
