/*
 * The kernel's uname(2) answers with the machine's own release. For a lab host the release is the one in
 * /proc/sys/kernel/osrelease, which its init has replaced: programs that ask either way must hear the same.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int uname(struct utsname *u)
{
    int r = syscall(SYS_uname, u);
    int f = open("/proc/sys/kernel/osrelease", O_RDONLY | O_CLOEXEC);
    if (r == 0 && f >= 0) {
        ssize_t n = read(f, u->release, sizeof u->release - 1);
        if (n > 0)
            u->release[n] = 0, u->release[strcspn(u->release, "\n")] = 0;
    }
    if (f >= 0)
        close(f);
    return r;
}
