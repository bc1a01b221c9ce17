/* What the runner says of itself in "hello". */
#pragma once

#define RN_TELEMETRY_VERSION 1
#ifndef RN_VERSION
#define RN_VERSION "unknown"
#endif

#if defined(__x86_64__)
#define RN_MACHINE "x86_64"
#elif defined(__aarch64__)
#define RN_MACHINE "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define RN_MACHINE "riscv64"
#else
#define RN_MACHINE "other"
#endif
