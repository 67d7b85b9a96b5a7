/** Those of a previous dump in a subdirectory too. */
const PAGES = /(^|\/)pages-[^/]*\.img$/;

/** Whether a member holds memory: such images are large, and shared with other checkpoints by hard links. */
export function isPages(name: Buffer): boolean {
  return PAGES.test(name.toString('latin1'));
}
