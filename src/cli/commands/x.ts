import { messages } from '../../errors/messages';
import type { Explored, ExploredWhat, Source } from '../../index';
import { explore } from '../../operations/explore';
import { openSource } from '../../operations/open-source';
import { withSource } from '../../storage/with-source';
import { command } from '../command';
import type { Context } from '../context';
import { USAGE, WORDS, X_USAGE } from '../usage/x';

interface Arguments {
  source: string;
  what?: string;
  json: boolean;
  quiet: boolean;
}

/** What is printed at once, in characters. */
const CHUNK = 1 << 14;
/** More of what is missing is counted, not told. */
const MAX_NOTES = 20;

async function run({ source, what, json, quiet }: Arguments, context: Context): Promise<void> {
  // That it is one of the words has been looked at where it is declared.
  if (what === undefined) throw messages.usage(`x lacks a word after SOURCE: ${WORDS.join(', ')}`, USAGE);
  await withSource(await openSource(source, { signal: context.signal }), (opened) =>
    tell(opened, what as ExploredWhat, { json, quiet }, context),
  );
}

async function tell(
  source: Source,
  what: ExploredWhat,
  { json, quiet }: Pick<Arguments, 'json' | 'quiet'>,
  context: Context,
): Promise<void> {
  const notes: string[] = [];
  let untold = 0;
  const onWarning = ({ message }: { message: string }) => {
    if (notes.length < MAX_NOTES) notes.push(`warning: ${message}`);
    else untold += 1;
  };
  const rows = explore(source, what, { signal: context.signal, onWarning });
  const report = await createReport(what, json);
  let text = report.begin?.() ?? '';
  for await (const row of rows) {
    text += report.row(row);
    if (text.length < CHUNK) continue;
    if (!(await context.print(text))) return;
    text = '';
  }
  text += report.end?.() ?? '';
  if (text !== '') await context.print(text);
  if (quiet) return;
  for (const note of notes) await context.complain(note);
  if (untold > 0) await context.complain(`warning: ${untold} more of these`);
}

interface Report {
  begin?(): string;
  row(row: Explored[ExploredWhat]): string;
  end?(): string;
}

async function createReport(what: ExploredWhat, json: boolean): Promise<Report> {
  if (json) return new (await import('../../report/x-json')).XJson(what);
  const { fdsText, memsText, psText, RssText } = await import('../../report/x-text');
  const reports = { ps: psText, fds: fdsText, mems: memsText, rss: new RssText() };
  // Each word has its own rows, which explore gives for that word alone.
  return reports[what] as Report;
}

export const { main, perform, areV8FlagsSet } = command(X_USAGE, run);
