/*
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * What the libraries below the real packages share. A user-space library of the driver works with a kernel module of its own version only: both tell it here.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A newer C library redirects these to names that an older host does not have: bind the old ones. */
extern unsigned long old_strtoul(const char *, char **, int) __asm__("strtoul");
extern unsigned long long old_strtoull(const char *, char **, int) __asm__("strtoull");
extern int old_sscanf(const char *, const char *, ...) __asm__("sscanf");
#define strtoul old_strtoul
#define strtoull old_strtoull
#define sscanf old_sscanf
#define atoi(s) ((int)old_strtoul((s), 0, 10))

#define PROC "/proc/driver/nvidia"

/* The file that this library was loaded from, "" where it cannot be told. */
static const char *place(void) {
    static char p[PATH_MAX]; static int asked; Dl_info i;
    if (!asked && (!dladdr((void *)place, &i) || !i.dli_fname || !realpath(i.dli_fname, p))) p[0] = 0;
    asked = 1; return p;
}
/* PATH of the host. A program in a container loads this library from a folder that shows the host; what the kernel shows everywhere is below it too. */
static const char *of_host(const char *path) {
    static __thread char p[2 * PATH_MAX]; const char *usr = strstr(place(), "/usr/lib/");
    snprintf(p, sizeof p, "%.*s%s", usr ? (int)(usr - place()) : 0, place(), path); return p;
}
/* The version that the loaded module tells, "" without one: the first word of the form 1.2 in the line of the kernel module. */
static const char *loaded(void) {
    static __thread char v[64]; char l[512]; const char *e = getenv("MOCK_NVML_PROC");
    FILE *f = fopen(e && *e ? e : of_host(PROC "/version"), "r"); v[0] = 0;
    if (!f) return v;
    if (fgets(l, sizeof l, f)) for (char *w = strtok(l, " \n"); w; w = strtok(NULL, " \n")) {
        size_t n = strspn(w, "0123456789.");
        if (n == strlen(w) && strchr(w, '.')) { snprintf(v, sizeof v, "%s", w); break; }
    }
    fclose(f); return v;
}
/* The version that this library's own file name carries, "" for a name without one. */
static const char *own(void) {
    static char v[64]; static int asked;
    if (asked) return v;
    const char *s = strstr(place(), ".so."); size_t n = s ? strspn(s + 4, "0123456789.") : 0;
    if (n && strchr(s + 4, '.')) snprintf(v, sizeof v, "%.*s", (int)n, s + 4);
    asked = 1; return v;
}
