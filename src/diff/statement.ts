/** What a difference means, in a line. */
export interface Statement {
  readonly about: 'task' | 'inherited' | 'file' | 'descriptor' | 'mappings' | 'memory' | 'plan' | 'image' | 'raw';
  readonly text: string;
}

/** So many fields of one entry. */
export const MAX_FIELDS = 3;
