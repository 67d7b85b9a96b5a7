import type { CommandModule } from 'yargs';
import { messages } from '../../errors/messages';
import type { Explored, ExploredWhat, Source } from '../../index';
import { withSource } from '../../storage/with-source';
import type { Context } from '../context';
import { epilogue } from '../help';

interface Arguments {
  source: string;
  what?: string;
  json: boolean;
  quiet: boolean;
}

const WHAT: { readonly [what in ExploredWhat]: string } = {
  ps: 'the tree of tasks',
  fds: 'what each task has open, its working folder and its root',
  mems: 'the executable of each task, and what it has mapped',
  rss: 'the pages of each task that the dump has, and the mappings that they lie in',
};
const WORDS = Object.keys(WHAT);
const USAGE = `fdgraft x SOURCE ${WORDS.join('|')} [--json]`;

/** What is printed at once, in characters. */
const PIECE = 1 << 14;
/** More of what is missing is counted, not told. */
const MAX_NOTES = 20;

export function xCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'x <source> [what]',
    describe: 'Explore the tasks: tree, descriptors, mappings, pages (crit x)',
    builder: (yargs) =>
      yargs
        .usage(USAGE)
        .positional('source', {
          type: 'string',
          demandOption: true,
          describe: 'an image folder of CRIU, or an archive',
        })
        .positional('what', { type: 'string', choices: WORDS, describe: 'what to tell of its tasks' })
        .epilogue(
          epilogue([
            ...Object.entries(WHAT).map(([what, told]) => [`fdgraft x ckpt ${what}`, told] as const),
            ["fdgraft x ckpt fds --json | jq '.tasks[].descriptors[].key'", 'for programs'],
          ]),
        ) as never,
    handler: (args) => run(args, context),
  };
}

async function run({ source, what, json, quiet }: Arguments, context: Context): Promise<void> {
  // That it is one of the words has been looked at where it is declared.
  if (what === undefined) throw messages.usage(`x lacks a word after SOURCE: ${WORDS.join(', ')}`, USAGE);
  const { openSource } = await import('../../index');
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
  const { explore } = await import('../../index');
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
    if (text.length < PIECE) continue;
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
