import { escapeControls } from '../../bytes/escape';
import type { BatchJob, JobError } from '../../index';

/** What went wrong with a job, to stand behind its name: without that name, or the path, in front of it once more. */
export function errorText({ name, path }: Pick<BatchJob, 'name' | 'path'>, { file, message }: JobError): string {
  const isOwn = [name, path].some((own) => file === own || file === escapeControls(own));
  if (file === undefined || !isOwn || !message.startsWith(file)) return message;
  return message.slice(file.length).replace(/^[:,] /, '');
}
