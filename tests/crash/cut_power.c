// Cuts the power of one file system: what is not on its disk now never gets there. The argument is a path on it.
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, __u32)

int main(int count, char **arguments) {
    __u32 without_flushing_the_journal = 2;
    int file = open(count > 1 ? arguments[1] : "", O_RDONLY);
    if (file < 0 || ioctl(file, EXT4_IOC_SHUTDOWN, &without_flushing_the_journal) != 0) {
        perror("cutting the power");
        return 1;
    }
    return 0;
}
