// Preloaded as a disk that lies: it says that everything is on it, and writes when it likes.
#include <sys/types.h>

int fsync(int file) { return file < 0 ? -1 : 0; }
int fdatasync(int file) { return file < 0 ? -1 : 0; }
int msync(void *address, size_t length, int flags) { return 0; }
int sync_file_range(int file, off_t offset, off_t count, unsigned int flags) { return file < 0 ? -1 : 0; }
