import { createHash } from 'node:crypto';
import type { DiffResult, ToldDifference } from '../operations/diff';
import { ALL_EXPLAINED, type DiffReport, HINTS } from './diff-report';
import { DifferencesSection } from './html/differences-section';
import { escapeHtml, shorten } from './html/escape';
import { foldedList } from './html/fold';
import { graphSection } from './html/graph-section';
import { meaningSection } from './html/meaning-section';
import { SCRIPT } from './html/page-script';
import { STYLE } from './html/page-style';
import { planSection } from './html/plan-section';

const MAX_PROBLEMS = 3000;
const MAX_PROBLEM = 2000;

/** One page that needs nothing else: no network, no file, no script but its own, which only filters and highlights. */
export class DiffHtml implements DiffReport {
  private readonly differences = new DifferencesSection();

  /** `isProof`: a plan was given, and has to explain all. */
  constructor(
    private readonly before: string,
    private readonly after: string,
    private readonly isProof = false,
  ) {}

  begin(result: DiffResult): string {
    const { isSame, meaning, graph } = result;
    const names = `${escapeHtml(this.before)} → ${escapeHtml(this.after)}`;
    const parts = [
      ...(isSame ? [] : [{ id: 'meaning', title: 'What it means', content: meaningSection(meaning) }]),
      ...(graph === undefined ? [] : [{ id: 'graph', title: 'Graph', content: graphSection(graph) }]),
      ...(graph?.plan === undefined ? [] : [{ id: 'plan', title: 'Plan', content: planSection(graph.plan) }]),
    ];
    const links = [...parts, ...(isSame ? [] : [{ id: 'differences', title: 'Differences' }])];
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fdgraft diff: ${names}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>What differs</h1>
<p><code>${escapeHtml(this.before)}</code> → <code>${escapeHtml(this.after)}</code></p>
${links.length === 0 ? '' : `<nav aria-label="Sections"><ul>\n${links.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>\n`).join('')}</ul></nav>\n`}</header>
<main id="main" tabindex="-1">
${this.verdict(result)}${parts.map(section).join('')}${isSame ? '' : this.differences.begin()}`;
  }

  difference(difference: ToldDifference): string {
    return this.differences.add(difference);
  }

  end({ isSame }: DiffResult): string {
    return `${isSame ? '' : this.differences.end()}</main>
<footer>Written by fdgraft diff. This page asks for nothing from elsewhere.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
  }

  private verdict({ isSame, hints, unexplained, misfits }: DiffResult): string {
    const hinted = hints.map((hint) => HINTS[hint]);
    const problems = [
      ...(unexplained === 0
        ? []
        : [`The plan does not explain ${unexplained} ${unexplained === 1 ? 'difference' : 'differences'}.`]),
      ...misfits.slice(0, MAX_PROBLEMS).map((line) => escapeHtml(shorten(line, MAX_PROBLEM))),
      ...(misfits.length > MAX_PROBLEMS ? [`… and ${misfits.length - MAX_PROBLEMS} more.`] : []),
    ];
    if (problems.length > 0) return `<div class="verdict bad">${foldedList([...problems, ...hinted])}</div>\n`;
    if (isSame) return '<p class="verdict">No differences.</p>\n';
    return [...(this.isProof ? [ALL_EXPLAINED] : []), ...hinted]
      .map((line) => `<p class="verdict">${line}</p>\n`)
      .join('');
  }
}

const digestOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const POLICY = `default-src 'none'; style-src ${digestOf(STYLE)}; script-src ${digestOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;

function section({ id, title, content }: { id: string; title: string; content: string }): string {
  return `<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${content}</section>\n`;
}
