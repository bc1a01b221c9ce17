/* The frame of kn-check: command line, the walk over cases and levels, TAP output, crashes and time
 * limits.
 *
 * Needs libc only, so that it also runs, statically linked, under an emulator of another processor.
 */
#include "kn-check-private.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_GROUPS 16
#define TIME_LIMIT_S 240 /* per case and level; generous because an emulator is slow */

typedef struct
{
  int bench, list, only_level;
  uint64_t seed;
  const char *filter, *json;
} Options;

static const KcCase *groups[MAX_GROUPS];
static int n_groups;

static sigjmp_buf after_check;
static volatile sig_atomic_t checking;
static char context[256];
static char failure[512];

void
kc_register (const KcCase *cases)
{
  if (n_groups < MAX_GROUPS)
    groups[n_groups++] = cases;
}

void
kc_context (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  vsnprintf (context, sizeof context, format, args);
  va_end (args);
}

void
kc_fail (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  vsnprintf (failure, sizeof failure, format, args);
  va_end (args);
  siglongjmp (after_check, 1);
}

static void
on_signal (int number)
{
  if (!checking)
    {
      signal (number, SIG_DFL);
      raise (number);
      return;
    }
  snprintf (failure, sizeof failure, "%s",
            number == SIGALRM   ? "ran for too long"
            : number == SIGSEGV ? "segmentation fault (a read or write beyond its memory)"
            : number == SIGILL  ? "illegal instruction"
            : number == SIGABRT ? "abort (a failed assertion)"
                                : "crash");
  siglongjmp (after_check, 1);
}

static void
catch_signals (void)
{
  static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM };
  struct sigaction action = { .sa_handler = on_signal };
  sigemptyset (&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction (numbers[i], &action, NULL);
}

/* Run one check or benchmark; 1 when it went through. */
static int
guarded (const KcCase *kernel, const KnTable *c, const KnTable *v, const Options *options)
{
  volatile int ok = 0;
  context[0] = failure[0] = '\0';
  kc_seed (options->seed, kernel->name);

  if (sigsetjmp (after_check, 1) == 0)
    {
      checking = 1;
      alarm (TIME_LIMIT_S);
      if (options->bench)
        {
          kc_bench_begin (kernel->name, v->level);
          kernel->bench (v, kernel->data);
        }
      else
        kernel->check (c, v, kernel->data);
      kc_guards ("at the end");
      ok = 1;
    }
  alarm (0);
  checking = 0;
  kc_release ();
  return ok;
}

/* The best available level below @level, or NULL. */
static const KnTable *
level_below (int level)
{
  while (--level >= 0)
    if (kn_level_available ((KnLevel)level))
      return kn_table_for_level ((KnLevel)level);
  return NULL;
}

static int
selected (const Options *options, const KcCase *kernel)
{
  return !options->filter || strstr (kernel->name, options->filter);
}

/* Levels of other architectures are no part of this build; they are not even reported as skipped.
 */
static int
level_selected (const Options *options, int level)
{
#if defined(__x86_64__)
  const int known = level == KN_LEVEL_C || level == KN_LEVEL_AVX2 || level == KN_LEVEL_AVX512;
#elif defined(__aarch64__)
  const int known = level == KN_LEVEL_C || level == KN_LEVEL_NEON || level == KN_LEVEL_DOTPROD;
#else
  const int known = level == KN_LEVEL_C;
#endif
  return known && (options->only_level < 0 || options->only_level == level);
}

/* Nothing new at this level: the same function pointers as one level below, or no table is
 * involved. */
static int
inherited (const KcCase *kernel, const KnTable *v)
{
  const KnTable *lower = level_below ((int)v->level);
  return lower
         && memcmp ((const char *)lower + kernel->offset, (const char *)v + kernel->offset,
                    kernel->n_bytes)
                == 0;
}

/* One line of TAP; 1 when it is a failure. */
static int
check_one (const KcCase *kernel, int level, int number, const Options *options)
{
  const char *level_name = kn_level_name ((KnLevel)level);
  const KnTable *v = kn_table_for_level ((KnLevel)level);
  if (!v)
    {
      printf ("ok %d - %s %s # SKIP this machine has no %s\n", number, kernel->name, level_name,
              level_name);
      return 0;
    }

  kc_take_digest ();
  const int ok = guarded (kernel, kn_table_for_level (KN_LEVEL_C), v, options);
  if (kc_wants_digest)
    printf ("# digest %s %s %016" PRIx64 "\n", kernel->name, level_name, kc_take_digest ());
  printf ("%s %d - %s %s\n", ok ? "ok" : "not ok", number, kernel->name, level_name);
  if (!ok)
    printf ("# %s %s: %s%s%s\n", kernel->name, level_name, failure,
            *context ? "; while checking " : "", context);
  fflush (stdout);
  return !ok;
}

static int
check_all (const Options *options)
{
  int n = 0, n_failed = 0;
  for (int g = 0; g < n_groups; g++)
    for (const KcCase *k = groups[g]; k->name; k++)
      for (int level = 0; level < KN_N_LEVELS; level++)
        {
          const KnTable *v = kn_table_for_level ((KnLevel)level);
          if (selected (options, k) && level_selected (options, level) && !(v && inherited (k, v)))
            n_failed += check_one (k, level, ++n, options);
        }
  printf ("1..%d\n", n);
  if (n == 0)
    fprintf (stderr, "kn-check: no case matches '%s'\n", options->filter ? options->filter : "");
  return n_failed || n == 0 ? 1 : 0;
}

static int
bench_all (const Options *options)
{
  int failed = 0;
  for (int g = 0; g < n_groups; g++)
    for (const KcCase *k = groups[g]; k->name; k++)
      for (int level = 0; level < KN_N_LEVELS; level++)
        {
          const KnTable *v = kn_table_for_level ((KnLevel)level);
          if (!k->bench || !v || !selected (options, k) || !level_selected (options, level)
              || inherited (k, v))
            continue;
          if (!guarded (k, kn_table_for_level (KN_LEVEL_C), v, options))
            {
              fprintf (stderr, "kn-check: benchmark %s %s: %s; while %s\n", k->name,
                       kn_level_name (v->level), failure, context);
              failed = 1;
            }
        }

  FILE *json = NULL;
  if (options->json && strcmp (options->json, "-") == 0)
    json = stdout;
  else
    kc_bench_table (stdout);
  if (options->json && !json && !(json = fopen (options->json, "w")))
    {
      fprintf (stderr, "kn-check: cannot write %s\n", options->json);
      return 1;
    }
  if (json)
    kc_bench_json (json);
  if (json && json != stdout && fclose (json) != 0)
    failed = 1;
  return failed;
}

static void
list_all (void)
{
  for (int g = 0; g < n_groups; g++)
    for (const KcCase *k = groups[g]; k->name; k++)
      printf ("%s%s\n", k->name, k->bench ? "" : " (no benchmark)");
}

static int
usage (FILE *to)
{
  fprintf (
      to, "usage: kn-check [--bench] [--json FILE|-] [--digest] [--level NAME] [--seed N] [--list] "
          "[FILTER]\n"
          "Checks the kernels whose name contains FILTER, at every level of this machine, as TAP;\n"
          "with --bench times them instead and prints a table, with --json also (or with - only) "
          "as JSON;\n"
          "with --digest also prints a hash of all results, to compare architectures.\n");
  return to == stderr ? 2 : 0;
}

/* 0 to go on, else an exit status plus 1. */
static int
parse (int argc, char **argv, Options *options)
{
  for (int i = 1; i < argc; i++)
    {
      const char *value = i + 1 < argc ? argv[i + 1] : NULL;
      if (strcmp (argv[i], "--help") == 0)
        return 1 + usage (stdout);
      else if (strcmp (argv[i], "--bench") == 0)
        options->bench = 1;
      else if (strcmp (argv[i], "--list") == 0)
        options->list = 1;
      else if (strcmp (argv[i], "--digest") == 0)
        kc_wants_digest = 1;
      else if (strcmp (argv[i], "--json") == 0 && value)
        options->json = argv[++i];
      else if (strcmp (argv[i], "--seed") == 0 && value)
        options->seed = strtoull (argv[++i], NULL, 0);
      else if (strcmp (argv[i], "--level") == 0 && value)
        {
          for (int level = 0; level < KN_N_LEVELS; level++)
            if (strcmp (value, kn_level_name ((KnLevel)level)) == 0)
              options->only_level = level;
          if (options->only_level < 0)
            return 1 + usage (stderr);
          i++;
        }
      else if (argv[i][0] == '-' || options->filter)
        return 1 + usage (stderr);
      else
        options->filter = argv[i];
    }
  return 0;
}

int
main (int argc, char **argv)
{
  Options options = { .only_level = -1, .seed = 1 };
  const int stop = parse (argc, argv, &options);
  if (stop)
    return stop - 1;

  kc_register_matmul ();
  kc_register_row ();
  kc_register_quant ();
  kc_register_weighted ();
  kc_register_skip ();
  kc_register_rows ();
  kc_register_sparse ();
  kc_register_lookup ();
  kc_register_qconv ();
  kc_register_qvec ();
  kc_register_vec ();
  kc_register_map ();
  kc_register_attn ();
  kc_register_conv ();

  if (options.list)
    {
      list_all ();
      return 0;
    }
  catch_signals ();
  return options.bench ? bench_all (&options) : check_all (&options);
}
