/** `diff --plan` explains that a terminal is one of the caller's, and only what the plan says of it. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, openSource, type RewriteOptions, rewrite } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import type { Plan } from '../../src/plan/plan';
import { descriptor, fileEntry, NO_OWNER, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { decodeImage, encodeImage } from '../support/images';
import { smallWith } from '../support/rewriting';

const SOURCE = path.join(__dirname, '../../fixtures/images/terminal_current');
/** The terminal goes whole, and with the last descriptors of /dev/tty its record. */
const SPECS = ['fd[5]:/dev/pts/0', ...['14716/fd/6', '14717/fd/7', '14718/fd/7'].map((of) => `fd[6]:/proc/${of}`)];

async function rewritten(t: ExecutionContext, source = SOURCE, specs: RewriteOptions['specs'] = SPECS) {
  const out = path.join(temporaryDirectory(t), 'out');
  await rewrite(await openSource(source), { specs, out, link: 'copy' });
  return out;
}

async function prove(out: string, source = SOURCE, plan?: Plan) {
  const result = await diff(await openSource(source), await openSource(out), { plan: plan ?? (await readPlanOf(out)) });
  const told: string[] = [];
  for await (const one of result.differences()) {
    if ('entry' in one && one.image === 'tty-info.img') told.push(`${one.entry} ${one.explained}`);
  }
  result.close();
  const misfits = result.misfits.filter((line) => !line.endsWith('(its SHA-256 is another one)'));
  return { told, unexplained: result.unexplained, misfits };
}

test('the record of a terminal of the caller is explained, and that of one that nothing has open', async (t) => {
  t.deepEqual(await prove(await rewritten(t)), { told: ['id 0 true', 'id 2012 true'], unexplained: 0, misfits: [] });
});

type Record = { [name: string]: unknown };

const TAMPERED: { readonly [what: string]: (records: Record[]) => void } = {
  'another session': ([terminal]) => Object.assign(terminal as Record, { sid: 14717 }),
  'another group in the foreground': ([terminal]) => Object.assign(terminal as Record, { pgrp: 14717 }),
  'another key': ([terminal]) => Object.assign(terminal as Record, { dev: 2 }),
  'an owner': ([terminal]) => Object.assign(terminal as Record, { uid: 1000 }),
  'other settings': ([terminal]) => Object.assign(terminal as Record, { packet_mode: true }),
  'the same terminal twice': (records) => records.push({ ...(records[0] as Record) }),
  'another terminal by the same key': (records) => records.push({ ...(records[0] as Record), id: 7 }),
  'no terminal': (records) => records.splice(0, 1),
};

for (const [what, change] of Object.entries(TAMPERED)) {
  test(`${what} in OUT is not explained`, async (t) => {
    const out = await rewritten(t);
    const file = path.join(out, 'tty-info.img');
    const records = decodeImage('tty-info.img', fs.readFileSync(file)).records.map(({ fields }) => fields as Record);
    change(records);
    fs.writeFileSync(file, encodeImage('tty-info.img', records as never));
    const { unexplained } = await prove(out);
    t.true(unexplained > 0);
  });
}

const TERMINALS = 300;

/** So many terminals, half of them hung up. */
function manyTerminals(t: ExecutionContext): string {
  const numbers = [...Array(TERMINALS).keys()];
  const settings = { c_iflag: 1, c_oflag: 1, c_cflag: 1, c_lflag: 1, c_line: 0, c_ispeed: 1, c_ospeed: 1, c_cc: [1] };
  return writeCheckpoint(
    temporaryDirectory(t),
    smallWith({
      'files.img': [
        ...[fileEntry(1, '/usr/bin/program', 0), fileEntry(4, '/', 0o200000)],
        ...numbers.flatMap((number) => {
          const [path, id] = [10 + 2 * number, 11 + 2 * number];
          const opened = { id, tty_info_id: number, flags: 2, fown: NO_OWNER, regf_id: path };
          return [fileEntry(path, `/dev/pts/${number}`, 2, { mode: 0o020620 }), { type: 'TTY', id, tty: opened }];
        }),
      ],
      'tty-info.img': numbers.map((id) => ({
        ...{ id, type: 'PTY', locked: false, exclusive: false, packet_mode: false, sid: 0, pgrp: 0, rdev: 0x8800 },
        ...{ pty: { index: id }, dev: 26 + id, ...(id % 2 === 0 ? { termios: settings } : {}) },
      })),
      'fdinfo-1.img': numbers.map((number) => descriptor(11 + 2 * number, number, 'TTY')),
      'fdinfo-2.img': [],
    }),
  );
}

test('the proof looks at each placeholder a few times, however many terminals there are', async (t) => {
  const source = manyTerminals(t);
  const out = await rewritten(t, source, ['fd[5]:/dev/pts/*']);
  const plan = await readPlanOf(out);
  let looks = 0;
  const counted = plan.placeholders.map(
    (placeholder) =>
      new Proxy(placeholder, {
        get: (target, name, receiver) => {
          if (name === 'terminal' || name === 'lost_terminal') looks += 1;
          return Reflect.get(target, name, receiver);
        },
      }),
  );
  const { unexplained, misfits } = await prove(out, source, { ...plan, placeholders: counted });
  t.deepEqual({ unexplained, misfits }, { unexplained: 0, misfits: [] });
  t.true(looks < 20 * TERMINALS, `${looks} looks`);
});
