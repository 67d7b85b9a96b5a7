/*
 * Preloaded into a command: counts the calls with which it and its children change what is in file systems, and, where
 * asked to, those that read. Before the call of a given number it kills their process group, or that call fails with a
 * given error. at-call.ts starts the command.
 *
 *   FDGRAFT_CALL_FILE    a file of sizeof(struct record) bytes, shared by all processes: the count, and what was called
 *   FDGRAFT_CALL_NUMBER  the number; 0: count only
 *   FDGRAFT_CALL_ERROR   the error; not there: kill
 *   FDGRAFT_CALL_BELOW   count what concerns this directory and what is in it, reading calls too
 *
 * A call inside the C library (fwrite to a file, say) does not come by here; that none of a rewrite does was seen by
 * comparison with strace. Writes to what is no regular file do not count: libuv wakes its threads so.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
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
static unsigned long wanted;
static int fault;
/** What paths begin with that count; NULL: all that change something count. */
static const char *below;

__attribute__((constructor)) static void start(void)
{
    const char *file = getenv("FDGRAFT_CALL_FILE");
    const char *number = getenv("FDGRAFT_CALL_NUMBER");
    const char *error = getenv("FDGRAFT_CALL_ERROR");
    if (file == NULL)
        return;
    wanted = number == NULL ? 0 : strtoul(number, NULL, 10);
    fault = error == NULL ? 0 : (int)strtol(error, NULL, 10);
    below = getenv("FDGRAFT_CALL_BELOW");
    int fd = open(file, O_RDWR | O_CLOEXEC);
    void *shared = fd == -1 ? MAP_FAILED : mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) {
        perror("at-call");
        _exit(125);
    }
    close(fd);
    record = shared;
}

static bool is_below(const char *path)
{
    size_t length = strlen(below);
    return strncmp(path, below, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/** Counts a call, and returns whether it is to fail; does not return where it is the end. */
static bool called(const char *name, const char *path)
{
    if (below != NULL && !is_below(path))
        return false;
    unsigned number = atomic_fetch_add(&record->count, 1) + 1;
    if (number <= CALLS) {
        size_t length = strlen(path);
        size_t room = CALL_SIZE - 2 - strlen(name);
        snprintf(record->calls[number - 1], CALL_SIZE, "%s %s", name, length > room ? path + length - room : path);
    }
    if (fault != 0) {
        if (number != wanted)
            return false;
        errno = fault;
        return true;
    }
    // Calls of others that come later than that number wait for the same end.
    if (wanted == 0 || number < wanted)
        return false;
    kill(0, SIGKILL);
    for (;;)
        pause();
}

#define NEXT(name)                                                                                                     \
    do {                                                                                                               \
        if (next == NULL)                                                                                              \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                 \
    } while (0)

#define PATH_SIZE 8192

/** The path of a descriptor, or an empty text. */
static void path_of(int fd, char path[PATH_SIZE])
{
    static ssize_t (*next)(const char *, char *, size_t);
    NEXT(readlink);
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = next(link, path, PATH_SIZE - 1);
    path[length < 0 ? 0 : length] = '\0';
}

static bool on_at(const char *name, int directory, const char *path)
{
    if (record == NULL || path == NULL)
        return false;
    int error = errno;
    char whole[PATH_SIZE];
    int fd = directory;
    int skipped = 0;
    // The command reaches what is in a directory that it holds open by this path.
    if (sscanf(path, "/proc/self/fd/%d%n", &fd, &skipped) == 1)
        path += skipped + (path[skipped] == '/' ? 1 : 0);
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        if (fd == AT_FDCWD && getcwd(whole, sizeof whole) == NULL)
            whole[0] = '\0';
        if (fd != AT_FDCWD)
            path_of(fd, whole);
        size_t length = strlen(whole);
        snprintf(whole + length, sizeof whole - length, "%s%s", path[0] == '\0' ? "" : "/", path);
    }
    if (called(name, whole))
        return true;
    errno = error;
    return false;
}

static bool on_path(const char *name, const char *path)
{
    return on_at(name, AT_FDCWD, path);
}

static bool on_fd(const char *name, int fd)
{
    if (record == NULL)
        return false;
    int error = errno;
    char path[PATH_SIZE];
    path_of(fd, path);
    if (called(name, path))
        return true;
    errno = error;
    return false;
}

static bool on_file(const char *name, int fd)
{
    int error = errno;
    struct stat stat;
    static int (*next)(int, struct stat *);
    NEXT(fstat);
    bool is_file = record != NULL && next(fd, &stat) == 0 && S_ISREG(stat.st_mode);
    errno = error;
    return is_file && on_fd(name, fd);
}

static bool on_read_file(const char *name, int fd)
{
    return below != NULL && on_file(name, fd);
}

/** Calls that read count where a directory is given. */
static bool on_read_at(const char *name, int directory, const char *path)
{
    return below != NULL && on_at(name, directory, path);
}

static bool on_read(const char *name, const char *path)
{
    return on_read_at(name, AT_FDCWD, path);
}

static bool on_read_fd(const char *name, int fd)
{
    return below != NULL && on_fd(name, fd);
}

static bool on_open(const char *name, int directory, const char *path, int flags)
{
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0)
        return on_at(name, directory, path);
    return on_read_at(name, directory, path);
}

static bool on_fopen(const char *name, const char *path, const char *mode)
{
    return strpbrk(mode, "wa+") != NULL ? on_path(name, path) : on_read(name, path);
}

static bool on_ioctl(int fd, unsigned long request)
{
    return (request == FICLONE || request == FICLONERANGE) && on_fd("ioctl", fd);
}

#define WRAP(result, name, parameters, arguments, on)                                                                  \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*next) parameters;                                                                               \
        NEXT(name);                                                                                                    \
        if (on)                                                                                                        \
            return (result)-1;                                                                                         \
        return next arguments;                                                                                         \
    }

#define WRAP_POINTER(result, name, parameters, arguments, on)                                                          \
    result name parameters;                                                                                            \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*next) parameters;                                                                               \
        NEXT(name);                                                                                                    \
        if (on)                                                                                                        \
            return NULL;                                                                                               \
        return next arguments;                                                                                         \
    }

#define WRAP_OPEN(name, directory, parameters, arguments)                                                                 \
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
        if (on_open(#name, directory, path, flags))                                                                       \
            return -1;                                                                                                 \
        return next arguments;                                                                                         \
    }

WRAP_OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, directory, (int directory, const char *path, int flags, ...), (directory, path, flags, mode))
WRAP_OPEN(openat64, directory, (int directory, const char *path, int flags, ...), (directory, path, flags, mode))
// What open becomes where a program is built with _FORTIFY_SOURCE.
WRAP(int, __open_2, (const char *path, int flags), (path, flags), on_open("open", AT_FDCWD, path, flags))
WRAP(int, __open64_2, (const char *path, int flags), (path, flags), on_open("open", AT_FDCWD, path, flags))
WRAP(int, __openat_2, (int directory, const char *path, int flags), (directory, path, flags), on_open("openat", directory, path, flags))
WRAP(int, __openat64_2, (int directory, const char *path, int flags), (directory, path, flags), on_open("openat", directory, path, flags))
WRAP(int, creat, (const char *path, mode_t mode), (path, mode), on_path("creat", path))
WRAP(int, creat64, (const char *path, mode_t mode), (path, mode), on_path("creat", path))
WRAP_POINTER(FILE *, fopen, (const char *path, const char *mode), (path, mode), on_fopen("fopen", path, mode))
WRAP_POINTER(FILE *, fopen64, (const char *path, const char *mode), (path, mode), on_fopen("fopen", path, mode))
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
     on_at("renameat", there, to))
WRAP(int, renameat2, (int in, const char *from, int there, const char *to, unsigned flags),
     (in, from, there, to, flags), on_at("renameat2", there, to))
WRAP(int, link, (const char *from, const char *to), (from, to), on_path("link", to))
WRAP(int, linkat, (int in, const char *from, int there, const char *to, int flags), (in, from, there, to, flags),
     on_at("linkat", there, to))
WRAP(int, symlink, (const char *text, const char *path), (text, path), on_path("symlink", path))
WRAP(int, symlinkat, (const char *text, int directory, const char *path), (text, directory, path),
     on_at("symlinkat", directory, path))
WRAP(int, unlink, (const char *path), (path), on_path("unlink", path))
WRAP(int, unlinkat, (int directory, const char *path, int flags), (directory, path, flags), on_at("unlinkat", directory, path))
WRAP(int, remove, (const char *path), (path), on_path("remove", path))
WRAP(int, rmdir, (const char *path), (path), on_path("rmdir", path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), on_path("mkdir", path))
WRAP(int, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode), on_at("mkdirat", directory, path))
WRAP_POINTER(char *, mkdtemp, (char *path), (path), on_path("mkdtemp", path))
WRAP(int, mknod, (const char *path, mode_t mode, dev_t device), (path, mode, device), on_path("mknod", path))
WRAP(int, mknodat, (int directory, const char *path, mode_t mode, dev_t device), (directory, path, mode, device),
     on_at("mknodat", directory, path))
WRAP(int, mkfifo, (const char *path, mode_t mode), (path, mode), on_path("mkfifo", path))

WRAP(int, chmod, (const char *path, mode_t mode), (path, mode), on_path("chmod", path))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), on_fd("fchmod", fd))
WRAP(int, fchmodat, (int directory, const char *path, mode_t mode, int flags), (directory, path, mode, flags),
     on_at("fchmodat", directory, path))
WRAP(int, chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), on_path("chown", path))
WRAP(int, lchown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), on_path("lchown", path))
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), on_fd("fchown", fd))
WRAP(int, fchownat, (int directory, const char *path, uid_t uid, gid_t gid, int flags), (directory, path, uid, gid, flags),
     on_at("fchownat", directory, path))
WRAP(int, utime, (const char *path, const struct utimbuf *times), (path, times), on_path("utime", path))
WRAP(int, utimes, (const char *path, const struct timeval times[2]), (path, times), on_path("utimes", path))
WRAP(int, lutimes, (const char *path, const struct timeval times[2]), (path, times), on_path("lutimes", path))
WRAP(int, futimes, (int fd, const struct timeval times[2]), (fd, times), on_fd("futimes", fd))
WRAP(int, futimens, (int fd, const struct timespec times[2]), (fd, times), on_fd("futimens", fd))
WRAP(int, utimensat, (int directory, const char *path, const struct timespec times[2], int flags),
     (directory, path, times, flags), on_at("utimensat", directory, path))
WRAP(int, setxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags), on_path("setxattr", path))
WRAP(int, lsetxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags), on_path("lsetxattr", path))
WRAP(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags),
     (fd, name, value, size, flags), on_fd("fsetxattr", fd))

WRAP(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), on_read_file("read", fd))
WRAP(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count), on_read_file("readv", fd))
WRAP(ssize_t, pread, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at), on_read_file("pread", fd))
WRAP(ssize_t, pread64, (int fd, void *bytes, size_t size, off64_t at), (fd, bytes, size, at),
     on_read_file("pread", fd))
WRAP(ssize_t, preadv, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at),
     on_read_file("preadv", fd))
WRAP(ssize_t, preadv64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at),
     on_read_file("preadv", fd))
WRAP(int, stat, (const char *path, struct stat *to), (path, to), on_read("stat", path))
WRAP(int, stat64, (const char *path, struct stat64 *to), (path, to), on_read("stat", path))
WRAP(int, lstat, (const char *path, struct stat *to), (path, to), on_read("lstat", path))
WRAP(int, lstat64, (const char *path, struct stat64 *to), (path, to), on_read("lstat", path))
WRAP(int, fstat, (int fd, struct stat *to), (fd, to), on_read_file("fstat", fd))
WRAP(int, fstat64, (int fd, struct stat64 *to), (fd, to), on_read_file("fstat", fd))
WRAP(int, fstatat, (int directory, const char *path, struct stat *to, int flags), (directory, path, to, flags),
     on_read_at("fstatat", directory, path))
WRAP(int, statx, (int directory, const char *path, int flags, unsigned mask, struct statx *to),
     (directory, path, flags, mask, to), on_read_at("statx", directory, path))
WRAP(int, access, (const char *path, int mode), (path, mode), on_read("access", path))
WRAP(int, faccessat, (int directory, const char *path, int mode, int flags), (directory, path, mode, flags),
     on_read_at("faccessat", directory, path))
WRAP(ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size), on_read("readlink", path))
WRAP(ssize_t, readlinkat, (int directory, const char *path, char *to, size_t size), (directory, path, to, size),
     on_read_at("readlinkat", directory, path))
WRAP_POINTER(char *, realpath, (const char *path, char *to), (path, to), on_read("realpath", path))
WRAP_POINTER(DIR *, opendir, (const char *path), (path), on_read("opendir", path))
WRAP_POINTER(DIR *, fdopendir, (int fd), (fd), on_read_fd("fdopendir", fd))
WRAP(int, scandir, (const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
     int (*compare)(const struct dirent **, const struct dirent **)), (path, list, filter, compare),
     on_read("scandir", path))
WRAP(int, scandir64, (const char *path, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
     int (*compare)(const struct dirent64 **, const struct dirent64 **)), (path, list, filter, compare),
     on_read("scandir", path))

/** The descriptor is closed all the same, as Linux does. */
static int close_counted(int (*next)(int), int fd)
{
    char path[PATH_SIZE] = "";
    if (record != NULL && below != NULL)
        path_of(fd, path);
    int result = next(fd);
    return path[0] != '\0' && called("close", path) ? -1 : result;
}

int close(int fd)
{
    static int (*next)(int);
    NEXT(close);
    return close_counted(next, fd);
}

static int close_by_number(int fd)
{
    static long (*next)(long, ...);
    NEXT(syscall);
    return (int)next(SYS_close, fd);
}

// These write nothing that was not written, but what is on disk is not the same before and after.
WRAP(int, fsync, (int fd), (fd), on_fd("fsync", fd))
WRAP(int, fdatasync, (int fd), (fd), on_fd("fdatasync", fd))
WRAP(int, syncfs, (int fd), (fd), on_fd("syncfs", fd))
void sync(void)
{
    static void (*next)(void);
    NEXT(sync);
    if (!on_path("sync", "/"))
        next();
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    NEXT(ioctl);
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (on_ioctl(fd, request))
        return -1;
    return next(fd, request, argument);
}

/** libuv makes some of its calls by their number. */
static bool on_number(long number, const long a[6])
{
    switch (number) {
#ifdef SYS_open
    case SYS_open: return on_open("open", AT_FDCWD, (const char *)a[0], (int)a[1]);
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
    case SYS_futimesat: return on_at("futimesat", (int)a[0], (const char *)a[1]);
#endif
#ifdef SYS_renameat
    case SYS_renameat: return on_at("renameat", (int)a[2], (const char *)a[3]);
#endif
#ifdef SYS_fchmodat2
    case SYS_fchmodat2: return on_at("fchmodat", (int)a[0], (const char *)a[1]);
#endif
    case SYS_read: return on_read_file("read", (int)a[0]);
    case SYS_pread64: return on_read_file("pread", (int)a[0]);
    case SYS_preadv: return on_read_file("preadv", (int)a[0]);
    case SYS_statx: return on_read_at("statx", (int)a[0], (const char *)a[1]);
    case SYS_readlinkat: return on_read_at("readlinkat", (int)a[0], (const char *)a[1]);
    case SYS_getdents64: return on_read_fd("getdents", (int)a[0]);
    case SYS_openat: return on_open("openat", (int)a[0], (const char *)a[1], (int)a[2]);
#ifdef SYS_openat2
    // Its first number is the flags.
    case SYS_openat2: return on_open("openat2", (int)a[0], (const char *)a[1], (int)*(const unsigned long long *)a[2]);
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
    case SYS_renameat2: return on_at("renameat2", (int)a[2], (const char *)a[3]);
    case SYS_linkat: return on_at("linkat", (int)a[2], (const char *)a[3]);
    case SYS_symlinkat: return on_at("symlinkat", (int)a[1], (const char *)a[2]);
    case SYS_unlinkat: return on_at("unlinkat", (int)a[0], (const char *)a[1]);
    case SYS_mkdirat: return on_at("mkdirat", (int)a[0], (const char *)a[1]);
    case SYS_mknodat: return on_at("mknodat", (int)a[0], (const char *)a[1]);
    case SYS_fchmod: return on_fd("fchmod", (int)a[0]);
    case SYS_fchmodat: return on_at("fchmodat", (int)a[0], (const char *)a[1]);
    case SYS_fchown: return on_fd("fchown", (int)a[0]);
    case SYS_fchownat: return on_at("fchownat", (int)a[0], (const char *)a[1]);
    case SYS_utimensat: return on_at("utimensat", (int)a[0], (const char *)a[1]);
    case SYS_setxattr: return on_path("setxattr", (const char *)a[0]);
    case SYS_lsetxattr: return on_path("lsetxattr", (const char *)a[0]);
    case SYS_fsetxattr: return on_fd("fsetxattr", (int)a[0]);
    case SYS_fsync: return on_fd("fsync", (int)a[0]);
    case SYS_fdatasync: return on_fd("fdatasync", (int)a[0]);
    case SYS_syncfs: return on_fd("syncfs", (int)a[0]);
    case SYS_sync: return on_path("sync", "/");
    case SYS_ioctl: return on_ioctl((int)a[0], (unsigned long)a[1]);
    default: return false;
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
    if (number == SYS_close)
        return close_counted(close_by_number, (int)a[0]);
    if (on_number(number, a))
        return -1;
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
