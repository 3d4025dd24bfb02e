/*
 * Preloaded into the host: counts what it does to files below SWEEP_FOLDER, writes a line for each to SWEEP_LOG, and ends
 * the process with SIGKILL at SWEEP_POINT, which is "NUMBER/WHEN":
 *
 *     before   the operation is not done
 *     after    it is done
 *     torn     half of the bytes are written
 *     power    it is done, and then the power fails: what was written to files and not synced since is lost
 *
 * Without SWEEP_FOLDER it does nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST 4096

static const char *folder, *wanted;
static size_t length;
static long target;
static int log_file = -1;
static char below[MOST]; /* by descriptor: whether it was opened below the folder */

/* Files with bytes that are not synced, each through a description of its own, so that no lock is shared, and how many
 * bytes are. */
static struct { int descriptor; dev_t device; ino_t inode; off_t synced; } dirty[64];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long count;

#define REAL(name) ((__typeof__(&name))(size_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SWEEP_LOG"), *point = getenv("SWEEP_POINT");

    folder = getenv("SWEEP_FOLDER");
    if (folder == NULL)
        return;
    length = strlen(folder);
    if (path != NULL)
        log_file = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (point != NULL && strchr(point, '/') != NULL) {
        target = strtol(point, NULL, 10);
        wanted = strchr(point, '/') + 1;
    }
}

static int is_below(int base, const char *path)
{
    char link[64], found[4096];
    ssize_t size;

    if (folder == NULL || path == NULL)
        return 0;
    if (path[0] != '/') {
        if (base == AT_FDCWD)
            return 0;
        snprintf(link, sizeof link, "/proc/self/fd/%d", base);
        size = readlink(link, found, sizeof found - 1);
        if (size <= 0)
            return 0;
        found[size] = 0;
        path = found;
    }
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_open_below(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST && below[descriptor];
}

static void note(int descriptor, int is)
{
    if (descriptor >= 0 && descriptor < MOST)
        below[descriptor] = (char)is;
}

static void end(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void lose(void)
{
    size_t i;

    for (i = 0; i < sizeof dirty / sizeof *dirty; i++)
        if (dirty[i].inode != 0 && REAL(ftruncate)(dirty[i].descriptor, dirty[i].synced) != 0)
            perror("shim: ftruncate");
}

/* Before bytes are written. */
static void soil(int descriptor)
{
    struct stat found;
    char link[64];
    size_t i, unused = sizeof dirty / sizeof *dirty;

    if (fstat(descriptor, &found) != 0)
        return;
    for (i = sizeof dirty / sizeof *dirty; i-- > 0;) {
        if (dirty[i].inode == found.st_ino && dirty[i].device == found.st_dev)
            return;
        if (dirty[i].inode == 0)
            unused = i;
    }
    if (unused == sizeof dirty / sizeof *dirty)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    dirty[unused].descriptor = REAL(open)(link, O_WRONLY | O_CLOEXEC);
    if (dirty[unused].descriptor < 0)
        return;
    dirty[unused].inode = found.st_ino;
    dirty[unused].device = found.st_dev;
    dirty[unused].synced = found.st_size;
}

static void clean(int descriptor)
{
    struct stat found;
    size_t i;

    if (fstat(descriptor, &found) != 0)
        return;
    for (i = 0; i < sizeof dirty / sizeof *dirty; i++)
        if (dirty[i].inode == found.st_ino && dirty[i].device == found.st_dev) {
            dirty[i].inode = 0;
            REAL(close)(dirty[i].descriptor);
        }
}

/* Before an operation: whether it is the one. One at a time: the mutex is held until leave(). */
static int enter(const char *what, const char *path)
{
    char line[4300];
    int is;

    pthread_mutex_lock(&mutex);
    is = ++count == target;
    if (log_file >= 0) {
        const int size = snprintf(line, sizeof line, "%s %s\n", what, path != NULL ? path : "");

        if (REAL(write)(log_file, line, (size_t)size) != size)
            perror("shim: log");
    }
    if (is && strcmp(wanted, "before") == 0)
        end();
    return is;
}

static void leave(int is)
{
    if (is && strcmp(wanted, "power") == 0)
        lose();
    if (is)
        end();
    pthread_mutex_unlock(&mutex);
}

#define OPERATION(type, failure, condition, what, path, call) \
    do { \
        type result; \
        int is, saved; \
        if (!(condition)) \
            return call; \
        is = enter(what, path); \
        FIRST; \
        result = call; \
        saved = errno; \
        if (result != (type)(failure)) \
            DONE; \
        leave(is); \
        errno = saved; \
        return result; \
    } while (0)

#define FIRST (void)0
#define DONE (void)0

static int opens_for_writing(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

static int opened(int descriptor, int base, const char *path, int flags)
{
    if (descriptor >= 0)
        note(descriptor, opens_for_writing(flags) || is_below(base, path));
    return descriptor;
}

static int do_open(int base, const char *path, int flags, mode_t mode)
{
    int is, descriptor, saved;

    if (!is_below(base, path)) {
        descriptor = REAL(openat)(base, path, flags, mode);
        if (descriptor >= 0)
            note(descriptor, 0);
        return descriptor;
    }
    if (!opens_for_writing(flags))
        return opened(REAL(openat)(base, path, flags, mode), base, path, flags);
    is = enter((flags & O_CREAT) != 0 ? "create" : "open", path);
    descriptor = opened(REAL(openat)(base, path, flags, mode), base, path, flags);
    saved = errno;
    leave(is);
    errno = saved;
    return descriptor;
}

static mode_t mode_of(int flags, va_list list)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(list, int) : 0;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list list; \
        mode_t mode; \
        va_start(list, flags); \
        mode = mode_of(flags, list); \
        va_end(list); \
        return do_open(AT_FDCWD, path, flags, mode); \
    }

#define OPENAT(name) \
    int name(int base, const char *path, int flags, ...) \
    { \
        va_list list; \
        mode_t mode; \
        va_start(list, flags); \
        mode = mode_of(flags, list); \
        va_end(list); \
        return do_open(base, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int descriptor)
{
    note(descriptor, 0);
    return REAL(close)(descriptor);
}

#undef FIRST
#define FIRST soil(descriptor)

static int is_torn(int is)
{
    return is && strcmp(wanted, "torn") == 0;
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    int is, saved;
    ssize_t result;

    if (!is_open_below(descriptor))
        return REAL(write)(descriptor, bytes, size);
    is = enter("write", NULL);
    soil(descriptor);
    result = REAL(write)(descriptor, bytes, is_torn(is) ? size / 2 : size);
    saved = errno;
    leave(is);
    errno = saved;
    return result;
}

ssize_t writev(int descriptor, const struct iovec *vector, int size)
{
    OPERATION(ssize_t, -1, is_open_below(descriptor), "writev", NULL, REAL(writev)(descriptor, vector, size));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
    OPERATION(ssize_t, -1, is_open_below(descriptor), "pwrite", NULL, REAL(pwrite64)(descriptor, bytes, size, offset));
}

ssize_t copy_file_range(int from, off64_t *start, int descriptor, off64_t *end_, size_t size, unsigned flags)
{
    OPERATION(ssize_t, -1, is_open_below(descriptor), "copy", NULL,
              REAL(copy_file_range)(from, start, descriptor, end_, size, flags));
}

int ftruncate(int descriptor, off_t size)
{
    OPERATION(int, -1, is_open_below(descriptor), "truncate", NULL, REAL(ftruncate)(descriptor, size));
}

int ftruncate64(int descriptor, off64_t size)
{
    OPERATION(int, -1, is_open_below(descriptor), "truncate", NULL, REAL(ftruncate64)(descriptor, size));
}

#undef FIRST
#undef DONE
#define FIRST (void)0
#define DONE clean(descriptor)

int fsync(int descriptor)
{
    OPERATION(int, -1, is_open_below(descriptor), "fsync", NULL, REAL(fsync)(descriptor));
}

int fdatasync(int descriptor)
{
    OPERATION(int, -1, is_open_below(descriptor), "fdatasync", NULL, REAL(fdatasync)(descriptor));
}

#undef DONE
#define DONE (void)0

int rename(const char *from, const char *to)
{
    OPERATION(int, -1, is_below(AT_FDCWD, from) || is_below(AT_FDCWD, to), "rename", to, REAL(rename)(from, to));
}

int renameat(int base, const char *from, int base_to, const char *to)
{
    OPERATION(int, -1, is_below(base, from) || is_below(base_to, to), "rename", to,
              REAL(renameat)(base, from, base_to, to));
}

int renameat2(int base, const char *from, int base_to, const char *to, unsigned flags)
{
    OPERATION(int, -1, is_below(base, from) || is_below(base_to, to), "rename", to,
              REAL(renameat2)(base, from, base_to, to, flags));
}

int link(const char *from, const char *to)
{
    OPERATION(int, -1, is_below(AT_FDCWD, to), "link", to, REAL(link)(from, to));
}

int linkat(int base, const char *from, int base_to, const char *to, int flags)
{
    OPERATION(int, -1, is_below(base_to, to), "link", to, REAL(linkat)(base, from, base_to, to, flags));
}

int unlink(const char *path)
{
    OPERATION(int, -1, is_below(AT_FDCWD, path), "unlink", path, REAL(unlink)(path));
}

int unlinkat(int base, const char *path, int flags)
{
    OPERATION(int, -1, is_below(base, path), "unlink", path, REAL(unlinkat)(base, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
    OPERATION(int, -1, is_below(AT_FDCWD, path), "mkdir", path, REAL(mkdir)(path, mode));
}

int mkdirat(int base, const char *path, mode_t mode)
{
    OPERATION(int, -1, is_below(base, path), "mkdir", path, REAL(mkdirat)(base, path, mode));
}

int rmdir(const char *path)
{
    OPERATION(int, -1, is_below(AT_FDCWD, path), "rmdir", path, REAL(rmdir)(path));
}
