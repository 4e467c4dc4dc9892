// Preloaded into the service: lets the first N calls of fsync and fdatasync through, and fails the next one with EIO, once.
// After that every call succeeds again, as a disk does that lost a page and forgot about it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>

static atomic_int calls;

static int fails(void) {
    const char *at = getenv("FAIL_SYNC_AT");
    if (!at) return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atoi(at)) return 0;
    const char *mark = getenv("FAIL_SYNC_MARK");
    if (mark) { FILE *file = fopen(mark, "w"); if (file) fclose(file); }
    return 1;
}

int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
