/*
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * Stand-in for libnvidia-ml.so.1 (NVML C ABI): a test double for hosts without a GPU. Types come from NVIDIA's nvml.h,
 * nothing else of NVML is used. x86-64 and Linux only.
 *   /proc/driver/nvidia/version   the loaded module: none, no driver (9); another version than this file's name carries, mismatch (18)
 *   MOCK_NVML_CONFIG   facts,  default /etc/mock-nvml/config.yaml ("key: value" lines)
 *   MOCK_NVML_STATE    what callers changed (MIG layout, modes), default /run/mock-nvml.state, same form, wins over facts
 *   MOCK_NVML_PROC     stands for /proc/driver/nvidia/version
 *   MOCK_NVML_DEBUG    any value: log every refused, unknown or faulted call on stderr
 * Both files are read again when they change, so a test can inject a fault under a running daemon. All three are those of the host also for a program in a
 * container that loads this file from a folder that shows the host, as a device plugin does.
 */
#define _GNU_SOURCE
#define NVML_NO_UNVERSIONED_FUNC_DEFS 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "version.h"
#include "nvml.h"

#define R nvmlReturn_t
#define OK NVML_SUCCESS
#define NOSUP NVML_ERROR_NOT_SUPPORTED
#define INVAL NVML_ERROR_INVALID_ARGUMENT
#define API __attribute__((visibility("default")))
#define MAXGPU 16

/* ---- key/value store: [0] = facts, [1] = state ---- */
typedef struct { char *k, *v; } kv;
typedef struct { kv *a; int n; struct timespec mt; off_t sz; ino_t ino; int loaded; } store;
static store S[2];
static pthread_mutex_t L = PTHREAD_MUTEX_INITIALIZER;
static int inits;
static const char *path(int i) {
    const char *e = getenv(i ? "MOCK_NVML_STATE" : "MOCK_NVML_CONFIG");
    return e && *e ? e : of_host(i ? "/run/mock-nvml.state" : "/etc/mock-nvml/config.yaml");
}
static int dbg(void) { static int d = -1; return d < 0 ? d = getenv("MOCK_NVML_DEBUG") != NULL : d; }
static void put1(store *s, const char *k, const char *v) {
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->a[i].k, k)) { s->a[i].v = strdup(v); return; }   /* old value leaks: callers may hold it */
    s->a = realloc(s->a, (s->n + 1) * sizeof(kv));
    s->a[s->n].k = strdup(k); s->a[s->n++].v = strdup(v);
}
static void load(int i) {
    struct stat st; store *s = &S[i];
    if (stat(path(i), &st)) { s->n = 0; s->loaded = 0; return; }
    if (s->loaded && st.st_size == s->sz && st.st_ino == s->ino && !memcmp(&st.st_mtim, &s->mt, sizeof s->mt)) return;
    FILE *f = fopen(path(i), "r");
    if (!f) return;
    s->n = 0; s->sz = st.st_size; s->mt = st.st_mtim; s->ino = st.st_ino; s->loaded = 1;
    char l[4096];
    while (fgets(l, sizeof l, f)) {
        char *k = l + strspn(l, " \t"), *v = strstr(k, ": ");
        if (*k == '#' || !v) continue;
        *v = 0; v += 2; v += strspn(v, " \t");
        if (*v == '"') { v++; char *e = strchr(v, '"'); if (e) *e = 0; }
        else { char *c = strstr(v, " #"); if (c) *c = 0; v[strcspn(v, "\r\n")] = 0;
               for (int n = strlen(v); n && v[n - 1] == ' '; ) v[--n] = 0; }
        put1(s, k, v);
    }
    fclose(f);
}
static const char *find(int i, const char *k) {
    for (int j = 0; j < S[i].n; j++) if (!strcmp(S[i].a[j].k, k)) return S[i].a[j].v;
    return NULL;
}
/* value of gpuN.key, else all.key, of the state, else of the facts; g < 0: plain key */
static const char *cfg(int g, const char *key) {
    char one[160], all[160]; const char *v = NULL;
    snprintf(one, sizeof one, "gpu%d.%s", g, key); snprintf(all, sizeof all, "all.%s", key);
    pthread_mutex_lock(&L); load(0); load(1);
    for (int i = 1; i >= 0 && !v; i--) { v = find(i, g < 0 ? key : one); if (!v && g >= 0) v = find(i, all); }
    pthread_mutex_unlock(&L);
    return v;
}
static unsigned long long num(int g, const char *key, unsigned long long d) { const char *v = cfg(g, key); return v ? strtoull(v, 0, 0) : d; }
static R setkey(int g, const char *key, const char *val) {
    char k[160], t[512]; snprintf(k, sizeof k, "gpu%d.%s", g, key);
    snprintf(t, sizeof t, "%s.lock", path(1));
    int fd = open(t, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    if (fd < 0) return NVML_ERROR_NO_PERMISSION;
    flock(fd, LOCK_EX); pthread_mutex_lock(&L);
    S[1].loaded = 0; load(1); put1(&S[1], k, val);
    snprintf(t, sizeof t, "%s.tmp", path(1));
    FILE *f = fopen(t, "w"); R r = NVML_ERROR_NO_PERMISSION;
    if (f) { for (int i = 0; i < S[1].n; i++) fprintf(f, "%s: %s\n", S[1].a[i].k, S[1].a[i].v);
             fclose(f); r = rename(t, path(1)) ? NVML_ERROR_UNKNOWN : OK; }
    S[1].loaded = 0;
    pthread_mutex_unlock(&L); close(fd);
    return r;
}
/* ---- handles are numbers, never pointers: kind<<24 | gpu<<16 | gi<<8 | ci ---- */
enum { DEV = 1, MIG, GI, CI, EVS };
#define H(kind, g, gi, ci) ((void *)(uintptr_t)(0x4e564d0000000000ull | (kind) << 24 | (g) << 16 | (gi) << 8 | (ci)))
#define KIND(h) ((uintptr_t)(h) >> 32 == 0x4e564d00 ? (int)((uintptr_t)(h) >> 24 & 255) : 0)
#define GPU(h) ((int)((uintptr_t)(h) >> 16 & 255))
#define GID(h) ((int)((uintptr_t)(h) >> 8 & 255))
#define CID(h) ((int)((uintptr_t)(h) & 255))
static int ngpu(void) { unsigned n = num(-1, "gpu_count", 0); return n > MAXGPU ? MAXGPU : n; }
static R fault(const char *fn, int g) {
    char k[160]; snprintf(k, sizeof k, "fault.%s", fn);
    unsigned r = num(g, k, 0);
    if (!r && g >= 0) r = num(-1, k, 0);
    if (!r && g >= 0) r = num(g, "fault", 0);
    if (r && dbg()) fprintf(stderr, "mock-nvml: %s(gpu %d) -> %u (fault)\n", fn, g, r);
    return r;
}
static R guard(const char *fn, void *h) {
    if (!inits) return NVML_ERROR_UNINITIALIZED;
    int k = KIND(h);
    if ((k != DEV && k != MIG) || GPU(h) >= ngpu()) return INVAL;
    return fault(fn, GPU(h));
}
#define G(d) do { R r_ = guard(__func__, (d).handle); if (r_) return r_; } while (0)
#define SYS() do { if (!inits) return NVML_ERROR_UNINITIALIZED; R r_ = fault(__func__, -1); if (r_) return r_; } while (0)
#define NOMIG(d) do { if (KIND((d).handle) == MIG) return NOSUP; } while (0)
static R str(const char *v, char *o, unsigned len) {
    if (!v) return NOSUP;
    if (!o) return INVAL;
    if (strlen(v) + 1 > len) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(o, v); return OK;
}
/* ---- init and system ---- */
/* A driver that does not come back: signals wait, as in the kernel. Only SIGKILL ends it here. */
static void hang(void) { sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL); for (;;) sleep(3600); }
static R init(const char *fn) {
    const char *v = loaded();
    if (!*v) return NVML_ERROR_DRIVER_NOT_LOADED;
    if (num(-1, "fault.hang", 0)) hang();
    R r = num(-1, "fault.init", 0); if (!r) r = fault(fn, -1);
    if (!r && *own() && strcmp(own(), v)) r = NVML_ERROR_LIB_RM_VERSION_MISMATCH;
    if (!r) __sync_fetch_and_add(&inits, 1);
    return r;
}
static unsigned cuda(void) { char k[32]; snprintf(k, sizeof k, "cuda.%.*s", (int)strcspn(loaded(), "."), loaded()); return num(-1, k, 12000); }
API R nvmlInit_v2(void) { return init(__func__); }
API R nvmlInit(void) { return init(__func__); }
API R nvmlInitWithFlags(unsigned f) { return init(__func__); }
API R nvmlShutdown(void) { if (!inits) return NVML_ERROR_UNINITIALIZED; __sync_fetch_and_sub(&inits, 1); return OK; }
API const char *nvmlErrorString(R r) {
    static const char *t[] = { "Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions", "Already Initialized",
        "Not Found", "Insufficient Size", "Insufficient External Power", "Driver Not Loaded", "Timeout", "Interrupt Request Issue", "NVML Shared Library Not Found",
        "Function Not Found", "Corrupted infoROM", "GPU is lost", "GPU requires reset", "The operating system has blocked the request.", "RM has detected an NVML/RM version mismatch.",
        "In use by another client", "Insufficient Memory", "No data", "The requested vgpu operation is not available on target device, because ECC is enabled", "Insufficient Resources",
        "Frequency not supported", "Argument version mismatch", "Deprecated", "Not ready", "No GPUs were found" };
    return r < sizeof t / sizeof *t ? t[r] : "Unknown Error";
}
API R nvmlSystemGetDriverVersion(char *o, unsigned n) { SYS(); return str(loaded(), o, n); }
API R nvmlSystemGetNVMLVersion(char *o, unsigned n) {
    SYS(); char b[96]; const char *v = cfg(-1, "nvml_version");
    if (!v) { snprintf(b, sizeof b, "%u.%s", cuda() / 1000, *own() ? own() : loaded()); v = b; }
    return str(v, o, n);
}
API R nvmlSystemGetCudaDriverVersion_v2(int *o) { SYS(); if (!o) return INVAL; *o = cuda(); return OK; }
API R nvmlSystemGetCudaDriverVersion(int *o) { return nvmlSystemGetCudaDriverVersion_v2(o); }
API R nvmlSystemGetProcessName(unsigned pid, char *o, unsigned n) {
    SYS(); char p[64], b[256] = ""; snprintf(p, sizeof p, "/proc/%u/cmdline", pid);
    FILE *f = fopen(p, "r"); if (!f) return NVML_ERROR_NOT_FOUND;
    if (!fgets(b, sizeof b, f)) b[0] = 0;
    fclose(f); if (n) { strncpy(o, b, n - 1); o[n - 1] = 0; } return OK;
}
API R nvmlUnitGetCount(unsigned *o) { SYS(); *o = 0; return OK; }
API R nvmlGetExcludedDeviceCount(unsigned *o) { SYS(); *o = 0; return OK; }
API R nvmlDeviceGetCount_v2(unsigned *o) { SYS(); if (!o) return INVAL; *o = ngpu(); return OK; }
API R nvmlDeviceGetCount(unsigned *o) { return nvmlDeviceGetCount_v2(o); }
/* ---- handles ---- */
static void busid(int g, char *o) { const char *v = cfg(g, "bus_id"); if (v) snprintf(o, 32, "%s", v); else snprintf(o, 32, "00000000:%02X:00.0", 0x10 + g * 8); }
static const char *uuid(int g, char *o) { const char *v = cfg(g, "uuid"); if (v) snprintf(o, 80, "%s", v); else snprintf(o, 80, "GPU-00000000-0000-4000-8000-%012d", g); return o; }
API R nvmlDeviceGetHandleByIndex_v2(unsigned i, nvmlDevice_t *d) {
    SYS(); if (!d || (int)i >= ngpu()) return INVAL;
    R r = fault(__func__, i); d->handle = H(DEV, i, 0, 0); return r;
}
API R nvmlDeviceGetHandleByIndex(unsigned i, nvmlDevice_t *d) { return nvmlDeviceGetHandleByIndex_v2(i, d); }
API R nvmlDeviceGetHandleByPciBusId_v2(const char *s, nvmlDevice_t *d) {
    SYS(); char b[32]; unsigned a[4], c[4];
    if (!s || sscanf(s, "%x:%x:%x.%x", a, a + 1, a + 2, a + 3) < 3) return INVAL;
    for (int i = 0; i < ngpu(); i++) { busid(i, b); sscanf(b, "%x:%x:%x.%x", c, c + 1, c + 2, c + 3);
        if (!memcmp(a, c, 3 * sizeof *a)) return nvmlDeviceGetHandleByIndex_v2(i, d); }
    return NVML_ERROR_NOT_FOUND;
}
API R nvmlDeviceGetHandleByPciBusId(const char *s, nvmlDevice_t *d) { return nvmlDeviceGetHandleByPciBusId_v2(s, d); }
/* ---- MIG model ----
 * all.mig.<profile enum>: "<id> <name> <slices> <count> <memMB> <SMs> <CE> <DEC> <ENC> <JPEG> <OFA> <p2p> <size> <start,start,...>"
 * state: gpuN.gi "id:enum:start ..."  gpuN.ci "gi:id:enum:start ..." */
typedef struct { unsigned e, id, sl, cnt, sm, ce, dec, enc, jpg, ofa, p2p, size, ns, st[16]; unsigned long long mem; char name[48]; } prof;
static int profile(int g, unsigned e, prof *p) {
    char k[32], s[128] = ""; snprintf(k, sizeof k, "mig.%u", e); const char *v = cfg(g, k);
    if (!v || sscanf(v, "%u %47s %u %u %llu %u %u %u %u %u %u %u %u %127s", &p->id, p->name, &p->sl, &p->cnt, &p->mem, &p->sm, &p->ce, &p->dec,
                     &p->enc, &p->jpg, &p->ofa, &p->p2p, &p->size, s) != 14) return 0;
    p->e = e; p->ns = 0;
    for (char *t = s; *t && p->ns < 16; t += *t == ',') p->st[p->ns++] = strtoul(t, &t, 10);
    return 1;
}
static int byid(int g, unsigned id, prof *p) { for (unsigned e = 0; e < 32; e++) if (profile(g, e, p) && p->id == id) return 1; return 0; }
typedef struct { unsigned id, e, start; } gi_t;
typedef struct { unsigned gi, id, e, start; } ci_t;
static int gis(int g, gi_t *o) { const char *v = cfg(g, "gi"); int n = 0, c; for (; v && n < 16 && sscanf(v, " %u:%u:%u%n", &o[n].id, &o[n].e, &o[n].start, &c) == 3; n++) v += c; return n; }
static int cis(int g, ci_t *o) { const char *v = cfg(g, "ci"); int n = 0, c; for (; v && n < 64 && sscanf(v, " %u:%u:%u:%u%n", &o[n].gi, &o[n].id, &o[n].e, &o[n].start, &c) == 4; n++) v += c; return n; }
static R savegi(int g, gi_t *a, int n) { char b[512] = "-", *p = b; for (int i = 0; i < n; i++) p += sprintf(p, "%u:%u:%u ", a[i].id, a[i].e, a[i].start); return setkey(g, "gi", b); }
static R saveci(int g, ci_t *a, int n) { char b[1024] = "-", *p = b; for (int i = 0; i < n; i++) p += sprintf(p, "%u:%u:%u:%u ", a[i].gi, a[i].id, a[i].e, a[i].start); return setkey(g, "ci", b); }
static int migcap(int g) { prof p; for (unsigned e = 0; e < 32; e++) if (profile(g, e, &p)) return 1; return 0; }
static int migon(int g) { return migcap(g) && num(g, "mig_mode", 0); }
#define ROOT() do { if (geteuid()) return NVML_ERROR_NO_PERMISSION; } while (0)
API R nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned *c, unsigned *p) {
    G(d); int g = GPU(d.handle); if (!migcap(g)) return NOSUP;
    *c = num(g, "mig_mode", 0); *p = num(g, "mig_pending", *c); return OK;
}
API R nvmlDeviceSetMigMode(nvmlDevice_t d, unsigned m, R *act) {
    G(d); int g = GPU(d.handle); if (!migcap(g)) return NOSUP; ROOT();
    gi_t a[16]; if (!m && gis(g, a)) { if (act) *act = NVML_ERROR_IN_USE; return NVML_ERROR_IN_USE; }
    char b[8]; snprintf(b, sizeof b, "%u", !!m);
    R r = setkey(g, "mig_pending", b), x = num(g, "fault.mig_activation", 0);   /* e.g. 19: stays pending */
    if (!r && !x) r = setkey(g, "mig_mode", b);
    if (act) *act = x; return r;
}
API R nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned *o) { G(d); *o = migcap(GPU(d.handle)) ? 7 : 0; return OK; }
static R gpi(int g, unsigned e, void *o, int ver) {
    prof p; if (e >= NVML_GPU_INSTANCE_PROFILE_COUNT) return INVAL;
    if (!profile(g, e, &p)) return NOSUP;
    char nm[64]; snprintf(nm, sizeof nm, "MIG %s", p.name);
#define FILL(x) x->id = p.id; x->sliceCount = p.sl; x->instanceCount = p.cnt; x->multiprocessorCount = p.sm; x->copyEngineCount = p.ce; \
    x->decoderCount = p.dec; x->encoderCount = p.enc; x->jpegCount = p.jpg; x->ofaCount = p.ofa; x->memorySizeMB = p.mem
    if (ver == 1) { nvmlGpuInstanceProfileInfo_t *x = o; FILL(x); x->isP2pSupported = p.p2p; }
    else if (ver == 2) { nvmlGpuInstanceProfileInfo_v2_t *x = o; FILL(x); x->isP2pSupported = p.p2p; strcpy(x->name, nm); }
    else { nvmlGpuInstanceProfileInfo_v3_t *x = o; FILL(x); x->capabilities = p.p2p; strcpy(x->name, nm); }
    return OK;
}
API R nvmlDeviceGetGpuInstanceProfileInfo(nvmlDevice_t d, unsigned e, nvmlGpuInstanceProfileInfo_t *o) { G(d); NOMIG(d); return gpi(GPU(d.handle), e, o, 1); }
API R nvmlDeviceGetGpuInstanceProfileInfoV(nvmlDevice_t d, unsigned e, nvmlGpuInstanceProfileInfo_v2_t *o) {
    G(d); NOMIG(d);
    if (o->version == nvmlGpuInstanceProfileInfo_v2) return gpi(GPU(d.handle), e, o, 2);
    return o->version == nvmlGpuInstanceProfileInfo_v3 ? gpi(GPU(d.handle), e, o, 3) : NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}
API R nvmlDeviceGetGpuInstanceProfileInfoByIdV(nvmlDevice_t d, unsigned id, nvmlGpuInstanceProfileInfo_v2_t *o) {
    G(d); prof p; return byid(GPU(d.handle), id, &p) ? nvmlDeviceGetGpuInstanceProfileInfoV(d, p.e, o) : INVAL;
}
API R nvmlDeviceGetGpuInstancePossiblePlacements_v2(nvmlDevice_t d, unsigned id, nvmlGpuInstancePlacement_t *pl, unsigned *n) {
    G(d); prof p; if (!byid(GPU(d.handle), id, &p)) return INVAL;
    if (pl) { if (*n < p.ns) return NVML_ERROR_INSUFFICIENT_SIZE; for (unsigned i = 0; i < p.ns; i++) pl[i] = (nvmlGpuInstancePlacement_t){ p.st[i], p.size }; }
    *n = p.ns; return OK;
}
API R nvmlDeviceGetGpuInstancePossiblePlacements(nvmlDevice_t d, unsigned id, nvmlGpuInstancePlacement_t *pl, unsigned *n) { return nvmlDeviceGetGpuInstancePossiblePlacements_v2(d, id, pl, n); }
static int fits(int g, prof *p, unsigned start, gi_t *a, int n) {   /* memory slots free, compute slices left, one +me */
    unsigned used = p->sl, total = 0, me = strstr(p->name, "+me") != NULL; prof q, w;
    for (unsigned e = 0; e < 32; e++) if (profile(g, e, &w) && w.sl > total) total = w.sl;
    for (int i = 0; i < n; i++) if (profile(g, a[i].e, &q)) {
        if (start < a[i].start + q.size && a[i].start < start + p->size) return 0;
        used += q.sl; if (me && strstr(q.name, "+me")) return 0;
    }
    return used <= total;
}
API R nvmlDeviceGetGpuInstanceRemainingCapacity(nvmlDevice_t d, unsigned id, unsigned *c) {
    G(d); int g = GPU(d.handle); prof p; gi_t a[16]; if (!migon(g)) return NOSUP; if (!byid(g, id, &p)) return INVAL;
    int n = gis(g, a); *c = 0;
    for (unsigned i = 0; i < p.ns && n < 16 && *c < p.cnt; i++) if (fits(g, &p, p.st[i], a, n)) { a[n++] = (gi_t){ 99, p.e, p.st[i] }; ++*c; }
    return OK;
}
static R creategi(nvmlDevice_t d, unsigned id, const nvmlGpuInstancePlacement_t *pl, nvmlGpuInstance_t *o) {
    int g = GPU(d.handle); prof p; gi_t a[16]; ROOT(); if (!migon(g)) return NOSUP; if (!byid(g, id, &p)) return INVAL;
    int n = gis(g, a); if (n >= 15) return NVML_ERROR_INSUFFICIENT_RESOURCES;
    for (int i = p.ns - 1; i >= 0; i--) if ((!pl || pl->start == p.st[i]) && fits(g, &p, p.st[i], a, n)) {
        unsigned nid = p.sl >= 7 ? 0 : p.sl >= 3 ? 1 : p.sl == 2 ? 3 : 7;   /* first ids as the driver hands them out */
        for (int j = 0; j < n; j++) if (a[j].id == nid) { nid++; j = -1; }
        a[n++] = (gi_t){ nid, p.e, p.st[i] }; if (o) o->handle = H(GI, g, nid, 0);
        return savegi(g, a, n);
    }
    return NVML_ERROR_INSUFFICIENT_RESOURCES;
}
API R nvmlDeviceCreateGpuInstance(nvmlDevice_t d, unsigned id, nvmlGpuInstance_t *o) { G(d); return creategi(d, id, NULL, o); }
API R nvmlDeviceCreateGpuInstanceWithPlacement(nvmlDevice_t d, unsigned id, const nvmlGpuInstancePlacement_t *pl, nvmlGpuInstance_t *o) { G(d); return creategi(d, id, pl, o); }
API R nvmlDeviceGetGpuInstances(nvmlDevice_t d, unsigned id, nvmlGpuInstance_t *o, unsigned *n) {
    G(d); int g = GPU(d.handle); prof p; gi_t a[16]; if (!migon(g)) return NOSUP; if (!byid(g, id, &p)) return INVAL;
    int m = gis(g, a); *n = 0; for (int i = 0; i < m; i++) if (a[i].e == p.e) o[(*n)++].handle = H(GI, g, a[i].id, 0);
    return OK;
}
API R nvmlDeviceGetGpuInstanceById(nvmlDevice_t d, unsigned id, nvmlGpuInstance_t *o) {
    G(d); int g = GPU(d.handle); gi_t a[16]; if (!migon(g)) return NOSUP;
    for (int i = gis(g, a); i--; ) if (a[i].id == id) { o->handle = H(GI, g, id, 0); return OK; }
    return NVML_ERROR_NOT_FOUND;
}
static int getgi(void *h, gi_t *o, prof *p) { gi_t a[16]; int k = KIND(h); if (k != GI && k != MIG && k != CI) return 0; for (int i = gis(GPU(h), a); i--; ) if ((int)a[i].id == GID(h)) { *o = a[i]; return profile(GPU(h), a[i].e, p); } return 0; }
API R nvmlGpuInstanceGetInfo(nvmlGpuInstance_t h, nvmlGpuInstanceInfo_t *o) {
    gi_t a; prof p; if (!getgi(h.handle, &a, &p)) return INVAL;
    o->device.handle = H(DEV, GPU(h.handle), 0, 0); o->id = a.id; o->profileId = p.id; o->placement = (nvmlGpuInstancePlacement_t){ a.start, p.size }; return OK;
}
API R nvmlGpuInstanceDestroy(nvmlGpuInstance_t h) {
    gi_t a[16]; ci_t c[64]; int g = GPU(h.handle), n = gis(g, a), m = 0; ROOT(); R f = fault(__func__, g); if (f) return f;
    for (int i = cis(g, c); i--; ) if ((int)c[i].gi == GID(h.handle)) return NVML_ERROR_IN_USE;
    for (int i = 0; i < n; i++) if ((int)a[i].id != GID(h.handle)) a[m++] = a[i];
    return m == n ? NVML_ERROR_NOT_FOUND : savegi(g, a, m);
}
/* compute instances: profile enum 0..4 = 1,2,3,4,7 slices, profile id = enum */
static const unsigned CSL[] = { 1, 2, 3, 4, 7 };
static int ciprof(prof *p, unsigned e) { return e < 5 && CSL[e] <= p->sl && (CSL[e] < 4 || CSL[e] == p->sl); }
static R cpi(void *h, unsigned e, void *o, int ver) {
    gi_t a; prof p; if (!getgi(h, &a, &p)) return INVAL; if (e >= NVML_COMPUTE_INSTANCE_PROFILE_COUNT) return INVAL; if (!ciprof(&p, e)) return NOSUP;
    char nm[64]; if (CSL[e] == p.sl) snprintf(nm, sizeof nm, "MIG %s", p.name); else snprintf(nm, sizeof nm, "MIG %uc.%s", CSL[e], p.name);
#define CFILL(x) x->id = e; x->sliceCount = CSL[e]; x->instanceCount = p.sl / CSL[e]; x->multiprocessorCount = p.sm / p.sl * CSL[e]; x->sharedCopyEngineCount = p.ce; \
    x->sharedDecoderCount = p.dec; x->sharedEncoderCount = p.enc; x->sharedJpegCount = p.jpg; x->sharedOfaCount = p.ofa
    if (ver == 1) { nvmlComputeInstanceProfileInfo_t *x = o; CFILL(x); }
    else if (ver == 2) { nvmlComputeInstanceProfileInfo_v2_t *x = o; CFILL(x); strcpy(x->name, nm); }
    else { nvmlComputeInstanceProfileInfo_v3_t *x = o; CFILL(x); strcpy(x->name, nm); x->capabilities = 0; }
    return OK;
}
API R nvmlGpuInstanceGetComputeInstanceProfileInfo(nvmlGpuInstance_t h, unsigned e, unsigned x, nvmlComputeInstanceProfileInfo_t *o) { return cpi(h.handle, e, o, 1); }
API R nvmlGpuInstanceGetComputeInstanceProfileInfoV(nvmlGpuInstance_t h, unsigned e, unsigned x, nvmlComputeInstanceProfileInfo_v2_t *o) {
    if (o->version == nvmlComputeInstanceProfileInfo_v2) return cpi(h.handle, e, o, 2);
    return o->version == nvmlComputeInstanceProfileInfo_v3 ? cpi(h.handle, e, o, 3) : NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}
static unsigned cislots(int g, unsigned gi) { ci_t c[64]; unsigned m = 0; for (int i = cis(g, c); i--; ) if (c[i].gi == gi) m |= ((1u << CSL[c[i].e]) - 1) << c[i].start; return m; }
static R createci(void *h, unsigned e, const nvmlComputeInstancePlacement_t *pl, nvmlComputeInstance_t *o) {
    gi_t a; prof p; ci_t c[64]; int g = GPU(h); ROOT(); if (!getgi(h, &a, &p) || !ciprof(&p, e)) return INVAL;
    R f = fault("nvmlGpuInstanceCreateComputeInstance", g); if (f) return f;
    unsigned used = cislots(g, a.id), w = (1u << CSL[e]) - 1; int n = cis(g, c); if (n >= 60) return NVML_ERROR_INSUFFICIENT_RESOURCES;
    for (unsigned s = 0; s + CSL[e] <= p.sl; s++) if ((!pl || pl->start == s) && !(used & w << s)) {
        unsigned id = 0; for (int i = 0; i < n; i++) if (c[i].gi == a.id && c[i].id == id) { id++; i = -1; }
        c[n++] = (ci_t){ a.id, id, e, s }; if (o) o->handle = H(CI, g, a.id, id); return saveci(g, c, n);
    }
    return NVML_ERROR_INSUFFICIENT_RESOURCES;
}
API R nvmlGpuInstanceCreateComputeInstance(nvmlGpuInstance_t h, unsigned e, nvmlComputeInstance_t *o) { return createci(h.handle, e, NULL, o); }
API R nvmlGpuInstanceCreateComputeInstanceWithPlacement(nvmlGpuInstance_t h, unsigned e, const nvmlComputeInstancePlacement_t *pl, nvmlComputeInstance_t *o) { return createci(h.handle, e, pl, o); }
API R nvmlGpuInstanceGetComputeInstanceRemainingCapacity(nvmlGpuInstance_t h, unsigned e, unsigned *n) {
    gi_t a; prof p; if (!getgi(h.handle, &a, &p) || !ciprof(&p, e)) return INVAL;
    unsigned used = cislots(GPU(h.handle), a.id), w = (1u << CSL[e]) - 1; *n = 0;
    for (unsigned s = 0; s + CSL[e] <= p.sl; s++) if (!(used & w << s)) { used |= w << s; ++*n; }
    return OK;
}
API R nvmlGpuInstanceGetComputeInstancePossiblePlacements(nvmlGpuInstance_t h, unsigned e, nvmlComputeInstancePlacement_t *pl, unsigned *n) {
    gi_t a; prof p; if (!getgi(h.handle, &a, &p) || !ciprof(&p, e)) return INVAL;
    unsigned k = 0; for (unsigned s = 0; s + CSL[e] <= p.sl; s += CSL[e], k++) if (pl && k < *n) pl[k] = (nvmlComputeInstancePlacement_t){ s, CSL[e] };
    *n = k; return OK;
}
API R nvmlGpuInstanceGetComputeInstances(nvmlGpuInstance_t h, unsigned e, nvmlComputeInstance_t *o, unsigned *n) {
    ci_t c[64]; int m = cis(GPU(h.handle), c); *n = 0;
    for (int i = 0; i < m; i++) if ((int)c[i].gi == GID(h.handle) && c[i].e == e) o[(*n)++].handle = H(CI, GPU(h.handle), c[i].gi, c[i].id);
    return OK;
}
static int getci(void *h, ci_t *o) { ci_t c[64]; for (int i = cis(GPU(h), c); i--; ) if ((int)c[i].gi == GID(h) && (int)c[i].id == CID(h)) { *o = c[i]; return 1; } return 0; }
API R nvmlGpuInstanceGetComputeInstanceById(nvmlGpuInstance_t h, unsigned id, nvmlComputeInstance_t *o) { ci_t c; void *x = H(CI, GPU(h.handle), GID(h.handle), id); if (!getci(x, &c)) return NVML_ERROR_NOT_FOUND; o->handle = x; return OK; }
API R nvmlComputeInstanceGetInfo_v2(nvmlComputeInstance_t h, nvmlComputeInstanceInfo_t *o) {
    ci_t c; if (!getci(h.handle, &c)) return INVAL;
    o->device.handle = H(DEV, GPU(h.handle), 0, 0); o->gpuInstance.handle = H(GI, GPU(h.handle), c.gi, 0); o->id = c.id; o->profileId = c.e;
    o->placement = (nvmlComputeInstancePlacement_t){ c.start, CSL[c.e] }; return OK;
}
API R nvmlComputeInstanceGetInfo(nvmlComputeInstance_t h, nvmlComputeInstanceInfo_t *o) { return nvmlComputeInstanceGetInfo_v2(h, o); }
API R nvmlComputeInstanceDestroy(nvmlComputeInstance_t h) {
    ci_t c[64]; int g = GPU(h.handle), n = cis(g, c), m = 0; ROOT(); R f = fault(__func__, g); if (f) return f;
    for (int i = 0; i < n; i++) if ((int)c[i].gi != GID(h.handle) || (int)c[i].id != CID(h.handle)) c[m++] = c[i];
    return m == n ? NVML_ERROR_NOT_FOUND : saveci(g, c, m);
}
API R nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned i, nvmlDevice_t *o) {
    G(d); ci_t c[64]; int g = GPU(d.handle); if (!migon(g)) return NVML_ERROR_NOT_FOUND;
    if ((int)i >= cis(g, c)) return NVML_ERROR_NOT_FOUND;
    o->handle = H(MIG, g, c[i].gi, c[i].id); return OK;
}
API R nvmlDeviceIsMigDeviceHandle(nvmlDevice_t d, unsigned *o) { *o = KIND(d.handle) == MIG; return OK; }
API R nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t d, nvmlDevice_t *o) { G(d); o->handle = H(DEV, GPU(d.handle), 0, 0); return OK; }
API R nvmlDeviceGetGpuInstanceId(nvmlDevice_t d, unsigned *o) { G(d); if (KIND(d.handle) != MIG) return NOSUP; *o = GID(d.handle); return OK; }
API R nvmlDeviceGetComputeInstanceId(nvmlDevice_t d, unsigned *o) { G(d); if (KIND(d.handle) != MIG) return NOSUP; *o = CID(d.handle); return OK; }
static int migparts(void *h, gi_t *a, prof *p, ci_t *c) { return getgi(h, a, p) && getci(h, c); }
API R nvmlDeviceGetAttributes_v2(nvmlDevice_t d, nvmlDeviceAttributes_t *o) {
    G(d); gi_t a; prof p; ci_t c; if (KIND(d.handle) != MIG || !migparts(d.handle, &a, &p, &c)) return NOSUP;
    *o = (nvmlDeviceAttributes_t){ p.sm / p.sl * CSL[c.e], p.ce, p.dec, p.enc, p.jpg, p.ofa, p.sl, CSL[c.e], p.mem }; return OK;
}
API R nvmlDeviceGetAttributes(nvmlDevice_t d, nvmlDeviceAttributes_t *o) { return nvmlDeviceGetAttributes_v2(d, o); }
/* ---- identity ---- */
API R nvmlDeviceGetName(nvmlDevice_t d, char *o, unsigned n) {
    G(d); const char *v = cfg(GPU(d.handle), "name"); char b[128]; gi_t a; prof p; ci_t c;
    if (KIND(d.handle) == MIG && v && migparts(d.handle, &a, &p, &c)) {
        if (CSL[c.e] == p.sl) snprintf(b, sizeof b, "%s MIG %s", v, p.name); else snprintf(b, sizeof b, "%s MIG %uc.%s", v, CSL[c.e], p.name);
        v = b;
    }
    return str(v, o, n);
}
static void anyuuid(void *h, char *b) {
    uuid(GPU(h), b);
    if (KIND(h) == MIG) { uint32_t x = 2166136261u; for (char *s = b; *s; s++) x = (x ^ *s) * 16777619u;
        snprintf(b, 80, "MIG-%08x-%04x-5000-8000-%012x", x, GPU(h), GID(h) << 8 | CID(h)); }
}
API R nvmlDeviceGetUUID(nvmlDevice_t d, char *o, unsigned n) { G(d); char b[80]; anyuuid(d.handle, b); return str(b, o, n); }
API R nvmlDeviceGetHandleByUUID(const char *s, nvmlDevice_t *d) {
    SYS(); char b[80]; ci_t c[64];
    for (int g = 0; g < ngpu(); g++) {
        if (!strcmp(uuid(g, b), s)) return nvmlDeviceGetHandleByIndex_v2(g, d);
        for (int i = migon(g) ? cis(g, c) : 0; i--; ) { void *h = H(MIG, g, c[i].gi, c[i].id); anyuuid(h, b); if (!strcmp(b, s)) { d->handle = h; return OK; } }
    }
    return NVML_ERROR_NOT_FOUND;
}
API R nvmlDeviceGetIndex(nvmlDevice_t d, unsigned *o) {
    G(d); ci_t c[64]; int g = GPU(d.handle); *o = g;
    if (KIND(d.handle) == MIG) for (int i = cis(g, c); i--; ) if ((int)c[i].gi == GID(d.handle) && (int)c[i].id == CID(d.handle)) *o = i;
    return OK;
}
API R nvmlDeviceGetMinorNumber(nvmlDevice_t d, unsigned *o) { G(d); *o = num(GPU(d.handle), "minor", GPU(d.handle)); return OK; }
API R nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *o) {
    G(d); int g = GPU(d.handle); char b[32]; unsigned a[4] = { 0 }; busid(g, b); sscanf(b, "%x:%x:%x.%x", a, a + 1, a + 2, a + 3);
    memset(o, 0, sizeof *o); snprintf(o->busId, sizeof o->busId, "%08X:%02X:%02X.0", a[0], a[1], a[2]); snprintf(o->busIdLegacy, sizeof o->busIdLegacy, "%04X:%02X:%02X.0", a[0], a[1], a[2]);
    o->domain = a[0]; o->bus = a[1]; o->device = a[2]; o->pciDeviceId = num(g, "pci_device_id", 0x233010DE); o->pciSubSystemId = num(g, "pci_subsystem_id", 0x16C110DE); return OK;
}
API R nvmlDeviceGetPciInfo_v2(nvmlDevice_t d, nvmlPciInfo_t *o) { return nvmlDeviceGetPciInfo_v3(d, o); }
API R nvmlDeviceGetPciInfo(nvmlDevice_t d, nvmlPciInfo_t *o) { return nvmlDeviceGetPciInfo_v3(d, o); }
API R nvmlDeviceGetPciInfoExt(nvmlDevice_t d, nvmlPciInfoExt_t *o) {
    nvmlPciInfo_t p; R r = nvmlDeviceGetPciInfo_v3(d, &p); if (r) return r;
    o->domain = p.domain; o->bus = p.bus; o->device = p.device; o->pciDeviceId = p.pciDeviceId; o->pciSubSystemId = p.pciSubSystemId; o->baseClass = 3; o->subClass = 2;
    memcpy(o->busId, p.busId, sizeof p.busId); return OK;
}
/* ---- plain getters: value of the key, or Not Supported when the key is absent ---- */
#define STR(fn, key) API R fn(nvmlDevice_t d, char *o, unsigned n) { G(d); NOMIG(d); return str(cfg(GPU(d.handle), key), o, n); }
STR(nvmlDeviceGetSerial, "serial") STR(nvmlDeviceGetVbiosVersion, "vbios_version") STR(nvmlDeviceGetBoardPartNumber, "board_part_number") STR(nvmlDeviceGetInforomImageVersion, "inforom_image")
API R nvmlDeviceGetInforomVersion(nvmlDevice_t d, nvmlInforomObject_t k, char *o, unsigned n) { G(d); char b[32]; snprintf(b, sizeof b, "inforom.%d", k); return str(cfg(GPU(d.handle), b), o, n); }
API R nvmlDeviceGetGspFirmwareVersion(nvmlDevice_t d, char *o) { G(d); const char *v = cfg(GPU(d.handle), "gsp_version"); return str(v ? v : loaded(), o, 64); }
API R nvmlDeviceGetGspFirmwareMode(nvmlDevice_t d, unsigned *e, unsigned *f) { G(d); *e = *f = num(GPU(d.handle), "gsp_enabled", 1); return OK; }
#define VAL(fn, type, key) API R fn(nvmlDevice_t d, type *o) { G(d); const char *v = cfg(GPU(d.handle), key); if (!v) return NOSUP; if (!o) return INVAL; *o = strtoull(v, 0, 0); return OK; }
#define U(fn, key) VAL(fn, unsigned, key)
U(nvmlDeviceGetPowerUsage, "power_mw") U(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw") U(nvmlDeviceGetPowerManagementLimit, "power_limit_mw")
U(nvmlDeviceGetPowerManagementDefaultLimit, "power_default_limit_mw") U(nvmlDeviceGetFanSpeed, "fan_percent") U(nvmlDeviceGetBoardId, "board_id") U(nvmlDeviceGetMultiGpuBoard, "multi_gpu_board")
U(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_gen_max") U(nvmlDeviceGetGpuMaxPcieLinkGeneration, "pcie_gen_max") U(nvmlDeviceGetMaxPcieLinkWidth, "pcie_width_max")
U(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_gen") U(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width") U(nvmlDeviceGetPcieReplayCounter, "pcie_replay") U(nvmlDeviceGetModuleId, "module_id")
U(nvmlDeviceGetNumaNodeId, "numa_node") U(nvmlDeviceGetArchitecture, "architecture") U(nvmlDeviceGetNumGpuCores, "cores") U(nvmlDeviceGetMemoryBusWidth, "memory_bus_width") U(nvmlDeviceGetIrqNum, "irq")
VAL(nvmlDeviceGetBrand, nvmlBrandType_t, "brand") VAL(nvmlDeviceGetDisplayMode, nvmlEnableState_t, "display_mode")
VAL(nvmlDeviceGetDisplayActive, nvmlEnableState_t, "display_active") VAL(nvmlDeviceGetComputeMode, nvmlComputeMode_t, "compute_mode") VAL(nvmlDeviceGetPerformanceState, nvmlPstates_t, "pstate")
VAL(nvmlDeviceGetPowerState, nvmlPstates_t, "pstate") VAL(nvmlDeviceGetPowerManagementMode, nvmlEnableState_t, "power_management") VAL(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, "throttle_reasons")
VAL(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long, "throttle_reasons") VAL(nvmlDeviceGetSupportedClocksThrottleReasons, unsigned long long, "throttle_supported")
VAL(nvmlDeviceGetSupportedClocksEventReasons, unsigned long long, "throttle_supported") VAL(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, "energy_mj")
VAL(nvmlDeviceGetVirtualizationMode, nvmlGpuVirtualizationMode_t, "virtualization") VAL(nvmlDeviceGetRetiredPagesPendingStatus, nvmlEnableState_t, "retired_pending") VAL(nvmlDeviceGetBusType, nvmlBusType_t, "bus_type")
API R nvmlDeviceGetPersistenceMode(nvmlDevice_t d, nvmlEnableState_t *o) {
    G(d); char b[32], p[96]; if (!cfg(GPU(d.handle), "persistence")) return NOSUP; if (!o) return INVAL;
    busid(GPU(d.handle), b); snprintf(p, sizeof p, "/run/nvidia-persistenced/held-%s", b);   /* mock_cfg.c */
    *o = num(GPU(d.handle), "persistence", 0) || !access(p, F_OK); return OK;
}
API R nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t d, unsigned *a, unsigned *b) { G(d); int g = GPU(d.handle); if (!cfg(g, "power_max_limit_mw")) return NOSUP; *a = num(g, "power_min_limit_mw", 0); *b = num(g, "power_max_limit_mw", 0); return OK; }
API R nvmlDeviceGetCudaComputeCapability(nvmlDevice_t d, int *a, int *b) { G(d); const char *v = cfg(GPU(d.handle), "compute_capability"); return v && sscanf(v, "%d.%d", a, b) == 2 ? OK : NOSUP; }
API R nvmlDeviceGetEccMode(nvmlDevice_t d, nvmlEnableState_t *c, nvmlEnableState_t *p) { G(d); int g = GPU(d.handle); if (!cfg(g, "ecc")) return NOSUP; *c = num(g, "ecc", 1); *p = num(g, "ecc_pending", *c); return OK; }
static void mem(nvmlDevice_t d, unsigned long long *t, unsigned long long *r, unsigned long long *u) {
    int g = GPU(d.handle); gi_t a; prof p; *t = num(g, "memory_mib", 0) << 20; *r = num(g, "memory_reserved_mib", 0) << 20; *u = num(g, "memory_used_mib", 0) << 20;
    if (KIND(d.handle) == MIG && getgi(d.handle, &a, &p)) { *t = p.mem << 20; *r = 0; }
}
API R nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *o) { G(d); unsigned long long r; mem(d, &o->total, &r, &o->used); o->used += r; o->free = o->total - o->used; return OK; }
API R nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, nvmlMemory_v2_t *o) { G(d); mem(d, &o->total, &o->reserved, &o->used); o->free = o->total - o->used - o->reserved; return OK; }
API R nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t d, nvmlBAR1Memory_t *o) { G(d); int g = GPU(d.handle); if (!cfg(g, "bar1_mib")) return NOSUP; o->bar1Total = num(g, "bar1_mib", 0) << 20; o->bar1Used = num(g, "bar1_used_mib", 1) << 20; o->bar1Free = o->bar1Total - o->bar1Used; return OK; }
API R nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *o) { G(d); NOMIG(d); if (migon(GPU(d.handle))) return NOSUP; o->gpu = num(GPU(d.handle), "util_gpu", 0); o->memory = num(GPU(d.handle), "util_memory", 0); return OK; }
#define UTIL(fn) API R fn(nvmlDevice_t d, unsigned *u, unsigned *s) { G(d); *u = 0; *s = 167000; return OK; }
UTIL(nvmlDeviceGetEncoderUtilization) UTIL(nvmlDeviceGetDecoderUtilization) UTIL(nvmlDeviceGetJpgUtilization) UTIL(nvmlDeviceGetOfaUtilization)
API R nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned *o) { G(d); NOMIG(d); if (s) return INVAL; const char *v = cfg(GPU(d.handle), "temperature_c"); if (!v) return NOSUP; *o = atoi(v); return OK; }
API R nvmlDeviceGetTemperatureV(nvmlDevice_t d, nvmlTemperature_t *o) { unsigned t; R r = nvmlDeviceGetTemperature(d, o->sensorType, &t); if (!r) o->temperature = t; return r; }
API R nvmlDeviceGetTemperatureThreshold(nvmlDevice_t d, nvmlTemperatureThresholds_t t, unsigned *o) { G(d); char b[32]; snprintf(b, sizeof b, "temp_threshold.%d", t); const char *v = cfg(GPU(d.handle), b); if (!v) return NOSUP; *o = atoi(v); return OK; }
static R clk(nvmlDevice_t d, const char *k, int t, unsigned *o) { char b[32]; snprintf(b, sizeof b, "%s.%d", k, t); const char *v = cfg(GPU(d.handle), b); if (!v) return NOSUP; *o = atoi(v); return OK; }
#define CLK(fn, k) API R fn(nvmlDevice_t d, nvmlClockType_t t, unsigned *o) { G(d); NOMIG(d); return clk(d, k, t, o); }
CLK(nvmlDeviceGetClockInfo, "clock") CLK(nvmlDeviceGetMaxClockInfo, "clock_max") CLK(nvmlDeviceGetApplicationsClock, "clock_app") CLK(nvmlDeviceGetDefaultApplicationsClock, "clock_app") CLK(nvmlDeviceGetMaxCustomerBoostClock, "clock_max")
API R nvmlDeviceGetClock(nvmlDevice_t d, nvmlClockType_t t, nvmlClockId_t id, unsigned *o) { G(d); return clk(d, id == NVML_CLOCK_ID_CURRENT ? "clock" : id == NVML_CLOCK_ID_CUSTOMER_BOOST_MAX ? "clock_max" : "clock_app", t, o); }
API R nvmlDeviceGetPcieThroughput(nvmlDevice_t d, nvmlPcieUtilCounter_t c, unsigned *o) { G(d); *o = 0; return OK; }
/* ---- health ---- */
API R nvmlDeviceGetTotalEccErrors(nvmlDevice_t d, nvmlMemoryErrorType_t t, nvmlEccCounterType_t c, unsigned long long *o) {
    G(d); int g = GPU(d.handle); if (!num(g, "ecc", 0)) return NOSUP; char b[40]; snprintf(b, sizeof b, "ecc.%s.%s", t ? "uncorrected" : "corrected", c ? "aggregate" : "volatile"); *o = num(g, b, 0); return OK;
}
API R nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t d, nvmlMemoryErrorType_t t, nvmlEccCounterType_t c, nvmlMemoryLocation_t l, unsigned long long *o) {
    G(d); int g = GPU(d.handle); if (!num(g, "ecc", 0)) return NOSUP; if (l != NVML_MEMORY_LOCATION_DRAM && l != NVML_MEMORY_LOCATION_SRAM) return NOSUP;
    if (l == NVML_MEMORY_LOCATION_SRAM) { *o = 0; return OK; }
    char b[40]; snprintf(b, sizeof b, "ecc.%s.%s", t ? "uncorrected" : "corrected", c ? "aggregate" : "volatile"); *o = num(g, b, 0); return OK;
}
API R nvmlDeviceGetRemappedRows(nvmlDevice_t d, unsigned *c, unsigned *u, unsigned *p, unsigned *f) { G(d); int g = GPU(d.handle); if (!cfg(g, "remap.uncorrected")) return NOSUP; *c = num(g, "remap.corrected", 0); *u = num(g, "remap.uncorrected", 0); *p = num(g, "remap.pending", 0); *f = num(g, "remap.failed", 0); return OK; }
API R nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t d, nvmlRowRemapperHistogramValues_t *o) { G(d); const char *v = cfg(GPU(d.handle), "remap.histogram"); return v && sscanf(v, "%u %u %u %u %u", &o->max, &o->high, &o->partial, &o->low, &o->none) == 5 ? OK : NOSUP; }
API R nvmlDeviceGetViolationStatus(nvmlDevice_t d, nvmlPerfPolicyType_t t, nvmlViolationTime_t *o) { G(d); memset(o, 0, sizeof *o); return OK; }
static const struct { unsigned id; const char *key; } FK[] = { { 185, "power_mw" }, { 186, "power_mw" }, { 187, "power_min_limit_mw" }, { 188, "power_max_limit_mw" }, { 189, "power_default_limit_mw" },
    { 190, "power_limit_mw" }, { 192, "power_limit_mw" }, { 91, "nvlinks" }, { 147, "nvlink_switch" }, { 142, "remap.corrected" }, { 143, "remap.uncorrected" }, { 144, "remap.pending" }, { 145, "remap.failed" },
    { 226, "reset_required" }, { 227, "drain_recommended" }, { 164, "nvlink_mbps" }, { 84, "nvlink_mbps" } };
API R nvmlDeviceGetFieldValues(nvmlDevice_t d, int n, nvmlFieldValue_t *v) {
    G(d);
    for (int i = 0; i < n; i++) {
        char b[32]; snprintf(b, sizeof b, "field.%u", v[i].fieldId); const char *s = cfg(GPU(d.handle), b);
        for (unsigned j = 0; !s && !v[i].scopeId && j < sizeof FK / sizeof *FK; j++) if (FK[j].id == v[i].fieldId) s = cfg(GPU(d.handle), FK[j].key);
        v[i].timestamp = 0; v[i].latencyUsec = 0; v[i].nvmlReturn = s ? OK : NOSUP;
        if (!s && v[i].fieldId >= 164 && v[i].fieldId <= 166 && v[i].scopeId < num(GPU(d.handle), "nvlinks", 0)) {   /* per link: speed, state, version */
            snprintf(b, sizeof b, "nvlink_down.%u", v[i].scopeId); unsigned down = num(GPU(d.handle), b, 0);
            v[i].nvmlReturn = OK; v[i].valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
            v[i].value.uiVal = v[i].fieldId == 165 ? !down : v[i].fieldId == 166 ? num(GPU(d.handle), "nvlink_version", 4) : down ? 0 : num(GPU(d.handle), "nvlink_mbps", 0);
        } else if (s) { v[i].valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG; v[i].value.ullVal = strtoull(s, 0, 0); }
        else if (dbg()) fprintf(stderr, "mock-nvml: field %u scope %u of gpu %d unknown\n", v[i].fieldId, v[i].scopeId, GPU(d.handle));
    }
    return OK;
}
#define PROC(fn, type) API R fn(nvmlDevice_t d, unsigned *n, type *o) { G(d); *n = 0; return OK; }
#define P2 nvmlProcessInfo_t
#define P1 nvmlProcessInfo_v1_t
PROC(nvmlDeviceGetComputeRunningProcesses_v3, P2) PROC(nvmlDeviceGetGraphicsRunningProcesses_v3, P2) PROC(nvmlDeviceGetMPSComputeRunningProcesses_v3, P2) PROC(nvmlDeviceGetComputeRunningProcesses_v2, P2)
PROC(nvmlDeviceGetGraphicsRunningProcesses_v2, P2) PROC(nvmlDeviceGetComputeRunningProcesses, P1) PROC(nvmlDeviceGetGraphicsRunningProcesses, P1)
/* ---- events: gpuN.xid is handed out once per process and value ---- */
API R nvmlEventSetCreate(nvmlEventSet_t *s) { SYS(); s->handle = H(EVS, 0, 0, 0); return OK; }
API R nvmlEventSetFree(nvmlEventSet_t s) { return OK; }
API R nvmlDeviceGetSupportedEventTypes(nvmlDevice_t d, unsigned long long *o) { G(d); *o = nvmlEventTypeXidCriticalError | nvmlEventTypeSingleBitEccError | nvmlEventTypeDoubleBitEccError; return OK; }
API R nvmlDeviceRegisterEvents(nvmlDevice_t d, unsigned long long t, nvmlEventSet_t s) { G(d); return OK; }
API R nvmlEventSetWait_v2(nvmlEventSet_t s, nvmlEventData_t *o, unsigned ms) {
    static unsigned long long seen[MAXGPU]; SYS();
    for (unsigned t = 0; ; t += 50) {
        for (int g = 0; g < ngpu(); g++) { unsigned long long x = num(g, "xid", 0);
            if (x != seen[g]) { seen[g] = x; if (x) { memset(o, 0, sizeof *o); o->device.handle = H(DEV, g, 0, 0); o->eventType = nvmlEventTypeXidCriticalError; o->eventData = x; o->gpuInstanceId = o->computeInstanceId = ~0u; return OK; } } }
        if (t >= ms) return NVML_ERROR_TIMEOUT;
        usleep(50000);
    }
}
API R nvmlEventSetWait(nvmlEventSet_t s, nvmlEventData_t *o, unsigned ms) { return nvmlEventSetWait_v2(s, o, ms); }
/* ---- NVLink, fabric, topology ---- */
#define NVL(d, l) do { if ((l) >= NVML_NVLINK_MAX_LINKS) return INVAL; if ((l) >= num(GPU((d).handle), "nvlinks", 0)) return NOSUP; } while (0)
API R nvmlDeviceGetNvLinkState(nvmlDevice_t d, unsigned l, nvmlEnableState_t *o) { G(d); NVL(d, l); int g = GPU(d.handle); char b[24]; snprintf(b, sizeof b, "nvlink_down.%u", l); *o = !num(g, b, 0); return OK; }
API R nvmlDeviceGetNvLinkVersion(nvmlDevice_t d, unsigned l, unsigned *o) { G(d); NVL(d, l); int g = GPU(d.handle); *o = num(g, "nvlink_version", 4); return OK; }
API R nvmlDeviceGetNvLinkCapability(nvmlDevice_t d, unsigned l, nvmlNvLinkCapability_t c, unsigned *o) { G(d); NVL(d, l); *o = 1; return OK; }
API R nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t d, unsigned l, nvmlNvLinkErrorCounter_t c, unsigned long long *o) { G(d); NVL(d, l); *o = 0; return OK; }
API R nvmlDeviceGetNvLinkRemoteDeviceType(nvmlDevice_t d, unsigned l, nvmlIntNvLinkDeviceType_t *o) { G(d); NVL(d, l); *o = NVML_NVLINK_DEVICE_TYPE_SWITCH; return OK; }
API R nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t d, unsigned l, nvmlPciInfo_t *o) { G(d); NVL(d, l); memset(o, 0, sizeof *o); o->bus = 5 + l % 4; snprintf(o->busId, sizeof o->busId, "00000000:%02X:00.0", o->bus); snprintf(o->busIdLegacy, sizeof o->busIdLegacy, "0000:%02X:00.0", o->bus); o->pciDeviceId = 0x22A310DE; return OK; }
API R nvmlDeviceGetGpuFabricInfo(nvmlDevice_t d, nvmlGpuFabricInfo_t *o) { G(d); int g = GPU(d.handle); memset(o, 0, sizeof *o); o->state = num(g, "fabric_state", 0); o->status = num(g, "fabric_status", 0); o->cliqueId = num(g, "fabric_clique", 0); return OK; }
API R nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t d, nvmlGpuFabricInfoV_t *o) {
    G(d); int g = GPU(d.handle); o->state = num(g, "fabric_state", 0); o->status = num(g, "fabric_status", 0); o->cliqueId = num(g, "fabric_clique", 0); memset(o->clusterUuid, 0, sizeof o->clusterUuid);
    if (o->version >> 24 >= 2) o->healthMask = num(g, "fabric_health_mask", 0);
    return OK;
}
API R nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t a, nvmlDevice_t b, nvmlGpuTopologyLevel_t *o) {
    G(a); G(b); int x = GPU(a.handle), y = GPU(b.handle), n = ngpu(); *o = x == y ? NVML_TOPOLOGY_INTERNAL : (x < n / 2) == (y < n / 2) ? NVML_TOPOLOGY_NODE : NVML_TOPOLOGY_SYSTEM; return OK;
}
API R nvmlDeviceGetP2PStatus(nvmlDevice_t a, nvmlDevice_t b, nvmlGpuP2PCapsIndex_t i, nvmlGpuP2PStatus_t *o) { G(a); G(b); *o = i == NVML_P2P_CAPS_INDEX_NVLINK && num(GPU(a.handle), "nvlinks", 0) ? NVML_P2P_STATUS_OK : i < 2 ? NVML_P2P_STATUS_OK : NVML_P2P_STATUS_NOT_SUPPORTED; return OK; }
API R nvmlDeviceGetCpuAffinityWithinScope(nvmlDevice_t d, unsigned n, unsigned long *s, nvmlAffinityScope_t sc) { G(d); memset(s, 0, n * sizeof *s); if (n) s[0] = num(GPU(d.handle), "cpu_affinity", 3); return OK; }
API R nvmlDeviceGetCpuAffinity(nvmlDevice_t d, unsigned n, unsigned long *s) { return nvmlDeviceGetCpuAffinityWithinScope(d, n, s, 0); }
API R nvmlDeviceGetMemoryAffinity(nvmlDevice_t d, unsigned n, unsigned long *s, nvmlAffinityScope_t sc) { G(d); memset(s, 0, n * sizeof *s); if (n) s[0] = 1ul << num(GPU(d.handle), "numa_node", 0); return OK; }
/* ---- setters ---- */
#define SET(fn, type, key) API R fn(nvmlDevice_t d, type v) { G(d); ROOT(); int g = GPU(d.handle); if (!cfg(g, key)) return NOSUP; char b[24]; snprintf(b, sizeof b, "%u", (unsigned)v); return setkey(g, key, b); }
SET(nvmlDeviceSetPersistenceMode, nvmlEnableState_t, "persistence") SET(nvmlDeviceSetComputeMode, nvmlComputeMode_t, "compute_mode") SET(nvmlDeviceSetPowerManagementLimit, unsigned, "power_limit_mw")
API R nvmlDeviceSetPowerManagementLimit_v2(nvmlDevice_t d, nvmlPowerValue_v2_t *v) { return nvmlDeviceSetPowerManagementLimit(d, v->powerValueMw); }
API R nvmlDeviceSetEccMode(nvmlDevice_t d, nvmlEnableState_t v) { G(d); ROOT(); if (!cfg(GPU(d.handle), "ecc")) return NOSUP; return setkey(GPU(d.handle), "ecc_pending", v ? "1" : "0"); }
API R nvmlDeviceClearEccErrorCounts(nvmlDevice_t d, nvmlEccCounterType_t c) { G(d); ROOT(); setkey(GPU(d.handle), c ? "ecc.corrected.aggregate" : "ecc.corrected.volatile", "0"); return setkey(GPU(d.handle), c ? "ecc.uncorrected.aggregate" : "ecc.uncorrected.volatile", "0"); }
/* ---- nvidia-smi also asks for an undocumented table of function pointers. Each slot jumps here with its number. ---- */
__attribute__((used)) static R slot(void *a0, void *a1, void *a2, void *a3, unsigned n) {
    int k = KIND(a0), dev = k == DEV || k == MIG;
    if (dbg()) fprintf(stderr, "mock-nvml: slot %u(%p, %p, %p, %p)\n", n, a0, a1, a2, a3);
    if (!dev && (uintptr_t)a0 < MAXGPU && (uintptr_t)a2 == 0x22 && (uintptr_t)a1 > 0x100000)   /* index -> handle */
        return nvmlDeviceGetHandleByIndex_v2((uintptr_t)a0, a1);
    if (n == 23 && !dev && (uintptr_t)a2 > 0x100000) { *(unsigned *)a2 = num(-1, "topology_level", 3); return OK; }   /* topo -m: 0 PIX 1 PXB 2 PHB 3 NODE 4 SYS */
    if (n == 32 && dev && (uintptr_t)a2 > 0x100000 && (uintptr_t)a3 < 65536) { memset(a2, 0, (uintptr_t)a3); return num(GPU(a0), "fault.reset", 0); }   /* --gpu-reset */
    if (dev && n != 32 && (uintptr_t)a1 > 0x100000) *(unsigned *)a1 = 0;                                /* lists: none */
    return OK;
}
__asm__(".text\n.balign 16\nmock_slots:\n.set i,0\n.rept 512\n.balign 16\nmov $i,%r8d\njmp slot\n.set i,i+1\n.endr\n");
extern char mock_slots[] __attribute__((visibility("hidden")));
API R nvmlInternalGetExportTable(const void **t, const unsigned char *id) {
    static void *tab[512]; if (!t) return INVAL;
    if (dbg() && id) { fprintf(stderr, "mock-nvml: table "); for (int i = 0; i < 16; i++) fprintf(stderr, "%02x", id[i]); fprintf(stderr, "\n"); }
    for (int i = 1; i < 512; i++) tab[i] = mock_slots + 16 * i;
    tab[0] = (void *)sizeof tab; *t = tab; return OK;
}
/* called by the generated stubs of all other entry points of nvml.h */
__attribute__((visibility("hidden"))) int mock_missing(const char *fn) {
    R r = inits ? fault(fn, -1) : NVML_ERROR_UNINITIALIZED;
    if (!r && dbg()) fprintf(stderr, "mock-nvml: %s -> Not Supported\n", fn);
    return r ? r : NOSUP;
}
