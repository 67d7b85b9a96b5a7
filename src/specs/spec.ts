import type { Glob } from './glob';

/** What names the entries that are to be inherited. */
export type Key =
  | { readonly kind: 'pipe'; readonly id: number }
  /** An external file: the whole name in the image. */
  | { readonly kind: 'external'; readonly name: string }
  /** A regular file: its path without the leading slash. */
  | { readonly kind: 'path'; readonly path: Buffer }
  /** Regular files whose path, without the leading slash, matches. */
  | { readonly kind: 'glob'; readonly glob: Glob };

/** `fd[N]:KEY` */
export interface InheritSpec {
  readonly kind: 'inherit';
  /** As given. */
  readonly text: string;
  readonly callerFd: number;
  readonly key: Key;
}

/** `debug[N]:TEXT` */
export interface DebugSpec {
  readonly kind: 'debug';
  readonly text: string;
  readonly callerFd: number;
  readonly output: Buffer;
}

/** A spec whose key is that of an external namespace, which criu itself inherits. */
export interface NamespaceSpec {
  readonly kind: 'namespace';
  readonly text: string;
}

export type Spec = InheritSpec | DebugSpec | NamespaceSpec;
