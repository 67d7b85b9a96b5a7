import type { Random } from '../support/random-messages';

/** An input: named chunks of bytes, so that it can be kept, changed and made smaller by code that does not know what it means. */
export interface Input {
  readonly [part: string]: Buffer;
}

/** What an oracle says: fdgraft did something that it must not do with this input. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Throws a Finding unless `isRight`. */
export function expect(isRight: boolean, what: string | (() => string)): void {
  if (!isRight) throw new Finding(typeof what === 'string' ? what : what());
}

/** One thing that is fuzzed. */
export interface Target {
  readonly name: string;
  /** How many of 10,000 inputs are for it. */
  readonly share: number;
  /** Valid inputs, with which the changes begin. */
  seeds(): Promise<readonly Input[]> | readonly Input[];
  /** An input. `pick`: one of the inputs that are known so far. The same for the same random numbers. */
  make(random: Random, pick: () => Input): Input;
  /**
   * Gives the input to fdgraft and judges all that comes out. Resolves to the kind of outcome: an input with a new kind is
   * changed further. Throws a Finding.
   */
  check(input: Input): Promise<string>;
  /** Removes what it has made. */
  close?(): void;
}
