/*
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * Two calls that a kernel of the host's own would answer otherwise than the machine's. Preloaded into every program of a lab host.
 *   uname   the release is the one in /proc/sys/kernel/osrelease, which process 1 has replaced: who asks either way must hear the same
 *   reboot  process 1 starts anew in its place; podman has no part in it, so the address stays and connections end as they should
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define INIT "/usr/lib/ai-stack-lab/init"
#define MAGIC 0xfee1deadu
#define MAGIC2 672274793u

int uname(struct utsname *u)
{
    int r = syscall(SYS_uname, u);
    int f = open("/proc/sys/kernel/osrelease", O_RDONLY | O_CLOEXEC);
    if (r == 0 && f >= 0) {
        ssize_t n = read(f, u->release, sizeof u->release - 1);
        if (n > 0) {
            u->release[n] = 0;
            u->release[strcspn(u->release, "\n")] = 0;
        }
    }
    if (f >= 0)
        close(f);
    return r;
}

int reboot(int command)
{
    if (command != RB_AUTOBOOT)
        return syscall(SYS_reboot, MAGIC, MAGIC2, command, NULL);
    if (getpid() == 1) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int f = 3; f < 1024; f++)
            close(f);
        execl(INIT, INIT, "again", NULL);
        return -1;
    }
    /* systemd's signal for a reboot without stopping anything: a program asked the kernel, not the init system */
    if (kill(1, SIGRTMIN + 15))
        return -1;
    for (;;)
        pause();
}
