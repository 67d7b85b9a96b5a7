/** Bits of vma_entry.status (CRIU: include/image.h). With one of these, `shmid` is a file id, else the id of shared memory. */
export const VMA_FILE_PRIVATE = 1 << 6;
export const VMA_FILE_SHARED = 1 << 7;
export const VMA_AREA_SOCKET = 1 << 11;
export const VMA_AREA_MEMFD = 1 << 14;
