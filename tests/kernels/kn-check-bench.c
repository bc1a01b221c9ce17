/* Timing for kn-check --bench, and its table and JSON. */
#include "kn-check-private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_RESULTS 4096
#define N_REPEATS 9
#define REPEAT_NS 4e6

static KcResult results[MAX_RESULTS];
static int n_results;
static const char *running;
static KnLevel running_level;

/* Time of this thread: kernels neither wait nor start threads, so what is left out is the time that
 * other programs took the processor away. */
static double
now_ns (void)
{
  struct timespec t;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
time_calls (void (*run) (void *arg), void *arg, long n)
{
  const double start = now_ns ();
  for (long i = 0; i < n; i++)
    run (arg);
  return now_ns () - start;
}

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void
kc_bench_begin (const char *kernel, KnLevel level)
{
  running = kernel;
  running_level = level;
}

void *
kc_new (size_t bytes)
{
  void *p = aligned_alloc (KN_ALIGN, (bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN);

  if (p == NULL)
    kc_fail ("no memory for %zu bytes", bytes);
  memset (p, 0, bytes);
  return p;
}

void
kc_bench (const char *label, void (*run) (void *arg), void *arg, double bytes, double ops)
{
  double ns[N_REPEATS];
  long n = 1;
  if (n_results == MAX_RESULTS)
    kc_fail ("more than %d results", MAX_RESULTS);

  /* Also the warm-up: caches, and the clock that wide registers ask for. */
  while (time_calls (run, arg, n) < REPEAT_NS && n < 1L << 40)
    n *= 2;
  for (int i = 0; i < N_REPEATS; i++)
    ns[i] = time_calls (run, arg, n) / (double)n;
  qsort (ns, N_REPEATS, sizeof *ns, by_size);

  KcResult *r = &results[n_results++];
  *r = (KcResult){ .level = running_level,
                   .ns = ns[N_REPEATS / 2],
                   .low = ns[0],
                   .high = ns[N_REPEATS - 1],
                   .bytes = bytes,
                   .ops = ops };
  snprintf (r->kernel, sizeof r->kernel, "%s%s%s", running, label ? " " : "", label ? label : "");
}

/* The time of @kernel in plain C in this run, or 0. */
static double
c_time (const char *kernel)
{
  for (int i = 0; i < n_results; i++)
    if (results[i].level == KN_LEVEL_C && strcmp (results[i].kernel, kernel) == 0)
      return results[i].ns;
  return 0;
}

void
kc_bench_table (FILE *to)
{
  fprintf (to, "%-44s %-8s %12s %7s %9s %9s %8s\n", "kernel", "level", "ns/call", "+-%", "GB/s",
           "Gop/s", "over C");
  for (int i = 0; i < n_results; i++)
    {
      const KcResult *r = &results[i];
      const double c = c_time (r->kernel);
      fprintf (to, "%-44s %-8s %12.1f %7.1f", r->kernel, kn_level_name (r->level), r->ns,
               50 * (r->high - r->low) / r->ns);
      r->bytes > 0 ? fprintf (to, " %9.2f", r->bytes / r->ns) : fprintf (to, " %9s", "-");
      r->ops > 0 ? fprintf (to, " %9.2f", r->ops / r->ns) : fprintf (to, " %9s", "-");
      c > 0 ? fprintf (to, " %7.1fx\n", c / r->ns) : fprintf (to, " %8s\n", "-");
    }
}

void
kc_bench_json (FILE *to)
{
  fprintf (to, "{\"benchmark\": \"kn-check\", \"results\": [");
  for (int i = 0; i < n_results; i++)
    {
      const KcResult *r = &results[i];
      fprintf (to,
               "%s\n  {\"kernel\": \"%s\", \"level\": \"%s\", \"ns\": %.3f, \"fastest_ns\": %.3f, "
               "\"slowest_ns\": %.3f",
               i ? "," : "", r->kernel, kn_level_name (r->level), r->ns, r->low, r->high);
      if (r->bytes > 0)
        fprintf (to, ", \"bytes\": %.0f, \"gbytes_per_s\": %.3f", r->bytes, r->bytes / r->ns);
      if (r->ops > 0)
        fprintf (to, ", \"ops\": %.0f, \"gops_per_s\": %.3f", r->ops, r->ops / r->ns);
      fprintf (to, "}");
    }
  fprintf (to, "\n]}\n");
}
