/*
 * Preloaded into a command: counts the calls with which it and its children change what is in file systems, and
 * kills their process group just before the call of a given number. kill-at.ts starts the command.
 *
 *   FDGRAFT_KILL_FILE   a file of sizeof(struct record) bytes, shared by all processes: the count, and what was called
 *   FDGRAFT_KILL_AT     the number; 0: count only
 *
 * A call inside the C library (fwrite to a file, say) does not come by here; that none of a rewrite does was seen by
 * comparison with strace. Writes to what is no regular file do not count: libuv wakes its threads so.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#define CALLS 4096
#define CALL_SIZE 128

struct record {
    atomic_uint count;
    char head[CALL_SIZE - sizeof(atomic_uint)];
    char calls[CALLS][CALL_SIZE];
};

static struct record *record;
static unsigned long kill_at;

__attribute__((constructor)) static void start(void)
{
    const char *file = getenv("FDGRAFT_KILL_FILE");
    const char *at = getenv("FDGRAFT_KILL_AT");
    if (file == NULL)
        return;
    kill_at = at == NULL ? 0 : strtoul(at, NULL, 10);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    void *shared = fd == -1 ? MAP_FAILED : mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) {
        perror("kill-at");
        _exit(125);
    }
    close(fd);
    record = shared;
}

/** Counts a call; does not return where it is the one. */
static void called(const char *name, const char *path)
{
    unsigned number = atomic_fetch_add(&record->count, 1) + 1;
    if (number <= CALLS) {
        size_t length = strlen(path);
        size_t room = CALL_SIZE - 2 - strlen(name);
        snprintf(record->calls[number - 1], CALL_SIZE, "%s %s", name, length > room ? path + length - room : path);
    }
    // Calls of others that come later than that number wait for the same end.
    if (kill_at == 0 || number < kill_at)
        return;
    kill(0, SIGKILL);
    for (;;)
        pause();
}

static void on_path(const char *name, const char *path)
{
    if (record != NULL)
        called(name, path == NULL ? "" : path);
}

static void on_fd(const char *name, int fd)
{
    if (record == NULL)
        return;
    int error = errno;
    char link[32];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    called(name, path);
    errno = error;
}

static void on_file(const char *name, int fd)
{
    int error = errno;
    struct stat stat;
    if (record != NULL && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))
        on_fd(name, fd);
    errno = error;
}

static void on_open(const char *name, const char *path, int flags)
{
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0)
        on_path(name, path);
}

static void on_fopen(const char *name, const char *path, const char *mode)
{
    if (strpbrk(mode, "wa+") != NULL)
        on_path(name, path);
}

static void on_ioctl(int fd, unsigned long request)
{
    if (request == FICLONE || request == FICLONERANGE)
        on_fd("ioctl", fd);
}

#define NEXT(name)                                                                                                     \
    do {                                                                                                               \
        if (next == NULL)                                                                                              \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                 \
    } while (0)

#define WRAP(result, name, parameters, arguments, on)                                                                  \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*next) parameters;                                                                               \
        NEXT(name);                                                                                                    \
        on;                                                                                                            \
        return next arguments;                                                                                         \
    }

#define WRAP_OPEN(name, parameters, arguments)                                                                         \
    int name parameters;                                                                                               \
    int name parameters                                                                                                \
    {                                                                                                                  \
        static int(*next) parameters;                                                                                  \
        NEXT(name);                                                                                                    \
        mode_t mode = 0;                                                                                               \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {                                              \
            va_list more;                                                                                              \
            va_start(more, flags);                                                                                     \
            mode = va_arg(more, mode_t);                                                                               \
            va_end(more);                                                                                              \
        }                                                                                                              \
        on_open(#name, path, flags);                                                                                   \
        return next arguments;                                                                                         \
    }

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
WRAP_OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
// What open becomes where a program is built with _FORTIFY_SOURCE.
WRAP(int, __open_2, (const char *path, int flags), (path, flags), on_open("open", path, flags))
WRAP(int, __open64_2, (const char *path, int flags), (path, flags), on_open("open", path, flags))
WRAP(int, __openat_2, (int folder, const char *path, int flags), (folder, path, flags), on_open("openat", path, flags))
WRAP(int, __openat64_2, (int folder, const char *path, int flags), (folder, path, flags), on_open("openat", path, flags))
WRAP(int, creat, (const char *path, mode_t mode), (path, mode), on_path("creat", path))
WRAP(int, creat64, (const char *path, mode_t mode), (path, mode), on_path("creat", path))
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), on_fopen("fopen", path, mode))
WRAP(FILE *, fopen64, (const char *path, const char *mode), (path, mode), on_fopen("fopen", path, mode))
WRAP(int, mkstemp, (char *path), (path), on_path("mkstemp", path))
WRAP(int, mkstemp64, (char *path), (path), on_path("mkstemp", path))
WRAP(int, mkostemp, (char *path, int flags), (path, flags), on_path("mkostemp", path))
WRAP(int, mkostemp64, (char *path, int flags), (path, flags), on_path("mkostemp", path))

WRAP(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), on_file("write", fd))
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), on_file("writev", fd))
WRAP(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), on_file("pwrite", fd))
WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at), (fd, bytes, size, at),
     on_file("pwrite", fd))
WRAP(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at),
     on_file("pwritev", fd))
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at),
     on_file("pwritev", fd))
WRAP(ssize_t, pwritev2, (int fd, const struct iovec *parts, int count, off_t at, int flags),
     (fd, parts, count, at, flags), on_file("pwritev", fd))
WRAP(ssize_t, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size), on_file("sendfile", to))
WRAP(ssize_t, sendfile64, (int to, int from, off64_t *at, size_t size), (to, from, at, size), on_file("sendfile", to))
WRAP(ssize_t, copy_file_range, (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags),
     (from, at, to, there, size, flags), on_fd("copy_file_range", to))
WRAP(ssize_t, splice, (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags),
     (from, at, to, there, size, flags), on_file("splice", to))
WRAP(int, truncate, (const char *path, off_t size), (path, size), on_path("truncate", path))
WRAP(int, truncate64, (const char *path, off64_t size), (path, size), on_path("truncate", path))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size), on_fd("ftruncate", fd))
WRAP(int, ftruncate64, (int fd, off64_t size), (fd, size), on_fd("ftruncate", fd))
WRAP(int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), on_fd("fallocate", fd))
WRAP(int, fallocate64, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size), on_fd("fallocate", fd))
WRAP(int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size), on_fd("fallocate", fd))

WRAP(int, rename, (const char *from, const char *to), (from, to), on_path("rename", to))
WRAP(int, renameat, (int in, const char *from, int there, const char *to), (in, from, there, to),
     on_path("renameat", to))
WRAP(int, renameat2, (int in, const char *from, int there, const char *to, unsigned flags),
     (in, from, there, to, flags), on_path("renameat2", to))
WRAP(int, link, (const char *from, const char *to), (from, to), on_path("link", to))
WRAP(int, linkat, (int in, const char *from, int there, const char *to, int flags), (in, from, there, to, flags),
     on_path("linkat", to))
WRAP(int, symlink, (const char *text, const char *path), (text, path), on_path("symlink", path))
WRAP(int, symlinkat, (const char *text, int folder, const char *path), (text, folder, path),
     on_path("symlinkat", path))
WRAP(int, unlink, (const char *path), (path), on_path("unlink", path))
WRAP(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), on_path("unlinkat", path))
WRAP(int, remove, (const char *path), (path), on_path("remove", path))
WRAP(int, rmdir, (const char *path), (path), on_path("rmdir", path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), on_path("mkdir", path))
WRAP(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), on_path("mkdirat", path))
WRAP(char *, mkdtemp, (char *path), (path), on_path("mkdtemp", path))
WRAP(int, mknod, (const char *path, mode_t mode, dev_t device), (path, mode, device), on_path("mknod", path))
WRAP(int, mknodat, (int folder, const char *path, mode_t mode, dev_t device), (folder, path, mode, device),
     on_path("mknodat", path))
WRAP(int, mkfifo, (const char *path, mode_t mode), (path, mode), on_path("mkfifo", path))

WRAP(int, chmod, (const char *path, mode_t mode), (path, mode), on_path("chmod", path))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), on_fd("fchmod", fd))
WRAP(int, fchmodat, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags),
     on_path("fchmodat", path))
WRAP(int, chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), on_path("chown", path))
WRAP(int, lchown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), on_path("lchown", path))
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), on_fd("fchown", fd))
WRAP(int, fchownat, (int folder, const char *path, uid_t uid, gid_t gid, int flags), (folder, path, uid, gid, flags),
     on_path("fchownat", path))
WRAP(int, utime, (const char *path, const struct utimbuf *times), (path, times), on_path("utime", path))
WRAP(int, utimes, (const char *path, const struct timeval times[2]), (path, times), on_path("utimes", path))
WRAP(int, lutimes, (const char *path, const struct timeval times[2]), (path, times), on_path("lutimes", path))
WRAP(int, futimes, (int fd, const struct timeval times[2]), (fd, times), on_fd("futimes", fd))
WRAP(int, futimens, (int fd, const struct timespec times[2]), (fd, times), on_fd("futimens", fd))
WRAP(int, utimensat, (int folder, const char *path, const struct timespec times[2], int flags),
     (folder, path, times, flags), on_path("utimensat", path))
WRAP(int, setxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags), on_path("setxattr", path))
WRAP(int, lsetxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags), on_path("lsetxattr", path))
WRAP(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags),
     (fd, name, value, size, flags), on_fd("fsetxattr", fd))

// These write nothing that was not written, but what is on disk is not the same before and after.
WRAP(int, fsync, (int fd), (fd), on_fd("fsync", fd))
WRAP(int, fdatasync, (int fd), (fd), on_fd("fdatasync", fd))
WRAP(int, syncfs, (int fd), (fd), on_fd("syncfs", fd))
WRAP(void, sync, (void), (), on_path("sync", ""))

int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    NEXT(ioctl);
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    on_ioctl(fd, request);
    return next(fd, request, argument);
}

/** libuv makes some of its calls by their number. */
static void on_number(long number, const long a[6])
{
    switch (number) {
#ifdef SYS_open
    case SYS_open: return on_open("open", (const char *)a[0], (int)a[1]);
    case SYS_creat: return on_path("creat", (const char *)a[0]);
    case SYS_rename: return on_path("rename", (const char *)a[1]);
    case SYS_link: return on_path("link", (const char *)a[1]);
    case SYS_symlink: return on_path("symlink", (const char *)a[1]);
    case SYS_unlink: return on_path("unlink", (const char *)a[0]);
    case SYS_rmdir: return on_path("rmdir", (const char *)a[0]);
    case SYS_mkdir: return on_path("mkdir", (const char *)a[0]);
    case SYS_mknod: return on_path("mknod", (const char *)a[0]);
    case SYS_chmod: return on_path("chmod", (const char *)a[0]);
    case SYS_chown: return on_path("chown", (const char *)a[0]);
    case SYS_lchown: return on_path("lchown", (const char *)a[0]);
    case SYS_utime: return on_path("utime", (const char *)a[0]);
    case SYS_utimes: return on_path("utimes", (const char *)a[0]);
    case SYS_futimesat: return on_path("futimesat", (const char *)a[1]);
#endif
#ifdef SYS_renameat
    case SYS_renameat: return on_path("renameat", (const char *)a[3]);
#endif
#ifdef SYS_fchmodat2
    case SYS_fchmodat2: return on_path("fchmodat", (const char *)a[1]);
#endif
    case SYS_openat: return on_open("openat", (const char *)a[1], (int)a[2]);
#ifdef SYS_openat2
    // Its first number is the flags.
    case SYS_openat2: return on_open("openat2", (const char *)a[1], (int)*(const unsigned long long *)a[2]);
#endif
    case SYS_write: return on_file("write", (int)a[0]);
    case SYS_writev: return on_file("writev", (int)a[0]);
    case SYS_pwrite64: return on_file("pwrite", (int)a[0]);
    case SYS_pwritev: return on_file("pwritev", (int)a[0]);
    case SYS_pwritev2: return on_file("pwritev", (int)a[0]);
    case SYS_sendfile: return on_file("sendfile", (int)a[0]);
    case SYS_copy_file_range: return on_fd("copy_file_range", (int)a[2]);
    case SYS_splice: return on_file("splice", (int)a[2]);
    case SYS_truncate: return on_path("truncate", (const char *)a[0]);
    case SYS_ftruncate: return on_fd("ftruncate", (int)a[0]);
    case SYS_fallocate: return on_fd("fallocate", (int)a[0]);
    case SYS_renameat2: return on_path("renameat2", (const char *)a[3]);
    case SYS_linkat: return on_path("linkat", (const char *)a[3]);
    case SYS_symlinkat: return on_path("symlinkat", (const char *)a[2]);
    case SYS_unlinkat: return on_path("unlinkat", (const char *)a[1]);
    case SYS_mkdirat: return on_path("mkdirat", (const char *)a[1]);
    case SYS_mknodat: return on_path("mknodat", (const char *)a[1]);
    case SYS_fchmod: return on_fd("fchmod", (int)a[0]);
    case SYS_fchmodat: return on_path("fchmodat", (const char *)a[1]);
    case SYS_fchown: return on_fd("fchown", (int)a[0]);
    case SYS_fchownat: return on_path("fchownat", (const char *)a[1]);
    case SYS_utimensat: return on_path("utimensat", (const char *)a[1]);
    case SYS_setxattr: return on_path("setxattr", (const char *)a[0]);
    case SYS_lsetxattr: return on_path("lsetxattr", (const char *)a[0]);
    case SYS_fsetxattr: return on_fd("fsetxattr", (int)a[0]);
    case SYS_fsync: return on_fd("fsync", (int)a[0]);
    case SYS_fdatasync: return on_fd("fdatasync", (int)a[0]);
    case SYS_syncfs: return on_fd("syncfs", (int)a[0]);
    case SYS_sync: return on_path("sync", "");
    case SYS_ioctl: return on_ioctl((int)a[0], (unsigned long)a[1]);
    default: return;
    }
}

long syscall(long number, ...)
{
    static long (*next)(long, ...);
    NEXT(syscall);
    long a[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(more, long);
    va_end(more);
#ifdef SYS_io_uring_setup
    // What goes through a ring is not seen here.
    if (record != NULL && number == SYS_io_uring_setup) {
        errno = ENOSYS;
        return -1;
    }
#endif
    on_number(number, a);
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
