/*
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * Stand-in for libnvidia-cfg.so.1, as far as the real nvidia-persistenced asks it: which cards there are, hold one open, let go.
 * A card that is held is a file in HELD, a folder that the daemon's own user may write; the stand-in NVML looks there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include "version.h"

#define API __attribute__((visibility("default")))
#define HELD "/run/nvidia-persistenced"

struct place { int domain, bus, slot, function; };
struct held { char path[96]; };

static int works(void) { return *loaded() && (!*own() || !strcmp(own(), loaded())); }

API int nvCfgGetPciDevices(int *n, struct place **places)
{
    DIR *d = works() ? opendir(PROC "/gpus") : NULL;
    *n = 0; *places = NULL;
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d)); ) {
        unsigned a[4]; char *end = e->d_name;
        for (int i = 0; i < 4; i++, end += *end != 0) { char *s = end; a[i] = old_strtoul(s, &end, 16); if (s == end) { end = NULL; break; } }
        if (!end) continue;
        *places = realloc(*places, (*n + 1) * sizeof **places);
        (*places)[(*n)++] = (struct place){ a[0], a[1], a[2], a[3] };
    }
    closedir(d);
    return 1;
}
API int nvCfgOpenPciDevice(int domain, int bus, int slot, int function, void **handle)
{
    struct held *h = calloc(1, sizeof *h);
    int f;
    snprintf(h->path, sizeof h->path, HELD "/held-%08X:%02X:%02X.%X", domain, bus, slot, function);
    f = works() ? open(h->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644) : -1;
    if (f < 0) { free(h); return 0; }
    close(f); *handle = h;
    return 1;
}
API int nvCfgCloseDevice(void *handle)
{
    struct held *h = handle;
    unlink(h->path); free(h);
    return 1;
}
