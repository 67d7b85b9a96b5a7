/** The word for stdin or stdout where a file is named. */
export const STANDARD_STREAM = '-';
