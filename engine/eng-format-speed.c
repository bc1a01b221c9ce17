/* The speeds of the weight formats: measuring them and keeping them. Called by the weight format
 * technique (which only loads), by the command line and by the idle measurement. What they mean in
 * words is in eng-format-verdict.c. */
#include "eng-format-speed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "kn-lookup.h"
#include "kn-quant.h"
#include "kn-table.h"
#include "rt-pool.h"

#define N_COLS 2048
#define MIN_BYTES (64u << 20) /* of the matrix that is read from memory */
#define MAX_BYTES (256u << 20)
#define PROMPT_ROWS 1024 /* of the matrix that many tokens are multiplied with */
#define CHUNK_ROWS 128
#define N_SAMPLES 41 /* a third of them may be disturbed, and the interval stays narrow */
#define UNIT "ns"

/* ---- keeping ---- */

static char *
cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "formats.ini", NULL);
}

static char *
group_name (EngMachine *machine, guint n_threads)
{
  char *name = g_strdup_printf ("%s, %s, %u threads", eng_machine_get_cpu (machine),
                                eng_machine_get_isa (machine), n_threads);
  return g_strdelimit (name, "[]", '-');
}

static EngFigure
get_figure (GKeyFile *file, const char *group, const char *format, const char *what)
{
  g_autofree char *key = g_strdup_printf ("%s_%s_ns", format, what);
  gsize n = 0;
  g_autofree double *values = g_key_file_get_double_list (file, group, key, &n, NULL);

  if (values == NULL || n != 4 || !(values[0] > 0) || !isfinite (values[0]))
    return eng_figure_unavailable (UNIT, "not measured on this machine yet");
  return (EngFigure){ .available = TRUE,
                      .value = values[0],
                      .low = values[1],
                      .high = values[2],
                      .n = (guint)values[3],
                      .unit = UNIT };
}

static void
set_figure (GKeyFile *file, const char *group, const char *format, const char *what,
            const EngFigure *figure)
{
  g_autofree char *key = g_strdup_printf ("%s_%s_ns", format, what);
  double values[] = { figure->value, figure->low, figure->high, figure->n };

  g_key_file_set_double_list (file, group, key, values, G_N_ELEMENTS (values));
}

static int
widest_first (gconstpointer a, gconstpointer b)
{
  const EngFormatSpeed *x = a, *y = b;

  if (x->memory_bits != y->memory_bits)
    return x->memory_bits < y->memory_bits ? 1 : -1;
  return x->file_bits < y->file_bits ? 1 : x->file_bits > y->file_bits ? -1 : x->dtype - y->dtype;
}

/* Whether the format's speed is its own: bytes of networks have other products; sparse formats and
 * those that skip channels are as fast as there are zeros. */
static gboolean
is_listed (int dtype)
{
  return kn_dtype_info (dtype) != NULL && dtype != KN_I8
         && (kn_rows_dtype ((KnDtype)dtype) == (KnDtype)dtype || kn_lookup_base (dtype) >= 0)
         && kn_panel_bytes ((KnDtype)dtype, N_COLS) > 0;
}

EngFormatSpeeds *
eng_format_speeds_load (EngMachine *machine, guint n_threads)
{
  g_return_val_if_fail (machine != NULL && n_threads > 0, NULL);

  EngFormatSpeeds *self = g_new0 (EngFormatSpeeds, 1);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *group = group_name (machine, n_threads);
  GArray *formats = g_array_new (FALSE, TRUE, sizeof (EngFormatSpeed));

  /* What cannot be read is not measured. */
  (void)g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  for (int dtype = 0; dtype < 256; dtype++)
    {
      if (!is_listed (dtype))
        continue;
      const char *name = kn_dtype_info (dtype)->name;
      EngFormatSpeed speed
          = { .dtype = dtype,
              .file_bits = 8.0 * (double)kn_row_bytes ((KnDtype)dtype, N_COLS) / N_COLS,
              .memory_bits
              = 8.0 * (double)kn_panel_bytes ((KnDtype)dtype, N_COLS) / (N_COLS * KN_PANEL_ROWS),
              .decode = get_figure (file, group, name, "decode"),
              .prompt = get_figure (file, group, name, "prompt") };
      g_array_append_val (formats, speed);
    }
  g_array_sort (formats, widest_first);
  self->n_threads = n_threads;
  self->time = g_key_file_get_int64 (file, group, "time_unix_s", NULL);
  self->n = formats->len;
  self->formats = (EngFormatSpeed *)(void *)g_array_free (formats, FALSE);
  return self;
}

void
eng_format_speeds_free (EngFormatSpeeds *self)
{
  if (self == NULL)
    return;
  g_free (self->formats);
  g_free (self);
}

const EngFormatSpeed *
eng_format_speeds_find (const EngFormatSpeeds *self, int dtype)
{
  for (guint i = 0; i < self->n; i++)
    if (self->formats[i].dtype == dtype)
      return &self->formats[i];
  return NULL;
}

static void
keep (EngMachine *machine, guint n_threads, const EngFormatSpeed *speed)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *group = group_name (machine, n_threads);
  g_autoptr (GError) error = NULL;
  const char *name = kn_dtype_info (speed->dtype)->name;

  (void)g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  set_figure (file, group, name, "decode", &speed->decode);
  set_figure (file, group, name, "prompt", &speed->prompt);
  g_key_file_set_int64 (file, group, "time_unix_s", g_get_real_time () / G_USEC_PER_SEC);
  if (g_mkdir_with_parents (folder, 0700) != 0 || !g_key_file_save_to_file (file, path, &error))
    g_info ("The measured speeds of formats could not be kept in %s: %s", path,
            error != NULL ? error->message : "no folder");
}

/* ---- measuring ---- */

/* One product by all threads, in chunks of rows. */
typedef struct
{
  KnMatmulFn product;
  KnMatmulArgs args; /* of the whole matrix */
  gsize panel_bytes, scratch_bytes;
  guint8 *scratch; /* [n_threads][scratch_bytes] */
} Work;

static void
product_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  const Work *work = data;
  KnMatmulArgs args = work->args;
  gsize first = (gsize)chunk * CHUNK_ROWS;

  args.panels = (const guint8 *)work->args.panels + first / KN_PANEL_ROWS * work->panel_bytes;
  args.n_rows = MIN ((gsize)CHUNK_ROWS, work->args.n_rows - first);
  args.y += first;
  args.scratch = work->scratch + worker->index * work->scratch_bytes;
  work->product (&args);
}

static gpointer
take (gsize bytes)
{
  gsize rounded = (bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  gpointer p = aligned_alloc (KN_ALIGN, rounded);

  if (p != NULL)
    memset (p, 0, rounded);
  return p;
}

/* Numbers like those of layers; a product takes the same time whatever they are. */
static gpointer
make_panels (int dtype, gsize n_rows)
{
  gsize row_bytes = kn_row_bytes ((KnDtype)dtype, N_COLS);
  gsize panel_bytes = kn_panel_bytes ((KnDtype)dtype, N_COLS);
  g_autofree float *row = g_new (float, N_COLS);
  g_autofree guint8 *rows = g_malloc (KN_PANEL_ROWS * row_bytes);
  guint8 *panels = take (n_rows / KN_PANEL_ROWS * panel_bytes);

  if (panels == NULL)
    return NULL;
  for (guint r = 0; r < KN_PANEL_ROWS; r++)
    {
      for (guint c = 0; c < N_COLS; c++)
        row[c] = 0.02f * sinf ((float)(r * 131 + c * 17));
      kn_quantize_row ((KnDtype)dtype, row, rows + r * row_bytes, N_COLS);
    }
  for (gsize p = 0; p < n_rows / KN_PANEL_ROWS; p++)
    if (p == 0)
      kn_pack_panel ((KnDtype)dtype, rows, row_bytes, KN_PANEL_ROWS, N_COLS, panels);
    else
      memcpy (panels + p * panel_bytes, panels, panel_bytes);
  return panels;
}

static gpointer
make_tokens (int dtype, guint n_tokens, gsize *stride)
{
  const KnTable *kn = kn_table ();
  KnActKind kind = kn_matmul_act ((KnDtype)dtype);
  gsize bytes = kind == KN_ACT_F32 ? N_COLS * sizeof (float) : kn_act_row_bytes (kind, N_COLS);
  guint8 *tokens = take (n_tokens * bytes);
  g_autofree float *row = g_new (float, N_COLS);

  *stride = bytes;
  for (guint t = 0; tokens != NULL && t < n_tokens; t++)
    {
      for (guint c = 0; c < N_COLS; c++)
        row[c] = cosf ((float)(t * 57 + c * 29));
      if (kind == KN_ACT_F32)
        memcpy (tokens + t * bytes, row, bytes);
      else if (kind == KN_ACT_Q8_TOKEN)
        kn->matmul.quantize_q8_token (row, N_COLS, tokens + t * bytes);
      else
        kn->matmul.quantize_q8 (row, N_COLS, tokens + t * bytes);
    }
  return tokens;
}

/* ns per million weights and token; unavailable without memory. */
static EngFigure
measure (int dtype, gsize n_rows, guint n_tokens, RtPool *pool)
{
  Work work = { .product = kn_matmul_fn (&kn_table ()->matmul, (KnDtype)dtype),
                .panel_bytes = kn_panel_bytes ((KnDtype)dtype, N_COLS),
                .scratch_bytes = kn_matmul_scratch_bytes ((KnDtype)dtype, N_COLS) };
  gpointer panels = make_panels (dtype, n_rows), y = take (n_tokens * n_rows * sizeof (float));
  gpointer tokens = make_tokens (dtype, n_tokens, &work.args.x_stride);
  double samples[N_SAMPLES], weights = (double)n_rows * N_COLS * n_tokens;
  EngFigure figure = eng_figure_unavailable (UNIT, "no memory for the measurement");

  work.scratch_bytes = (work.scratch_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  work.scratch = take (rt_pool_n_threads (pool) * work.scratch_bytes);
  if (panels != NULL && y != NULL && tokens != NULL && work.scratch != NULL)
    {
      RtJob job = { .n_phases = 1,
                    .n_chunks = (uint32_t)((n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS),
                    .chunk = product_chunk,
                    .data = &work };
      work.args.n_cols = N_COLS;
      work.args.n_rows = n_rows;
      work.args.n_tokens = n_tokens;
      work.args.panels = panels;
      work.args.x = tokens;
      work.args.y = y;
      work.args.y_stride = n_rows;
      rt_pool_run (pool, &job); /* pages and caches */
      for (guint i = 0; i < N_SAMPLES; i++)
        {
          guint64 start = rt_now_ns ();
          rt_pool_run (pool, &job);
          samples[i] = (double)(rt_now_ns () - start) / weights * 1e6;
        }
      figure = eng_figure_from_samples (samples, N_SAMPLES, UNIT);
    }
  free (panels);
  free (y);
  free (tokens);
  free (work.scratch);
  return figure;
}

/* Rows of a matrix that does not fit the caches. */
static gsize
cold_rows (EngMachine *machine, int dtype)
{
  guint64 bytes = CLAMP (2 * eng_machine_get_cache_bytes (machine), MIN_BYTES, MAX_BYTES);
  gsize rows = bytes / kn_panel_bytes ((KnDtype)dtype, N_COLS) * KN_PANEL_ROWS;

  return MAX (rows / CHUNK_ROWS, 1) * CHUNK_ROWS;
}

gboolean
eng_format_speeds_measure (EngMachine *machine, guint n_threads, gboolean fresh, double max_seconds,
                           EngJob *job, GError **error)
{
  g_return_val_if_fail (machine != NULL && n_threads > 0, FALSE);

  g_autoptr (EngFormatSpeeds) speeds = eng_format_speeds_load (machine, n_threads);
  RtError rt_error = { 0 };
  RtPool *pool = rt_pool_new (n_threads, &rt_error);
  gboolean ok = TRUE;

  if (pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  gint64 start = g_get_monotonic_time ();
  for (guint i = 0; ok && i < speeds->n; i++)
    {
      if ((double)(g_get_monotonic_time () - start) >= max_seconds * G_USEC_PER_SEC)
        break;
      EngFormatSpeed *speed = &speeds->formats[i];
      if (!fresh && speed->decode.available && speed->prompt.available)
        continue;
      if (job != NULL)
        {
          eng_job_report (job, kn_dtype_info (speed->dtype)->name, (double)i / speeds->n);
          if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error))
            {
              ok = FALSE;
              break;
            }
        }
      speed->decode = measure (speed->dtype, cold_rows (machine, speed->dtype), 1, pool);
      speed->prompt = measure (speed->dtype, PROMPT_ROWS, ENG_FORMAT_PROMPT_TOKENS, pool);
      if (!speed->decode.available || !speed->prompt.available)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                       "There is no memory to measure %s with: 256 MB are needed. Close other "
                       "programs and try again.",
                       kn_dtype_info (speed->dtype)->name);
          ok = FALSE;
          break;
        }
      keep (machine, n_threads, speed);
    }
  rt_pool_free (pool);
  if (job != NULL)
    eng_job_finish (job);
  return ok;
}
