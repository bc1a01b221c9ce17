/* Rounds of one kernel, joined. Called by eng-kernel-bench.c for kernels that are held against each
 * other: within one round the conditions are the same for all samples, so that a round's own
 * interval knows nothing of what another program did meanwhile. */
#include "eng-kernel-rounds.h"

#include <math.h>

/* The least median but for @except (n: none). */
static guint
find_least (const EngKernelTime *rounds, guint n, guint except)
{
  guint least = except == 0 ? 1 : 0;

  for (guint i = 0; i < n; i++)
    if (i != except && rounds[i].median_ns < rounds[least].median_ns)
      least = i;
  return least;
}

gboolean
eng_kernel_rounds_agree (const EngKernelTime *rounds, guint n)
{
  g_return_val_if_fail (rounds != NULL && n >= 2, FALSE);

  guint least = find_least (rounds, n, n), next = find_least (rounds, n, least);
  return rounds[next].median_ns <= (1 + ENG_KERNEL_ROUNDS_APART) * rounds[least].median_ns;
}

EngKernelTime
eng_kernel_rounds_join (const EngKernelTime *rounds, guint n)
{
  g_return_val_if_fail (rounds != NULL && n >= 1, (EngKernelTime){ 0 });

  guint least = find_least (rounds, n, n);
  EngKernelTime time = rounds[least];
  if (n < 2)
    return time;
  const EngKernelTime *next = &rounds[find_least (rounds, n, least)];
  /* One without an interval leaves none. */
  gboolean known = isfinite (next->low_ns) && isfinite (next->high_ns);
  time.low_ns = known ? MIN (next->low_ns, time.low_ns) : NAN;
  time.high_ns = known ? MAX (next->high_ns, time.high_ns) : NAN;
  return time;
}
