/* Performance counters: reasons in words, the kernel's own counters on this machine, and counted
 * runs of the executor. Hardware counters are tested where there are some. */
#include "rt-counters.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"
#include "../test-tree.h"

/* ---- reasons ---- */

static void
check_reason (const char *root, int number, const char *part)
{
  char text[320];

  rt_counters_explain (number, root, text, sizeof text);
  if (strstr (text, part) == NULL)
    g_error ("errno %d: \"%s\" lacks \"%s\"", number, text, part);
}

static void
test_reasons (void)
{
  char *root = test_tree_new ();

  test_tree_put (root, "proc/sys/kernel/perf_event_paranoid", "3\n");
  test_tree_put (root, "proc/cpuinfo", "processor : 0\nflags : fpu sse avx2\n");
  check_reason (root, EACCES, "perf_event_paranoid is 3");
  check_reason (root, EACCES, "sysctl kernel.perf_event_paranoid=2");
  check_reason (root, ENOENT, "the processor has no such hardware counter");
  test_tree_put (root, "proc/sys/kernel/perf_event_paranoid", "2\n");
  check_reason (root, EPERM, "container");
  test_tree_put (root, "proc/cpuinfo", "processor : 0\nflags : fpu sse avx2 hypervisor lahf_lm\n");
  check_reason (root, ENOENT, "virtual machine");
  check_reason (root, EOPNOTSUPP, "virtual machine");
  check_reason (root, ENOSYS, "CONFIG_PERF_EVENTS");
  check_reason (root, EMFILE, "ulimit -n");
  check_reason (root, EBUSY, "another program");
  check_reason (root, EIO, strerror (EIO));
  check_reason ("/nowhere", EPERM, "container");
  test_tree_free (root);
}

/* ---- one thread ---- */

/* NULL after marking the test as skipped: a sandbox that filters the system call. */
static RtCounters *
open_or_skip (RtCounterSet set)
{
  RtError error = { 0 };
  RtCounters *counters = rt_counters_open (set, 0, &error);

  if (counters != NULL)
    return counters;
  g_assert_cmpint (error.status, ==, RT_ERROR_UNSUPPORTED);
  g_assert_cmpuint (strlen (error.message), >, 20);
  g_test_skip (error.message);
  return NULL;
}

static double
thread_cpu_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
spin (double ns)
{
  double start = thread_cpu_ns ();
  while (thread_cpu_ns () - start < ns)
    ;
}

static void
test_software (void)
{
  enum
  {
    N_PAGES = 64
  };
  RtCounters *counters = open_or_skip (RT_COUNTERS_SOFTWARE);
  uint64_t before[RT_N_COUNTERS], after[RT_N_COUNTERS];

  if (counters == NULL)
    return;
  for (int i = 0; i < RT_N_COUNTERS; i++)
    g_assert_null (rt_counters_reason (counters, i));
  g_assert_true (rt_counters_read (counters, before));

  /* Twenty milliseconds of work and 64 pages that nobody has touched. */
  spin (20e6);
  long page = sysconf (_SC_PAGESIZE);
  char *pages = mmap (NULL, (size_t)(N_PAGES * page), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (pages != MAP_FAILED);
  madvise (pages, (size_t)(N_PAGES * page), MADV_NOHUGEPAGE);
  for (int i = 0; i < N_PAGES; i++)
    pages[i * page] = 1;
  g_assert_true (rt_counters_read (counters, after));
  munmap (pages, (size_t)(N_PAGES * page));

  g_assert_cmpuint (after[0] - before[0], >=, 19000000);
  g_assert_cmpuint (after[0] - before[0], <, 60000000); /* processor time: others do not count */
  g_assert_cmpuint (after[1] - before[1], >=, N_PAGES);
  g_assert_cmpfloat_with_epsilon (rt_counters_running (counters), 1, 0.01);
  g_assert_cmpstr (rt_counter_name (RT_COUNTERS_SOFTWARE, 1), ==, "page_faults");
  g_assert_cmpstr (rt_counter_name (RT_COUNTERS_HARDWARE, 0), ==, "cycles");
  rt_counters_close (counters);
}

/* Where there is a unit: a loop of a million rounds takes more than a million instructions, and a
 * few cycles per round at most. */
static void
test_hardware (void)
{
  RtCounters *counters = open_or_skip (RT_COUNTERS_HARDWARE);
  uint64_t before[RT_N_COUNTERS], after[RT_N_COUNTERS];
  volatile uint32_t sum = 0;

  if (counters == NULL)
    return;
  g_assert_true (rt_counters_read (counters, before));
  for (uint32_t i = 0; i < 1000000; i++)
    sum += i;
  g_assert_true (rt_counters_read (counters, after));
  if (rt_counters_reason (counters, 1) == NULL && rt_counters_running (counters) > 0.99)
    {
      g_assert_cmpuint (after[1] - before[1], >, 1000000);
      g_assert_cmpuint (after[1] - before[1], <, 50000000);
    }
  rt_counters_close (counters);
}

/* ---- another thread ---- */

typedef struct
{
  atomic_int id, go;
} Other;

static void *
other_main (void *data)
{
  Other *other = data;

  atomic_store (&other->id, (int)syscall (SYS_gettid));
  while (atomic_load (&other->go) == 0)
    g_usleep (1000);
  spin (20e6);
  atomic_store (&other->go, 2);
  while (atomic_load (&other->go) == 2)
    g_usleep (1000);
  return NULL;
}

/* Counters are the thread's, not the caller's. */
static void
test_other_thread (void)
{
  RtCounters *probe = open_or_skip (RT_COUNTERS_SOFTWARE);
  Other other = { 0 };
  RtError error = { 0 };
  uint64_t values[RT_N_COUNTERS];
  pthread_t thread;

  if (probe == NULL)
    return;
  rt_counters_close (probe);
  g_assert_cmpint (pthread_create (&thread, NULL, other_main, &other), ==, 0);
  while (atomic_load (&other.id) == 0)
    g_usleep (1000);
  RtCounters *counters = rt_counters_open (RT_COUNTERS_SOFTWARE, atomic_load (&other.id), &error);
  g_assert_nonnull (counters);
  atomic_store (&other.go, 1);
  while (atomic_load (&other.go) != 2)
    g_usleep (1000);
  g_assert_true (rt_counters_read (counters, values));
  g_assert_cmpuint (values[0], >=, 19000000);
  atomic_store (&other.go, 3);
  pthread_join (thread, NULL);
  rt_counters_close (counters);
}

/* ---- counted runs ---- */

#define N_VOCAB 80
#define N_RUNS 20

static const RandomModel shape = { .n_layers = 3,
                                   .n_embd = 96,
                                   .n_ff = 160,
                                   .n_heads = 6,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = N_VOCAB,
                                   .dtype = KN_F32 };

static void
feed (RtModel *model, uint32_t n)
{
  RtError error = { 0 };
  int32_t tokens[32];

  for (uint32_t i = 0; i < 32; i++)
    tokens[i] = (int32_t)(i * 7 % N_VOCAB);
  for (uint32_t i = 0; i < n; i++)
    {
      rt_kv_set_n_used (rt_exec_kv (model->exec), 0);
      if (!rt_exec_run (model->exec, tokens, 32, 1, RT_PHASE_PREFILL, &error))
        g_error ("%s", error.message);
    }
}

static double
sum_of_nodes (const RtModel *model, int counter)
{
  double sum = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (model->graph); i++)
    sum += rt_exec_count_get (model->exec, i, counter);
  return sum;
}

static void
check_counted (const char *path, uint32_t n_threads)
{
  RtModel model;
  RtError error = { 0 };
  RtModelConfig config = {
    .path = path, .n_threads = n_threads, .max_tokens = 32, .fusions = RT_FUSE_ALL, .format = -1
  };
  float logits[N_VOCAB];

  if (!rt_model_open (&model, &config, &error))
    g_error ("%s", error.message);
  feed (&model, 2);
  memcpy (logits, rt_exec_logits (model.exec, 0), sizeof logits);
  if (!rt_exec_count_begin (model.exec, RT_COUNTERS_SOFTWARE, &error))
    g_error ("%s", error.message);
  g_assert_cmpfloat (sum_of_nodes (&model, 0), ==, 0);
  double start = thread_cpu_ns ();
  feed (&model, N_RUNS);
  double spent = thread_cpu_ns () - start;
  double counted = sum_of_nodes (&model, 0);

  /* The same bits; every node took time; and of one thread, the nodes are most of it and no more
   * than all of it. */
  g_assert_cmpmem (logits, sizeof logits, rt_exec_logits (model.exec, 0), sizeof logits);
  for (int i = 0; i < RT_N_COUNTERS; i++)
    g_assert_null (rt_exec_count_reason (model.exec, i));
  for (RtNodeId i = 0; i < rt_graph_n_nodes (model.graph); i++)
    g_assert_cmpfloat (rt_exec_count_get (model.exec, i, 0), >, 0);
  g_test_message ("%u threads: nodes %.2f ms, caller %.2f ms", n_threads, counted * 1e-6,
                  spent * 1e-6);
  if (n_threads == 1)
    {
      g_assert_cmpfloat (counted, <, 1.1 * spent); /* two clocks of the kernel */
      g_assert_cmpfloat (counted, >, 0.2 * spent);
    }
  rt_exec_count_clear (model.exec);
  g_assert_cmpfloat (sum_of_nodes (&model, 0), ==, 0);
  rt_exec_count_end (model.exec);
  feed (&model, 1); /* as before: not counted */
  g_assert_cmpmem (logits, sizeof logits, rt_exec_logits (model.exec, 0), sizeof logits);
  rt_model_close (&model);
}

static void
test_counted_runs (void)
{
  static const uint32_t threads[] = { 1, 2, 3 };
  RtCounters *probe = open_or_skip (RT_COUNTERS_SOFTWARE);
  RtError error = { 0 };

  if (probe == NULL)
    return;
  rt_counters_close (probe);
  char *path = random_model_write (&shape, 5, &error);
  g_assert_nonnull (path);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    check_counted (path, threads[i]);
  g_unlink (path);
  free (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/counters/reasons", test_reasons);
  g_test_add_func ("/counters/software", test_software);
  g_test_add_func ("/counters/hardware", test_hardware);
  g_test_add_func ("/counters/other-thread", test_other_thread);
  g_test_add_func ("/counters/counted-runs", test_counted_runs);
  return g_test_run ();
}
