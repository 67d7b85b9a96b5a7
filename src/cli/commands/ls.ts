import type { CommandModule } from 'yargs';
import type { Context } from '../context';
import { epilogue } from '../help';

interface Arguments {
  source: string;
  json: boolean;
  quiet: boolean;
  color: boolean;
}

export function lsCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'ls <source>',
    describe: 'List what can be inherited, as specs to paste',
    builder: (yargs) =>
      yargs
        .usage('fdgraft ls SOURCE [--json]')
        .positional('source', { type: 'string', demandOption: true, describe: 'an image folder of CRIU' })
        .epilogue(
          epilogue([
            ['fdgraft ls ckpt', 'a line each: option to paste, type, access, state, descriptors as pid/fd'],
            ["fdgraft ls ckpt --json | jq '.entries[].key'", 'for programs'],
          ]),
        ) as never,
    handler: async (args) => {
      const { inspect, openSource } = await import('../../index');
      const entries = await inspect(await openSource(args.source), { signal: context.signal });
      if (args.json) {
        const { lsJson } = await import('../report/ls-json');
        await context.print(lsJson(entries));
        return;
      }
      const { lsRemark, lsText } = await import('../report/ls-text');
      await context.print(lsText(entries, (text) => context.emphasize(text, args.color)));
      const remark = lsRemark(entries);
      if (remark !== undefined && !args.quiet) await context.complain(remark);
    },
  };
}
