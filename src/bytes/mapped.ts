/** A list with each of its values changed when it is asked for. */
export class Mapped<From, To> implements Iterable<To> {
  constructor(
    private readonly values: Iterable<From>,
    private readonly change: (value: From) => To,
  ) {}

  *[Symbol.iterator](): Generator<To, void, undefined> {
    for (const value of this.values) yield this.change(value);
  }
}
