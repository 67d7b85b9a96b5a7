/** Whatever terminals there are, and whatever of them specs take: it is refused, or comes out as the plan says. */
import fs from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { diff, FdgraftError, openSource, rewrite } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import { atDepth } from '../support/depth';
import { temporaryDirectory, writeCheckpoint } from '../support/directories';
import { checkRewritten } from '../support/independent';
import { holds } from '../support/properties';
import { imagesOfTerminals, specsOfTerminals, terminalWorlds } from '../support/random-terminals';

test('any terminals and any specs', async (t) => {
  const top = temporaryDirectory(t);
  let [whole, parts, lost, refused] = [0, 0, 0, 0];
  const property = fc.asyncProperty(terminalWorlds, async (world) => {
    const source = writeCheckpoint(top, imagesOfTerminals(world));
    const out = `${source}-out`;
    try {
      const specs = specsOfTerminals(world);
      const { plan } = await rewrite(await openSource(source), { specs, out, allowUnmatched: true });
      whole += plan.placeholders.filter(({ terminal }) => terminal !== undefined).length;
      parts += plan.placeholders.filter(({ split_from }) => split_from !== undefined).length;
      lost += plan.placeholders.filter(({ lost_terminal }) => lost_terminal !== undefined).length;
      t.deepEqual(checkRewritten(source, out), []);
      const result = await diff(await openSource(source), await openSource(out), { plan: await readPlanOf(out) });
      result.close();
      t.deepEqual([result.unexplained, result.misfits], [0, []]);
    } catch (error) {
      if (!(error instanceof FdgraftError)) throw error;
      refused += 1;
    } finally {
      fs.rmSync(source, { recursive: true });
      fs.rmSync(out, { recursive: true, force: true });
    }
  });
  await holds(t, property, atDepth(150, 500));
  t.true(
    Math.min(whole, parts, lost, refused) > 10,
    `${whole} whole, ${parts} parts, ${lost} lost, ${refused} refused`,
  );
});
