/** Makes a call that changes an owner. False where that may not be done: cp -p passes over it as well. */
export function tryToGiveAway(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    // Only root gives files away. EINVAL: an owner that this user namespace does not know.
    if (!['EPERM', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}
