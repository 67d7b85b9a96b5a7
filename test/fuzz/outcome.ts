import { FdgraftError } from '../../src';
import { expect, Finding } from './target';

/** How a call ended: with a value, or with an error that fdgraft foresees. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly error: FdgraftError; readonly value?: undefined };

/** Runs a call. Any failure but an FdgraftError for people is a Finding. `what`: the call, for the Finding. */
export async function outcomeOf<T>(what: string, call: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    return { error: typedError(what, error) };
  }
}

function typedError(what: string, error: unknown): FdgraftError {
  if (error instanceof Finding) throw error;
  if (!(error instanceof FdgraftError)) {
    throw new Finding(`${what} throws ${error instanceof Error ? error.stack : String(error)}`);
  }
  const { code, exitCode, message, hint = '', offset, entry } = error;
  const about = () => `${code} of ${what}\n${JSON.stringify({ exitCode, message, hint, offset, entry })}`;
  expect(exitCode === (code === 'SPEC_UNMATCHED' ? 1 : 2), () => `exit code of ${about()}`);
  // Of several specs each has its hint below it.
  const isHelpful = hint.trim() !== '' || message.includes('\n  ');
  expect(message.trim() !== '' && isHelpful, () => `no message or hint in ${about()}`);
  expect(!NOT_FOR_PEOPLE.test(message) && !NOT_FOR_PEOPLE.test(hint), () => `control characters in ${about()}`);
  expect(message.length + hint.length < MOST_CHARACTERS, () => `${message.length + hint.length} characters in ${code}`);
  for (const place of [offset, entry]) {
    expect(place === undefined || (Number.isSafeInteger(place) && place >= 0), () => `no place in ${about()}`);
  }
  return error;
}

/** Line ends part the lines of several specs. */
const NOT_FOR_PEOPLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const MOST_CHARACTERS = 1 << 20;

/** The kind of an error: its code, and its words without names and numbers. */
export function kindOfError({ code, message, field }: FdgraftError): string {
  const words = message.replace(/"[^"]*"|'[^']*'|\S*[^\sa-zA-Z,:;.]\S*/g, '#').slice(0, 100);
  return `${code} ${field?.replace(/\d+|\[.*?\]/g, '#') ?? ''} ${words}`;
}

/** The kind of an outcome. */
export function kindOf<T>({ error, value }: Outcome<T>, ofValue: (value: T) => string): string {
  return error === undefined ? ofValue(value as T) : kindOfError(error);
}

/** A count with few values, so that twice as much is something new and one more is not. */
export function roughly(count: number): number {
  return count < 4 ? count : 2 ** Math.floor(Math.log2(count));
}
