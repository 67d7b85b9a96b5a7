import { Spool } from '../storage/spool';
import type { ToldDifference } from './result';

const PIECE_BYTES = 1 << 16;

/** Differences that wait, in a file where they are many, until what they mean is known. They are in words: no secret waits there. */
export class DifferenceSpool {
  count = 0;
  private readonly spool = new Spool();

  push(difference: ToldDifference): void {
    this.count += 1;
    this.spool.push(Buffer.from(`${JSON.stringify(difference)}\n`));
  }

  async *read(): AsyncGenerator<ToldDifference, void, undefined> {
    const reader = this.spool.reader();
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const decoder = new TextDecoder();
    let rest = '';
    for (let got = await reader.read(piece, 0, PIECE_BYTES); got > 0; got = await reader.read(piece, 0, PIECE_BYTES)) {
      const lines = (rest + decoder.decode(piece.subarray(0, got), { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as ToldDifference;
    }
  }

  close(): void {
    this.spool.close();
  }
}
