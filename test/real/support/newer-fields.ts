/** Messages and fields that came after CRIU 4.1.1, and with what: exactly these are missing in an older one. */
export const NEWER: { [messageOrField: string]: string } = {
  'inventory_entry.allow_uprobes': '4.2',
  'inventory_entry.compress': '4.3',
  'inventory_entry.compress_block_size': '4.3',
  'inet_sk_entry.uid': '4.3',
  'fifo_entry.wait_writer': '4.3',
  'pipe_entry.uid': '4.3',
  'pipe_entry.gid': '4.3',
  'sk_packet_entry.ucred': '4.3',
  sk_ucred_entry: '4.3',
  'thread_core_entry.timerslack_ns': '4.3',
  'thread_info_aarch64.gcs': '4.3',
  user_aarch64_gcs_entry: '4.3',
  'userns_entry.binfmt_misc': '4.3',
  'pagemap_entry.blocks': '4.3',
  pagemap_blocks: '4.3',
};

/** Fields that had another name, and with what version they got theirs. The new field of the old name came with it. */
export const RENAMED: { [field: string]: { earlier: string; since: string } } = {
  'pagemap_entry.compat_nr_pages': { earlier: 'nr_pages', since: '4.2' },
};

/** Compares version numbers part by part. */
export function atLeast(version: string, wanted: string): boolean {
  const [a = [], b = []] = [version, wanted].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) if (a[i] !== b[i]) return (a[i] ?? 0) > (b[i] ?? 0);
  return true;
}
