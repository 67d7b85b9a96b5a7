/** The bytes that a base64 text stands for, white space of ASCII between its characters or not; undefined where it is no base64. */
export function decodeBase64(text: string): Buffer | undefined {
  const flat = /[\t-\r ]/.test(text) ? text.replace(/[\t-\r ]+/g, '') : text;
  return flat.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(flat) ? Buffer.from(flat, 'base64') : undefined;
}
