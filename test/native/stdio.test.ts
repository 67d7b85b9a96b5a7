import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { build, exec, run, type Variant } from '../support/native';
import { complaints, file, O, planned } from './support';

/** --stdio: standard descriptors that come at other numbers. */

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: three descriptors become 0, 1 and 2, and stay nowhere else`, async (t) => {
    const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
    const give = [
      file(5, O.RDONLY, '/dev/null'),
      file(20, O.RDONLY | O.NONBLOCK, '/dev/zero'),
      '21=dup:1',
      file(22, O.WRONLY | O.CREAT, `${directory}/errors`),
    ];
    const script =
      'readlink /proc/$$/fd/0 /proc/$$/fd/2 /proc/$$/fd/20 /proc/$$/fd/21 /proc/$$/fd/22; cat /proc/$$/fdinfo/0';
    const result = await exec(['--stdio', '20,21,22', '--plan', plan, '--', 'sh', '-c', script], { give, variant });
    t.deepEqual(result.stdout.split('\n').slice(0, 3), ['/dev/zero', `${directory}/errors`, 'pos:\t0']);
    t.regex(result.stdout, /^flags:\t0?[0-7]*4[0-7]{3}$/m, 'the flags are the same');
  });

test('what is said of other options is said at the new place', async (t) => {
  const { plan } = planned(t, { placeholders: [] });
  const give = ['20=dup:1', '21=dup:1', '22=dup:1'];
  const { code, stdout, stderr } = await exec(['--stdio', '20,21,22', '--plan', plan, '--nothing'], { give });
  t.deepEqual([code, stderr], [100, '']);
  t.regex(stdout, /--nothing is no option/);
});

test('numbers that are none', async (t) => {
  for (const word of ['', '20', '20,21', '20,21,22,', '1,20,21', '20,21,x', '20,,22', '99999999999,20,21']) {
    const { code, stderr } = await exec(['--stdio', word, '--plan', 'x', '--', 'true']);
    t.is(code, 100, word);
    t.regex(complaints(t, stderr)[0] ?? '', /write the numbers of three descriptors above 2/);
  }
  const { code, stderr } = await exec(['--stdio', '70,71,72', '--plan', 'x', '--', 'true']);
  t.is(code, 100);
  t.regex(stderr, /cannot dup descriptor 70: Bad file descriptor/);
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: whichever of 0, 1 and 2 are closed, COMMAND runs without them, and no spec takes them`, async (t) => {
    const { directory, plan } = planned(t, {
      // One --serve at a time for a plan.
      placeholders: [
        { fileId: variant.length, callerFd: 9, type: 'PIPE', flags: O.WRONLY, descriptors: [{ fd: 7, pids: [1] }] },
      ],
    });
    const env = { EXEC: join(build(variant), 'fdgraft-exec'), PLAN: plan };
    const shell = (script: string) => run(['bash', '-c', script], { cwd: directory, env });
    for (const [closed, open] of [
      ['<&-', '12'],
      ['>&-', '02'],
      ['2>&-', '01'],
      ['<&- >&-', '2'],
      ['<&- 2>&-', '1'],
      ['>&- 2>&-', '0'],
      ['<&- >&- 2>&-', ''],
    ] as const) {
      const look = 's=; for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && s="$s$fd"; done; echo $s >9';
      for (const way of ['--plan "$PLAN"', '--plan "$PLAN" --task 1', '--plan "$PLAN" --serve']) {
        const { code } = await shell(`"$EXEC" ${way} -- sh -c '${look}' 9>/dev/null ${closed}`);
        t.is(code, way.endsWith('serve') ? 111 : 0, `${way} ${closed}`);
        t.is(readFileSync(join(directory, '9'), 'utf8'), `${open}\n`, `${way} ${closed}`);
        rmSync(join(directory, '9'));
      }
    }
    const standard = planned(t, { placeholders: [0, 1].map((callerFd) => ({ fileId: callerFd + 1, callerFd })) });
    const { code, stderr } = await shell(`"$EXEC" --plan ${standard.plan} --check <&- >&-`);
    t.is(code, 100);
    t.deepEqual(
      complaints(t, stderr).map((line) => line.slice(0, 25)),
      ['caller fd 0 is not open (', 'caller fd 1 is not open ('],
    );
  });
