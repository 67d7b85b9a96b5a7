import { escapeControls } from '../bytes/escape';
import type { DiffResult, ToldDifference } from '../operations/diff';
import { ALL_EXPLAINED, type DiffReport, describeDifference, placeOf } from './diff-report';

/** For a terminal. */
export class DiffText implements DiffReport {
  private place: string | undefined;

  /** `isProof`: a plan was given, and has to explain all. */
  constructor(
    private readonly emphasize: (text: string) => string,
    private readonly isProof = false,
  ) {}

  begin({ isSame, meaning }: DiffResult): string {
    return isSame ? '' : `${meaning.map(({ text }) => this.emphasize(escapeControls(text))).join('\n')}\n`;
  }

  difference(difference: ToldDifference): string {
    const place = placeOf(difference);
    const heading = place === this.place ? '' : `\n${this.emphasize(escapeControls(place))}\n`;
    this.place = place;
    const [first = '', ...others] = describeDifference(difference).map(escapeControls);
    const flag = difference.explained === false ? '  ! not explained by the plan' : '';
    return `${heading}  ${first}${flag}\n${others.map((line) => `      ${line}\n`).join('')}`;
  }

  end({ isSame, unexplained, misfits }: DiffResult): string {
    const told = misfits.map((line) => `\n! ${escapeControls(line)}\n`).join('');
    if (unexplained === 0) return this.isProof && !isSame && misfits.length === 0 ? `\n${ALL_EXPLAINED}\n` : told;
    return `${told}\n! the plan does not explain ${unexplained} ${unexplained === 1 ? 'difference' : 'differences'}\n`;
  }
}
