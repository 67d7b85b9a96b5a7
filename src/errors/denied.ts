import { codeOf } from './code-of';

/** The first on the way to a path that denies access, and to whom it belongs. */
export interface Denied {
  readonly path: string;
  readonly isDirectory: boolean;
  /** The right that is missing. */
  readonly right: 'search' | 'read';
  readonly uid: number;
  readonly mode: number;
  /** It belongs to the user who runs fdgraft. */
  readonly isOwn: boolean;
}

/** True for an error of the system that says that a permission is missing. */
export function isDenied(cause: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(cause));
}
