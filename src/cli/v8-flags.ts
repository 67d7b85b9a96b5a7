import v8 from 'node:v8';

/**
 * What streams past is garbage at once: neither a large nursery nor a heap that grows before it is looked through is
 * of use, and both stay resident (docs/PERFORMANCE.md).
 */
export function setV8Flags(): void {
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  v8.setFlagsFromString('--heap-growing-percent=50');
}
