import { Spool } from '../storage/spool';
import type { ToldDifference } from './result';

const CHUNK_BYTES = 1 << 16;

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
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const decoder = new TextDecoder();
    // A line can have many chunks: none of it is looked through twice.
    let rest: string[] = [];
    for (let got = await reader.read(chunk, 0, CHUNK_BYTES); got > 0; got = await reader.read(chunk, 0, CHUNK_BYTES)) {
      const [first = '', ...others] = decoder.decode(chunk.subarray(0, got), { stream: true }).split('\n');
      rest.push(first);
      for (const next of others) {
        const line = rest.join('');
        rest = [next];
        yield JSON.parse(line) as ToldDifference;
      }
    }
  }

  close(): void {
    this.spool.close();
  }
}
