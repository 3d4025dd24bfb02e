/* Stands between a process and its disk (LD_PRELOAD): counts what is done in one folder, and at one of these operations kills
 * the process, or lets the operation fail. Told by OUTBOX_SHIM: lines with the folder, the operation's number, and one of
 *   before   SIGKILL before it is done
 *   after    SIGKILL after it was done
 *   once E   it fails with the errno E
 *   on E     it and all after it fail with the errno E
 *   log      nothing; each operation is a line in the file $OUTBOX_SHIM_LOG
 *   flock E  every flock fails with the errno E
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(type, name, parameters)                             \
    static type(*real) parameters;                               \
    if (!real)                                                   \
        *(void **)(&real) = dlsym(RTLD_NEXT, name)

/* Does an operation, or not. */
#define DO(operation, path, other, call)                         \
    do {                                                         \
        int fault = begin(operation, path, other);               \
        if (fault > 0) {                                         \
            errno = fault;                                       \
            return -1;                                           \
        }                                                        \
        if (fault < 0) {                                         \
            call;                                                \
            kill(getpid(), SIGKILL);                             \
        }                                                        \
        return call;                                             \
    } while (0)

static char folder[PATH_MAX];
static char mode[16];
static long chosen;
static int number;
static long counted;
static FILE *record;

__attribute__((constructor)) static void configure(void)
{
    const char *told = getenv("OUTBOX_SHIM");
    if (!told)
        return;
    if (sscanf(told, "%4095[^\n]\n%ld\n%15s %d", folder, &chosen, mode, &number) < 3)
        abort();
    if (strcmp(mode, "log") == 0) {
        record = fopen(getenv("OUTBOX_SHIM_LOG"), "w");
        if (!record)
            abort();
    }
}

/* 0: do it; above: fail with that errno; below: do it and die. */
static int begin(const char *operation, const char *path, const char *other)
{
    long at;
    if (!folder[0] || strncmp(path, folder, strlen(folder)) != 0)
        return 0;
    if (strcmp(mode, "flock") == 0)
        return strcmp(operation, "flock") == 0 ? number : 0;
    at = __sync_add_and_fetch(&counted, 1);
    if (record) {
        fprintf(record, "%s\t%s\t%s\n", operation, path, other);
        fflush(record);
    }
    if (strcmp(mode, "on") == 0)
        return at >= chosen ? number : 0;
    if (at != chosen)
        return 0;
    if (strcmp(mode, "before") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(mode, "after") == 0)
        return -1;
    return strcmp(mode, "once") == 0 ? number : 0;
}

/* The path of an open file. */
static const char *path_of(int fd, char *path)
{
    char link[64];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return path;
}

/* The path of a name in an open folder. */
static const char *path_at(int fd, const char *name, char *path)
{
    size_t length;
    if (fd == AT_FDCWD || name[0] == '/')
        return name;
    path_of(fd, path);
    length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
    return path;
}

#define MODE(flags, mode)                                        \
    do {                                                         \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;     \
        va_end(rest);                                            \
    } while (0)

static const char *opening(int flags)
{
    return (flags & O_CREAT) ? "create" : "open";
}

int open(const char *path, int flags, ...)
{
    mode_t rights;
    REAL(int, "open64", (const char *, int, ...));
    MODE(flags, rights);
    DO(opening(flags), path, "", real(path, flags, rights));
}

int open64(const char *path, int flags, ...)
{
    mode_t rights;
    REAL(int, "open64", (const char *, int, ...));
    MODE(flags, rights);
    DO(opening(flags), path, "", real(path, flags, rights));
}

int openat64(int at, const char *name, int flags, ...)
{
    char buffer[PATH_MAX];
    mode_t rights;
    REAL(int, "openat64", (int, const char *, int, ...));
    MODE(flags, rights);
    DO(opening(flags), path_at(at, name, buffer), "", real(at, name, flags, rights));
}

int mkdir(const char *path, mode_t rights)
{
    REAL(int, "mkdir", (const char *, mode_t));
    DO("mkdir", path, "", real(path, rights));
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", (const char *, const char *));
    DO("rename", from, to, real(from, to));
}

int unlink(const char *path)
{
    REAL(int, "unlink", (const char *));
    DO("unlink", path, "", real(path));
}

int unlinkat(int at, const char *name, int flags)
{
    char buffer[PATH_MAX];
    REAL(int, "unlinkat", (int, const char *, int));
    DO("unlink", path_at(at, name, buffer), "", real(at, name, flags));
}

int rmdir(const char *path)
{
    REAL(int, "rmdir", (const char *));
    DO("rmdir", path, "", real(path));
}

ssize_t read(int fd, void *bytes, size_t length)
{
    char path[PATH_MAX];
    REAL(ssize_t, "read", (int, void *, size_t));
    DO("read", path_of(fd, path), "", real(fd, bytes, length));
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    char path[PATH_MAX];
    REAL(ssize_t, "write", (int, const void *, size_t));
    DO("write", path_of(fd, path), "", real(fd, bytes, length));
}

ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t length, unsigned int flags)
{
    char path[PATH_MAX];
    REAL(ssize_t, "copy_file_range", (int, off_t *, int, off_t *, size_t, unsigned int));
    DO("write", path_of(out, path), "", real(in, from, out, to, length, flags));
}

int ftruncate64(int fd, off_t length)
{
    char path[PATH_MAX];
    REAL(int, "ftruncate64", (int, off_t));
    DO("write", path_of(fd, path), "", real(fd, length));
}

int fsync(int fd)
{
    char path[PATH_MAX];
    REAL(int, "fsync", (int));
    DO("fsync", path_of(fd, path), "", real(fd));
}

int flock(int fd, int operation)
{
    char path[PATH_MAX];
    REAL(int, "flock", (int, int));
    DO("flock", path_of(fd, path), "", real(fd, operation));
}
