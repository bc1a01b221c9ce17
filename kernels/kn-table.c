/* The kernel tables: one per level, filled once by a cascade from plain C to the level's own
 * kernels, and the choice of the one that runs. Called by whoever runs kernels. Knows the fillers
 * by name and nothing of what they do. */
#include "kn-table.h"
#include "kn-table-private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static KnTable tables[KN_N_LEVELS];
static const KnTable *chosen;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;
static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;

/* The cascade. Every level starts as a copy of the one it extends. */
static void
fill (KnTable *table, KnLevel level)
{
  table->level = level;
  kn_matmul_c (&table->matmul);
  kn_skip_fill (&table->matmul, level);
  kn_rows_fill (&table->matmul, level);
  kn_vec_c (&table->vec);
  kn_attn_c (&table->attn);
  kn_conv_c (&table->conv);
  kn_pool_c (&table->pool);
  kn_map_c (&table->map);
  kn_qconv_c (&table->qconv);
  kn_qvec_c (&table->qvec);

#if defined(__x86_64__)
  if (level == KN_LEVEL_AVX2 || level == KN_LEVEL_AVX512)
    {
      kn_matmul_avx2 (&table->matmul);
      kn_rows_avx2 (&table->matmul);
      kn_sparse_avx2 (&table->matmul);
      kn_lookup_avx2 (&table->matmul);
      kn_vec_avx2 (&table->vec);
      kn_attn_avx2 (&table->attn);
      kn_conv_avx2 (&table->conv);
      kn_pool_avx2 (&table->pool);
      kn_map_avx2 (&table->map);
      kn_qconv_avx2 (&table->qconv);
      kn_qvec_avx2 (&table->qvec);
    }
  if (level == KN_LEVEL_AVX512)
    {
      kn_matmul_avx512 (&table->matmul);
      kn_skip_avx512 (&table->matmul);
      kn_rows_avx512 (&table->matmul);
      kn_lookup_avx512 (&table->matmul);
      if (kn_has_vbmi2 ())
        kn_sparse_avx512 (&table->matmul);
      kn_vec_avx512 (&table->vec);
      kn_attn_avx512 (&table->attn);
      kn_conv_avx512 (&table->conv);
      kn_pool_avx512 (&table->pool);
      kn_map_avx512 (&table->map);
      kn_qconv_avx512 (&table->qconv);
      kn_qvec_avx512 (&table->qvec);
    }
#elif defined(__aarch64__)
  if (level == KN_LEVEL_NEON || level == KN_LEVEL_DOTPROD)
    {
      kn_matmul_neon (&table->matmul);
      kn_rows_neon (&table->matmul);
      kn_sparse_neon (&table->matmul);
      kn_lookup_neon (&table->matmul);
      kn_vec_neon (&table->vec);
      kn_attn_neon (&table->attn);
      kn_conv_neon (&table->conv);
      kn_pool_neon (&table->pool);
      kn_map_neon (&table->map);
      kn_qconv_neon (&table->qconv);
      kn_qvec_neon (&table->qvec);
    }
  if (level == KN_LEVEL_DOTPROD)
    {
      kn_matmul_dotprod (&table->matmul);
      kn_rows_dotprod (&table->matmul);
      kn_sparse_dotprod (&table->matmul);
      kn_lookup_dotprod (&table->matmul);
      kn_attn_dotprod (&table->attn);
      kn_qconv_dotprod (&table->qconv);
    }
#endif
}

static void
fill_all (void)
{
  for (int level = 0; level < KN_N_LEVELS; level++)
    if (kn_level_available ((KnLevel)level))
      fill (&tables[level], (KnLevel)level);
}

const KnTable *
kn_table_for_level (KnLevel level)
{
  pthread_once (&tables_once, fill_all);
  /* What was filled says it: asking the processor is a trap of microseconds in a virtual
   * machine. */
  return (unsigned)level < KN_N_LEVELS && tables[level].matmul.f32 != NULL ? &tables[level] : NULL;
}

/* The cap that LATHE_CPU asks for: the level named, or KN_N_LEVELS for none. Levels of one
 * architecture are in rising order, so a cap is a comparison. */
static int
level_cap (void)
{
  const char *name = getenv ("LATHE_CPU");
  if (!name || !*name)
    return KN_N_LEVELS;

  for (int level = 0; level < KN_N_LEVELS; level++)
    if (strcasecmp (name, kn_level_name ((KnLevel)level)) == 0)
      {
        if (!kn_level_available ((KnLevel)level))
          fprintf (
              stderr,
              "LATHE_CPU=%s: this machine or build has no such kernels; using the best below it\n",
              name);
        return level;
      }

  fprintf (stderr, "LATHE_CPU=%s is not a level; known are:", name);
  for (int level = 0; level < KN_N_LEVELS; level++)
    fprintf (stderr, " %s", kn_level_name ((KnLevel)level));
  fprintf (stderr, "; it is ignored\n");
  return KN_N_LEVELS;
}

static void
choose (void)
{
  const int cap = level_cap ();
  for (int level = 0; level < KN_N_LEVELS && level <= cap; level++)
    if (kn_level_available ((KnLevel)level))
      chosen = kn_table_for_level ((KnLevel)level);
}

const KnTable *
kn_table (void)
{
  pthread_once (&chosen_once, choose);
  return chosen;
}
