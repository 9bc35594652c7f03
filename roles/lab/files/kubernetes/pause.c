/* GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * What holds the namespaces of a pod. With an argument it ends: the upgrade of kubeadm runs it so, as a job that has to come to an end. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int number)
{
    (void)number;
    _exit(0);
}

static void reap(int number)
{
    (void)number;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
}

int main(int count, char **words)
{
    (void)words;
    if (count > 1)
        return 0;
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    signal(SIGCHLD, reap);
    for (;;)
        pause();
}
