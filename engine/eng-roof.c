/* The roofs of this machine: how fast it reads main memory and how fast its arithmetic units run, for a number of threads. Measured with the engine's own
 * pool and streams, so that a share of the roof compares like with like.
 *
 * Each figure is the median of several repeats. Kept in a small key file, because a machine's roofs do not change from run to run. */

#include <stdlib.h>

#include "eng-error.h"
#include "eng-figure.h"
#include "eng-machine-private.h"
#include "kn-roof.h"
#include "rt-pool.h"

#define N_REPEATS 7

/* How long one repeat of an arithmetic roof runs, about. */
#define REPEAT_NS 30000000

typedef enum
{
  ROOF_READ,
  ROOF_F32,
  ROOF_INT8,
  N_ROOFS
} RoofKind;

typedef struct
{
  RoofKind kind;
  const guint8 *buffer;
  size_t slice_bytes; /* of each thread */
  size_t n_iterations;
  guint64 work[RT_MAX_THREADS]; /* bytes or operations done */
  guint64 sink[RT_MAX_THREADS]; /* results, so that the work is not removed */
} RoofJob;

/* One chunk per thread: all are under way at once, since each takes far longer than waking a thread. */
static void
roof_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t i)
{
  RoofJob *job = data;

  switch (job->kind)
    {
    case ROOF_READ:
      job->sink[i] = kn_roof_read (job->buffer + i * job->slice_bytes, job->slice_bytes);
      job->work[i] = job->slice_bytes;
      break;
    case ROOF_F32:
      job->sink[i] = (guint64) kn_roof_fma_f32 (job->n_iterations, &job->work[i]);
      break;
    case ROOF_INT8:
      job->sink[i] = (guint64) kn_roof_dot_i8 (job->n_iterations, &job->work[i]);
      break;
    case N_ROOFS:
    default:
      g_assert_not_reached ();
    }
}

/* Work per second of one repeat; *@elapsed_ns is how long it took. */
static double
measure_once (RtPool *pool, RoofJob *job, guint64 *elapsed_ns)
{
  RtJob pool_job = { .n_phases = 1, .n_chunks = rt_pool_n_threads (pool), .chunk = roof_chunk, .data = job };
  guint64 start = rt_now_ns ();
  guint64 work = 0;

  rt_pool_run (pool, &pool_job);
  *elapsed_ns = MAX (rt_now_ns () - start, 1);
  for (guint i = 0; i < rt_pool_n_threads (pool); i++)
    work += job->work[i];
  return (double) work * 1e9 / (double) *elapsed_ns;
}

static double
measure (RtPool *pool, RoofJob *job, RoofKind kind)
{
  double samples[N_REPEATS];
  guint64 elapsed;

  job->kind = kind;
  job->n_iterations = 1000;
  /* Find the iterations that fill a repeat; the first call also warms up. Reading always goes over the whole buffer. */
  while (kind != ROOF_READ)
    {
      measure_once (pool, job, &elapsed);
      if (elapsed >= REPEAT_NS / 2)
        break;
      job->n_iterations *= elapsed < REPEAT_NS / 32 ? 8 : 2;
    }
  if (kind == ROOF_READ)
    measure_once (pool, job, &elapsed);
  for (int i = 0; i < N_REPEATS; i++)
    samples[i] = measure_once (pool, job, &elapsed);
  return eng_figure_from_samples (samples, N_REPEATS, "").value;
}

/* Far larger than the last cache, so that the figure is main memory's; no more than an eighth of what there is. */
static size_t
buffer_bytes (EngMachine *machine)
{
  guint64 bytes = MAX (machine->cache_bytes * 8, 256u << 20);

  if (machine->memory_bytes > 0)
    bytes = MIN (bytes, machine->memory_bytes / 8);
  return (size_t) MIN (bytes, 1u << 30);
}

static char *
cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "roofs.ini", NULL);
}

static char *
group_name (EngMachine *machine, guint n_threads)
{
  g_autofree char *name = g_strdup_printf ("%s, %s, %u threads", machine->cpu, eng_machine_get_isa (machine), n_threads);

  return g_strdelimit (g_steal_pointer (&name), "[]", '-');
}

gboolean
eng_machine_load_roof (EngMachine *machine, guint n_threads, EngRoof *roof)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *group = group_name (machine, n_threads);

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  roof->n_threads = n_threads;
  roof->read_bytes_per_s = g_key_file_get_double (file, group, "read_bytes_per_s", NULL);
  roof->f32_flops = g_key_file_get_double (file, group, "f32_flops", NULL);
  roof->int8_ops = g_key_file_get_double (file, group, "int8_ops", NULL);
  return roof->read_bytes_per_s > 0 && roof->f32_flops > 0 && roof->int8_ops > 0;
}

/* Not being able to keep the figures costs a second next time: no reason to fail. */
static void
store (EngMachine *machine, const EngRoof *roof)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *group = group_name (machine, roof->n_threads);
  g_autoptr (GError) error = NULL;

  g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  g_key_file_set_double (file, group, "read_bytes_per_s", roof->read_bytes_per_s);
  g_key_file_set_double (file, group, "f32_flops", roof->f32_flops);
  g_key_file_set_double (file, group, "int8_ops", roof->int8_ops);
  if (g_mkdir_with_parents (folder, 0700) != 0 || !g_key_file_save_to_file (file, path, &error))
    g_info ("The measured roofs could not be kept in %s: %s", path, error != NULL ? error->message : "no folder");
}

static gboolean
measure_all (EngMachine *machine, RtPool *pool, RoofJob *job, EngRoof *roof, EngJob *progress, GError **error)
{
  static const char *const stages[N_ROOFS] = { "Reading memory", "Multiplying floats", "Multiplying bytes" };
  double *const results[N_ROOFS] = { &roof->read_bytes_per_s, &roof->f32_flops, &roof->int8_ops };

  for (int kind = 0; kind < N_ROOFS; kind++)
    {
      if (progress != NULL)
        {
          eng_job_report (progress, stages[kind], (double) kind / N_ROOFS);
          if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (progress), error))
            return FALSE;
        }
      *results[kind] = measure (pool, job, kind);
    }
  return TRUE;
}

gboolean
eng_machine_measure_roof (EngMachine *machine, guint n_threads, gboolean fresh, EngRoof *roof, EngJob *progress, GError **error)
{
  g_autofree RoofJob *job = g_new0 (RoofJob, 1);
  RtError rt_error = { 0 };
  RtPool *pool;
  void *buffer = NULL;
  gboolean done;

  g_return_val_if_fail (machine != NULL && roof != NULL, FALSE);
  g_return_val_if_fail (n_threads >= 1 && n_threads <= RT_MAX_THREADS, FALSE);

  if (!fresh && eng_machine_load_roof (machine, n_threads, roof))
    return TRUE;

  job->slice_bytes = buffer_bytes (machine) / n_threads / 4096 * 4096;
  if (posix_memalign (&buffer, 4096, job->slice_bytes * n_threads) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_MEMORY, "There is no memory for measuring the read bandwidth (%zu bytes are needed).",
                   job->slice_bytes * n_threads);
      return FALSE;
    }
  /* Not zero: the kernel maps pages of zeros that were never written to one and the same page. */
  memset (buffer, 1, job->slice_bytes * n_threads);
  job->buffer = buffer;

  pool = rt_pool_new (n_threads, &rt_error);
  if (pool == NULL)
    {
      free (buffer);
      return eng_error_take_rt (&rt_error, error);
    }
  *roof = (EngRoof) { .n_threads = n_threads };
  done = measure_all (machine, pool, job, roof, progress, error);
  rt_pool_free (pool);
  free (buffer);
  if (done)
    store (machine, roof);
  return done;
}
