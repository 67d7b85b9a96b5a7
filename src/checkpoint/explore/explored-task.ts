/** What follows is a task's, until the next one. */
export interface ExploredTask {
  readonly kind: 'task';
  readonly pid: number;
  /** False where the images do not say what it has. */
  readonly isKnown: boolean;
}
