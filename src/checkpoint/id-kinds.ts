/** Numbers that a dump, or the kernel, gave to what has no other name; each kind counts by itself. */
export const ID_KINDS = [
  'file',
  'pipe',
  'socket',
  'terminal',
  'memfd',
  'ghost',
  'memory',
  'table',
  'directories',
  'signals',
  'namespace',
  'pages',
] as const;
export type IdKind = (typeof ID_KINDS)[number];

export function isIdKind(name: string | undefined): name is IdKind {
  return (ID_KINDS as readonly (string | undefined)[]).includes(name);
}
