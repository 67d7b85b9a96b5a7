import { type DiffGraph, diff, openSource, readPlanOf } from '../../src';
import { DiffHtml } from '../../src/report/diff-html';

/** The page of a comparison, and the graph that its picture is made from. */
export async function pageOf(
  before: string,
  after: string,
  plan?: string,
): Promise<{ text: string; graph?: DiffGraph }> {
  const given = plan === undefined ? {} : { plan: await readPlanOf(plan) };
  const result = await diff(await openSource(before), await openSource(after), { ...given, graph: true });
  const report = new DiffHtml(before, after, plan !== undefined);
  let text = report.begin(result);
  for await (const difference of result.differences()) text += report.difference(difference);
  result.close();
  const { graph } = result;
  return { text: text + report.end(result), ...(graph === undefined ? {} : { graph }) };
}
