/* A disk that can be told to fail, and that knows what a power cut would leave of it.

   Preloaded into a process, it stands before the C library for the files whose paths begin with
   DISK_FILES, and their folder. What is done to them is written to DISK_JOURNAL, each entry when it
   is done and in one piece, so that a reader can build what had reached the disk for good: what was
   written before the last successful sync. DISK_CONTROL is a file of one number in ASCII: of so many
   writes and syncs one fails with EIO; 0 for none. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct entry {
    char kind;
    char pad[3];
    uint32_t path_length;
    int64_t offset;
    uint64_t length;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *files, *control;
static char folder[PATH_MAX];
static int journal = -1;
static unsigned calls;

__attribute__((constructor)) static void begin(void) {
    files = getenv("DISK_FILES");
    const char *path = getenv("DISK_JOURNAL");
    if (!files || !path)
        return;
    snprintf(folder, sizeof folder, "%s", files);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    const char *number = getenv("DISK_CONTROL");
    int at = number ? syscall(SYS_openat, AT_FDCWD, number, O_RDONLY | O_CLOEXEC) : -1;
    if (at >= 0) {
        void *seen = mmap(0, 16, PROT_READ, MAP_SHARED, at, 0);
        control = seen == MAP_FAILED ? 0 : seen;
    }
    journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
    return journal >= 0 && path && strncmp(path, files, strlen(files)) == 0;
}

/* The path of an open file, if it is ours or its folder; else 0. */
static const char *ours(int fd, char *path) {
    char link[64];
    if (journal < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_ours(path) || strcmp(path, folder) == 0 ? path : 0;
}

static void note(char kind, const char *path, int64_t offset, const void *data, size_t length) {
    struct entry entry = {.kind = kind, .path_length = strlen(path), .offset = offset, .length = length};
    struct iovec parts[3] = {
        {&entry, sizeof entry}, {(void *)path, entry.path_length}, {(void *)data, data ? length : 0}};
    syscall(SYS_writev, journal, parts, 3);
}

static int fails(void) {
    unsigned every = control ? (unsigned)atoi(control) : 0;
    return every && ++calls % every == 0;
}

static ssize_t written(int fd, const void *data, size_t length, int64_t offset) {
    char path[PATH_MAX];
    const char *name = ours(fd, path);
    if (!name)
        return offset < 0 ? syscall(SYS_write, fd, data, length)
                          : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    if (fails()) {
        errno = EIO;
    } else {
        int64_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset;
        done = offset < 0 ? syscall(SYS_write, fd, data, length)
                          : syscall(SYS_pwrite64, fd, data, length, offset);
        if (done > 0)
            note('w', name, at, data, done);
    }
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return written(fd, data, length, at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return written(fd, data, length, at); }

static int synced(int fd, long call) {
    char path[PATH_MAX];
    const char *name = ours(fd, path);
    if (!name)
        return syscall(call, fd);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (fails())
        errno = EIO;
    else if ((result = syscall(call, fd)) == 0)
        note('s', name, 0, 0, 0);
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int cut(int fd, int64_t length) {
    char path[PATH_MAX];
    const char *name = ours(fd, path);
    if (!name)
        return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_ftruncate, fd, length), error = errno;
    if (result == 0)
        note('t', name, length, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

int unlink(const char *path) {
    int result = syscall(SYS_unlinkat, AT_FDCWD, path, 0), error = errno;
    if (result == 0 && is_ours(path))
        note('u', path, 0, 0, 0);
    errno = error;
    return result;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    int is_new = (flags & O_CREAT) && is_ours(path) && access(path, F_OK) != 0;
    int fd = syscall(SYS_openat, at, path, flags, mode), error = errno;
    if (fd >= 0 && is_new)
        note('c', path, 0, 0, 0);
    errno = error;
    return fd;
}

#define MODE(flags)                                     \
    mode_t mode = 0;                                    \
    if ((flags) & O_CREAT) {                            \
        va_list rest;                                   \
        va_start(rest, flags);                          \
        mode = va_arg(rest, mode_t);                    \
        va_end(rest);                                   \
    }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
