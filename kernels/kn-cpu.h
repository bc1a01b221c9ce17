/* Which instruction set runs: detected once, capped by LATHE_CPU.
 *
 * All variants of a kernel give the same bits (see HACKING.md, "Same bits everywhere"), so the
 * level changes the speed and never the result. */
#pragma once

#include "kn-types.h"

typedef enum
{
  KN_LEVEL_C,       /* plain C, the specification */
  KN_LEVEL_AVX2,    /* AVX2 + FMA + F16C */
  KN_LEVEL_AVX512,  /* AVX-512 F/BW/DQ/VL + VNNI */
  KN_LEVEL_NEON,    /* Armv8.0-A Advanced SIMD */
  KN_LEVEL_DOTPROD, /* Armv8.2-A dot product */
  KN_N_LEVELS
} KnLevel;

typedef struct KnTable KnTable;

/* "c", "avx2", "avx512", "neon", "dotprod": the names that LATHE_CPU takes. */
const char *kn_level_name (KnLevel level);

/* Whether this machine and this build can run @level. */
int kn_level_available (KnLevel level);

/* Whether this machine has AVX-512 VBMI2 beside the AVX512 level: the first processors of that
 * level lack it. */
int kn_has_vbmi2 (void);

/* The kernels of @level, or NULL when it is not available here. */
const KnTable *kn_table_for_level (KnLevel level);

/* The best kernels of this machine, not above the level that the environment variable LATHE_CPU
 * names. Chosen at the first call, safe from any thread. An unknown name in LATHE_CPU is reported
 * on stderr once. */
const KnTable *kn_table (void);
