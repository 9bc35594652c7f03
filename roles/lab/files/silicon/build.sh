#!/bin/sh
# build.sh OUT NVML_H: compile the layers below the real packages into OUT. Needs gcc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1 header=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# handles as structures of one pointer, the same ABI: the stand-in packs numbers into them
sed -E 's/^typedef struct (nvml[A-Za-z]+_st) *\* *(nvml[A-Za-z]+_t);/typedef struct { struct \1 *handle; } \2;/' "$header" >"$work/nvml.h"

# every entry point that nvml.h declares and the stand-in does not define gets a stub: callers that bind late must find it
grep -oE 'nvmlReturn_t +(DECLDIR +)?nvml[A-Za-z0-9_]+ *\(' "$header" | grep -oE 'nvml[A-Z][A-Za-z0-9_]+' | sort -u >"$work/all"
grep -oE '(API R |STR\(|U\(|VAL\(|UTIL\(|CLK\(|PROC\(|SET\()nvml[A-Za-z0-9_]+' "$here/mock_nvml.c" | grep -oE 'nvml[A-Z][A-Za-z0-9_]+' | sort -u >"$work/have"
{
    echo 'int mock_missing(const char *);'
    comm -23 "$work/all" "$work/have" | while read -r name; do
        echo "__attribute__((visibility(\"default\"))) int $name(void){return mock_missing(__func__);}"
    done
} >"$work/stubs.c"
mkdir -p "$out"
gcc -O1 -g0 -fPIC -shared -fvisibility=hidden -w -I"$work" -I"$here" -Wl,-soname,libnvidia-ml.so.1 \
    -o "$out/libnvidia-ml.so" "$here/mock_nvml.c" "$work/stubs.c" -lpthread
gcc -O1 -g0 -fPIC -shared -fvisibility=hidden -w -Wl,-soname,libnvidia-cfg.so.1 -o "$out/libnvidia-cfg.so" "$here/mock_cfg.c"
gcc -O1 -g0 -fPIC -shared -Wl,-soname,libcuda.so.1 -o "$out/libcuda.so" "$here/cuda.c"
gcc -O1 -g0 -fPIC -shared -o "$out/libkernel.so" "$here/kernel.c"
gcc -O1 -g0 -c -o "$out/module.ko" "$here/module.c"
echo "$(wc -l <"$work/have") entry points and $(($(wc -l <"$work/stubs.c") - 1)) stubs"
