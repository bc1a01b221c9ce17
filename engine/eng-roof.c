/* The roofs of this machine: how fast it reads each level of its memory and how fast its arithmetic
 * units run, for a number of threads. Measured with the engine's own pool and streams, so that a
 * share of the roof compares like with like. Called by the bench, the devices pane and the command
 * line; eng-roof-file.c keeps the figures, because they do not change from run to run.
 *
 * A level's figure is taken from a working set that fills half of it (each thread reads a slice of
 * its own, over and over): the streams of McCalpin, "Memory Bandwidth and Machine Balance in
 * Current High Performance Computers", 1995, without the stores; sizes per level as in lmbench's
 * bw_mem (McVoy and Staelin, 1996, section 5.1). Each figure is the median of several repeats with
 * the interval of eng-figure.h. */
#include "eng-machine-private.h"

#include <math.h>
#include <stdlib.h>

#include "eng-error.h"
#include "eng-figure.h"
#include "eng-watch.h"
#include "kn-roof.h"
#include "rt-pool.h"

/* How long one repeat runs, about. */
#define REPEAT_NS 20000000

#define PAGE_BYTES 4096

typedef enum
{
  ROOF_READ,
  ROOF_F32,
  ROOF_INT8,
} RoofKind;

typedef struct
{
  RoofKind kind;
  const guint8 *buffer;
  size_t slice_bytes;           /* that each thread reads */
  size_t stride_bytes;          /* from one thread's slice to the next */
  size_t n_iterations;          /* of the arithmetic, or passes over the slice */
  guint64 work[RT_MAX_THREADS]; /* bytes or operations done */
  guint64 sink[RT_MAX_THREADS]; /* results, so that the work is not removed */
} RoofJob;

/* What a measurement of one thread count needs. */
typedef struct
{
  EngMachine *machine;
  RtPool *pool;
  guint n_threads;
  EngJob *progress;   /* NULL: nobody looks */
  double done, share; /* of the whole job: before this thread count, and of it */
  guint n_steps, step;
  RoofJob job;
} Measuring;

/* One chunk per thread: all are under way at once, since each takes far longer than waking a
 * thread. */
static void
roof_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t i)
{
  RoofJob *job = data;

  switch (job->kind)
    {
    case ROOF_READ:
      job->sink[i]
          = kn_roof_read (job->buffer + i * job->stride_bytes, job->slice_bytes, job->n_iterations);
      job->work[i] = (guint64)job->slice_bytes * job->n_iterations;
      break;
    case ROOF_F32:
      job->sink[i] = (guint64)kn_roof_fma_f32 (job->n_iterations, &job->work[i]);
      break;
    case ROOF_INT8:
      job->sink[i] = (guint64)kn_roof_dot_i8 (job->n_iterations, &job->work[i]);
      break;
    }
}

/* Work per second of one repeat; *@elapsed_ns is how long it took. */
static double
measure_once (Measuring *self, guint64 *elapsed_ns)
{
  RoofJob *job = &self->job;
  RtJob pool_job = { .n_phases = 1, .n_chunks = self->n_threads, .chunk = roof_chunk, .data = job };
  guint64 start = rt_now_ns ();
  guint64 work = 0;

  rt_pool_run (self->pool, &pool_job);
  *elapsed_ns = MAX (rt_now_ns () - start, 1);
  for (guint i = 0; i < self->n_threads; i++)
    work += job->work[i];
  return (double)work * 1e9 / (double)*elapsed_ns;
}

/* FALSE: stopped by the user. */
static gboolean
measure (Measuring *self, const char *stage, EngRoofFigure *result, GError **error)
{
  double samples[ENG_ROOF_REPEATS];
  guint64 elapsed;

  if (self->progress != NULL)
    {
      eng_job_report (self->progress, stage,
                      self->done + self->share * self->step / MAX (self->n_steps, 1));
      if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (self->progress), error))
        return FALSE;
    }
  self->step++;
  /* Find the iterations that fill a repeat; this also warms up. */
  self->job.n_iterations = self->job.kind == ROOF_READ ? 1 : 1000;
  for (;;)
    {
      measure_once (self, &elapsed);
      if (elapsed >= REPEAT_NS / 2)
        break;
      self->job.n_iterations *= elapsed < REPEAT_NS / 32 ? 8 : 2;
    }
  for (int i = 0; i < ENG_ROOF_REPEATS; i++)
    samples[i] = measure_once (self, &elapsed);
  EngFigure figure = eng_figure_from_samples (samples, ENG_ROOF_REPEATS, "");
  *result = (EngRoofFigure){ figure.value, figure.low, figure.high };
  return TRUE;
}

/* ---- Working sets ---- */

/* Far larger than the last cache, so that the figure is main memory's; no more than an eighth of
 * what there is. Of all threads together. */
static size_t
memory_bytes (EngMachine *machine)
{
  guint64 bytes = MAX (machine->cache_bytes * 8, 256u << 20);

  if (machine->memory_bytes > 0)
    bytes = MIN (bytes, machine->memory_bytes / 8);
  return (size_t)MIN (bytes, 1u << 30);
}

/* What of @cache a thread may call its own: threads are taken to fill the processors that share a
 * cache first. */
static guint64
share_of_cache (const EngCache *cache, guint n_threads)
{
  return cache->bytes / CLAMP (cache->n_sharing, 1, n_threads);
}

/* Each thread reads half of its share. Only levels that can be told apart: that half must be
 * clearly more than what the level before holds, or it would be served from there. Main memory
 * comes last. */
static void
plan_levels (EngMachine *machine, EngRoof *roof)
{
  guint64 held = 0; /* of the level before, by one thread */

  for (guint i = 0; i < machine->n_caches && roof->n_levels < ENG_MAX_ROOF_LEVELS - 1; i++)
    {
      const EngCache *cache = &machine->caches[i];
      guint64 slice = share_of_cache (cache, roof->n_threads) / 2 / PAGE_BYTES * PAGE_BYTES;
      if (slice < PAGE_BYTES || 2 * slice < 3 * held)
        continue;
      EngRoofLevel *level = &roof->levels[roof->n_levels++];
      g_snprintf (level->name, sizeof level->name, "L%u", cache->level);
      level->cache_bytes = cache->bytes;
      level->working_set_bytes = slice * roof->n_threads;
      held = share_of_cache (cache, roof->n_threads);
    }
  EngRoofLevel *level = &roof->levels[roof->n_levels++];
  g_strlcpy (level->name, "DRAM", sizeof level->name);
  level->cache_bytes = machine->memory_bytes;
  level->working_set_bytes
      = memory_bytes (machine) / roof->n_threads / PAGE_BYTES * PAGE_BYTES * roof->n_threads;
}

/* ---- All of a thread count ---- */

static gboolean
measure_levels (Measuring *self, EngRoof *roof, GError **error)
{
  self->job.kind = ROOF_READ;
  self->job.stride_bytes
      = (size_t)roof->levels[roof->n_levels - 1].working_set_bytes / roof->n_threads;
  for (guint i = 0; i < roof->n_levels; i++)
    {
      EngRoofLevel *level = &roof->levels[i];
      g_autofree char *stage
          = g_strdup_printf ("Reading %s, %u of %u threads", level->name, roof->n_threads,
                             MAX (self->machine->n_cpus, roof->n_threads));
      self->job.slice_bytes = (size_t)level->working_set_bytes / roof->n_threads;
      if (!measure (self, stage, &level->read, error))
        return FALSE;
    }
  roof->read = roof->levels[roof->n_levels - 1].read;
  return TRUE;
}

static gboolean
measure_all (Measuring *self, EngRoof *roof, GError **error)
{
  self->n_steps = roof->n_levels + 2;
  if (!measure_levels (self, roof, error))
    return FALSE;
  self->job.kind = ROOF_F32;
  if (!measure (self, "Multiplying floats", &roof->f32, error))
    return FALSE;
  self->job.kind = ROOF_INT8;
  if (!measure (self, "Multiplying bytes", &roof->int8, error))
    return FALSE;
  roof->read_bytes_per_s = roof->read.value;
  roof->f32_flops = roof->f32.value;
  roof->int8_ops = roof->int8.value;
  roof->time = g_get_real_time () / G_USEC_PER_SEC;
  return TRUE;
}

/* @progress, when there is one, moves from @done by @share. */
static gboolean
measure_count (EngMachine *machine, guint n_threads, EngRoof *roof, EngJob *progress, double done,
               double share, GError **error)
{
  g_autofree Measuring *self = g_new0 (Measuring, 1);
  RtError rt_error = { 0 };
  void *buffer = NULL;

  *roof = (EngRoof){ .n_threads = n_threads };
  plan_levels (machine, roof);
  size_t bytes = (size_t)roof->levels[roof->n_levels - 1].working_set_bytes;
  if (posix_memalign (&buffer, PAGE_BYTES, bytes) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_MEMORY,
                   "There is no memory for measuring the read bandwidth (%zu bytes are needed).",
                   bytes);
      return FALSE;
    }
  /* Not zero: the kernel maps pages of zeros that were never written to one and the same page. */
  memset (buffer, 1, bytes);

  *self = (Measuring){ .machine = machine,
                       .pool = rt_pool_new (n_threads, &rt_error),
                       .n_threads = n_threads,
                       .progress = progress,
                       .done = done,
                       .share = share };
  self->job.buffer = buffer;
  g_autoptr (EngWatch) watch = eng_watch_new ("/");
  EngConditions conditions;
  eng_conditions_init (&conditions);
  eng_watch_start (watch);
  gboolean ok
      = self->pool != NULL ? measure_all (self, roof, error) : eng_error_take_rt (&rt_error, error);
  eng_watch_stop (watch, &conditions);
  roof->others_cpus = conditions.others_cpus;
  eng_conditions_clear (&conditions);
  rt_pool_free (self->pool);
  free (buffer);
  if (ok)
    eng_roof_store (machine, roof);
  return ok;
}

gboolean
eng_machine_load_roof (EngMachine *machine, guint n_threads, EngRoof *roof)
{
  g_return_val_if_fail (machine != NULL && roof != NULL, FALSE);
  return eng_roof_load (machine, n_threads, roof);
}

static gboolean
is_kept (EngMachine *machine, guint n_threads, EngRoof *roof)
{
  return eng_roof_load (machine, n_threads, roof) && roof->n_levels > 0;
}

gboolean
eng_machine_measure_roof (EngMachine *machine, guint n_threads, gboolean fresh, EngRoof *roof,
                          EngJob *job, GError **error)
{
  g_return_val_if_fail (machine != NULL && roof != NULL, FALSE);
  g_return_val_if_fail (n_threads >= 1 && n_threads <= RT_MAX_THREADS, FALSE);

  return (!fresh && is_kept (machine, n_threads, roof))
         || measure_count (machine, n_threads, roof, job, 0, 1, error);
}

guint
eng_machine_roof_thread_counts (EngMachine *machine, guint counts[ENG_MAX_ROOF_COUNTS])
{
  g_return_val_if_fail (machine != NULL, 0);
  guint n_cpus = CLAMP (machine->n_cpus, 1, RT_MAX_THREADS);
  guint n = 0;

  for (guint count = 1; count < n_cpus && n < ENG_MAX_ROOF_COUNTS - 1;
       count = count < 8 ? count + 1 : 2 * count)
    counts[n++] = count;
  counts[n++] = n_cpus;
  return n;
}

gboolean
eng_machine_measure_roofs (EngMachine *machine, gboolean fresh, EngJob *job, GError **error)
{
  guint counts[ENG_MAX_ROOF_COUNTS];
  EngRoof roof;

  g_return_val_if_fail (machine != NULL, FALSE);
  guint n = eng_machine_roof_thread_counts (machine, counts);
  for (guint i = 0; i < n; i++)
    if ((fresh || !is_kept (machine, counts[i], &roof))
        && !measure_count (machine, counts[i], &roof, job, (double)i / n, 1.0 / n, error))
      return FALSE;
  return TRUE;
}

EngFigure
eng_roof_to_figure (const EngRoofFigure *figure, const char *unit)
{
  if (!isfinite (figure->value) || !(figure->value > 0))
    return eng_figure_unavailable (unit, "not measured yet");
  return (EngFigure){ .available = TRUE,
                      .value = figure->value,
                      .low = figure->low,
                      .high = figure->high,
                      .n = ENG_ROOF_REPEATS,
                      .unit = unit,
                      .reason
                      = isnan (figure->low) ? "kept by a version without intervals" : NULL };
}
