/**
 * What is wrong with the bytes of a record, by position in the buffer that was read. Whoever knows the
 * file and the record turns it into an FdgraftError (locate.ts).
 */
export class WireFault extends Error {
  constructor(
    problem: string,
    /** Position in the buffer. */
    readonly at: number,
    /** How many bytes are missing, where the record ends too early; undefined where it is malformed. */
    readonly needs?: number,
    /** Message and field. */
    readonly field?: string,
    /** What to do, where the image is not to blame. */
    readonly hint?: string,
  ) {
    super(problem);
  }

  inField(field: string): WireFault {
    return this.field === undefined ? new WireFault(this.message, this.at, this.needs, field, this.hint) : this;
  }
}
