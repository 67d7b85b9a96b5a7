import { escapeControls } from '../bytes/escape';
import type { DiffResult, ToldDifference } from '../operations/diff';
import { ALL_EXPLAINED, type DiffReport, describeDifference, HINTS, placeOf } from './diff-report';

/** What the comment of a pull request takes; the rest of the details is counted. */
const MAX_CHARACTERS = 50_000;

/** For a comment in a review: what it means, and the details folded. */
export class DiffMarkdown implements DiffReport {
  private place: string | undefined;
  private characters = 0;
  private left = 0;

  constructor(
    private readonly before: string,
    private readonly after: string,
    /** A plan was given, and has to explain all. */
    private readonly isProof = false,
  ) {}

  begin({ isSame, hints, meaning, unexplained, misfits }: DiffResult): string {
    const title = `### ${code(this.before)} → ${code(this.after)}\n\n`;
    if (isSame) return `${title}No differences.\n`;
    const isFine = this.isProof && unexplained === 0 && misfits.length === 0;
    const lines = [...(isFine ? [ALL_EXPLAINED] : []), ...hints.map((hint) => HINTS[hint])];
    const told = lines.map((line) => `${line}\n\n`).join('');
    return `${title}${told}${meaning.map(({ text }) => `- ${code(text)}\n`).join('')}\n<details>\n<summary>Details</summary>\n`;
  }

  difference(difference: ToldDifference): string {
    if (this.characters > MAX_CHARACTERS) {
      this.left += 1;
      return '';
    }
    const place = placeOf(difference);
    const heading = place === this.place ? '' : `\n${code(place)}\n\n`;
    this.place = place;
    const [first = '', ...others] = describeDifference(difference);
    const flag = difference.explained === false ? ' **not explained by the plan**' : '';
    const text = `${heading}- ${code(first)}${flag}\n${others.map((line) => `  - ${code(line)}\n`).join('')}`;
    this.characters += text.length;
    return text;
  }

  end({ isSame, unexplained, misfits }: DiffResult): string {
    const told = misfits.map((line) => `- ${code(line)}\n`).join('');
    const more = this.left === 0 ? '' : `\n… and ${this.left} more.\n`;
    const flagged = unexplained === 0 ? '' : `\nThe plan does not explain ${unexplained} of these.\n`;
    return isSame ? told : `${more}\n</details>\n${flagged}${told === '' ? '' : `\n${told}`}`;
  }
}

/** Text as code, with a fence that is longer than any in it. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = longest === 0 ? '' : ' ';
  return `${fence}${space}${escapeControls(text)}${space}${fence}`;
}
