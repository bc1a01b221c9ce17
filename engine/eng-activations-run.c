/* Measuring: the model as in its file, unfused and with float products, runs the calibration text,
 * and every value that a matrix is multiplied with is looked at. Second moments are gathered in
 * groups of values that fit into memory together, each in a pass of its own over the part of the
 * model that it needs. Called by eng-activations.c, on a worker. */
#include <math.h>
#include <string.h>

#include "eng-activations-private.h"
#include "eng-error.h"
#include "kn-matmul.h"
#include "ops/rt-ops.h"

#define CHUNK 128 /* tokens of one executor run */
#define LANE 64   /* channels that one job looks at */
#define LONG_S 10

/* Second moments that are held at a time: a quarter of the memory that is free, within reason. */
#define LEAST_BYTES (G_GUINT64_CONSTANT (128) << 20)
#define MOST_BYTES (G_GUINT64_CONSTANT (2) << 30)

/* Sums of one value's channels. */
typedef struct
{
  double *sum, *square; /* [n] */
} SiteSums;

typedef struct
{
  EngActivations *result;
  EngModel *model;
  EngBuild *build;
  const RtGraph *graph;
  RtExec *exec;
  EngCalibrationTokens text;
  EngJob *job;
  RtValueId *sites;    /* [n_sites] */
  RtValueId *residual; /* [n_layers + 1]: what enters block l, and what leaves the last */

  gboolean channels;         /* this pass gathers them */
  SiteSums *sums;            /* [n_sites] */
  double *cosines, *changes; /* [n_layers] sums */
  guint64 *n_block_rows;     /* [n_layers] */
  EngMoments **moments;      /* [n_sites], NULL: not in this pass */
  guint64 n_rows;

  guint n_passes, pass;
  guint64 start_ns;
  guint n_now; /* rows of this run */
} Measuring;

/* ---- the model that is watched ---- */

static gboolean
has_float_products (EngModel *model)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (kn_matmul_act ((KnDtype)eng_model_get_tensor (model, i)->dtype) != KN_ACT_F32)
      return FALSE;
  return TRUE;
}

/* As in the file, with nothing that changes results; matrices of few bits as F16, which holds their
 * numbers to 11 bits and is multiplied with activations that are not rounded. */
static EngRecipe *
watched_recipe (EngModel *model, EngRecipe *recipe, GError **error)
{
  g_autoptr (EngRecipe) plain = eng_recipe_new ();
  g_autoptr (EngRecipe) unfused
      = eng_recipe_with (plain, "fusion", "enabled", NULL, g_variant_new_boolean (FALSE), error);
  g_autoptr (EngRecipe) threaded
      = unfused == NULL ? NULL
        : eng_recipe_is_set (recipe, "threads", "count")
            ? eng_recipe_with (unfused, "threads", "count", NULL,
                               eng_recipe_get (recipe, "threads", "count", NULL), error)
            : eng_recipe_ref (unfused);

  if (threaded == NULL || has_float_products (model))
    return g_steal_pointer (&threaded);
  return eng_recipe_with (threaded, "weight-format", "format", NULL, g_variant_new_string ("f16"),
                          error);
}

static void
find_values (Measuring *self)
{
  guint n_layers = self->result->n_layers;

  self->sites = g_new (RtValueId, MAX (1, self->result->sites->len));
  for (guint i = 0; i < self->result->sites->len; i++)
    self->sites[i]
        = rt_graph_find_value (self->graph, ((EngSite *)self->result->sites->pdata[i])->name);
  /* The first node of a block reads the residual stream, and so does the first one after the
   * last. */
  self->residual = g_new (RtValueId, n_layers + 1);
  for (guint l = 0; l <= n_layers; l++)
    self->residual[l] = RT_NONE;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      if (node->layer >= 0 && node->layer <= (int)n_layers
          && self->residual[node->layer] == RT_NONE)
        self->residual[node->layer] = node->inputs[0];
    }
}

/* Memory of its own for every value that is looked at. */
static gboolean
make_exec (Measuring *self, GError **error)
{
  g_autofree bool *taps = g_new0 (bool, rt_graph_n_values (self->graph));
  EngExecOptions options = { .max_tokens = MIN (CHUNK, self->text.window),
                             .n_outputs = MIN (CHUNK, self->text.window),
                             .n_ctx = self->text.window,
                             .taps = taps };

  for (guint i = 0; i < self->result->sites->len; i++)
    taps[self->sites[i]] = true;
  for (guint l = 0; l <= self->result->n_layers; l++)
    if (self->residual[l] != RT_NONE)
      taps[self->residual[l]] = true;
  self->exec = eng_build_new_exec (self->build, &options, error);
  return self->exec != NULL;
}

/* Only the nodes up to the one that makes the last value of this pass. */
static gboolean
choose_nodes (Measuring *self, GError **error)
{
  guint32 n_nodes = rt_graph_n_nodes (self->graph);
  g_autofree bool *nodes = g_new0 (bool, n_nodes);
  RtNodeId last = 0;
  RtError rt_error = { 0 };

  for (guint i = 0; i < self->result->sites->len; i++)
    if (self->channels || self->moments[i] != NULL)
      last = MAX (last, rt_graph_value (self->graph, self->sites[i])->producer);
  for (guint l = 0; self->channels && l <= self->result->n_layers; l++)
    if (self->residual[l] != RT_NONE
        && rt_graph_value (self->graph, self->residual[l])->producer != RT_NONE)
      last = MAX (last, rt_graph_value (self->graph, self->residual[l])->producer);
  for (RtNodeId i = 0; i <= last; i++)
    nodes[i] = true;
  return rt_exec_choose (self->exec, nodes, &rt_error) || eng_error_take_rt (&rt_error, error);
}

/* ---- looking at what has flowed by ---- */

static void
look_at_channels (Measuring *self, guint index, gsize first, gsize end)
{
  EngSite *site = self->result->sites->pdata[index];
  const float *rows = rt_exec_tap (self->exec, self->sites[index]);
  SiteSums *sums = &self->sums[index];

  for (guint t = 0; t < self->n_now; t++)
    {
      const float *x = rows + t * site->n;
      for (gsize c = first; c < end; c++)
        {
          float a = fabsf (x[c]);
          sums->sum[c] += (double)x[c];
          sums->square[c] += (double)x[c] * (double)x[c];
          site->max_abs[c] = a > site->max_abs[c] ? a : site->max_abs[c];
          site->one[c * ENG_ONE_BINS
                    + eng_histogram_log_bin (a, ENG_ONE_BITS, ENG_ONE_LOW, ENG_ONE_BINS)]++;
        }
    }
}

static void
look_at_all (Measuring *self, guint index)
{
  EngSite *site = self->result->sites->pdata[index];
  const float *rows = rt_exec_tap (self->exec, self->sites[index]);
  gsize n = site->n * self->n_now;
  float check = 0;

  for (gsize i = 0; i < n; i++)
    {
      check += rows[i] * 0; /* NaN as soon as one is not finite */
      site->all[eng_histogram_log_bin (fabsf (rows[i]), ENG_ALL_BITS, ENG_ALL_LOW, ENG_ALL_BINS)]++;
    }
  if (!(check == 0))
    site->is_spoilt = TRUE;
}

static void
look_at_block (Measuring *self, guint layer)
{
  RtValueId from = self->residual[layer], to = self->residual[layer + 1];
  if (from == RT_NONE || to == RT_NONE)
    return;
  const RtShape *shape = &rt_graph_value (self->graph, from)->shape;
  gsize n = (gsize)shape->dims[shape->n_dims - 1];
  const float *before = rt_exec_tap (self->exec, from), *after = rt_exec_tap (self->exec, to);

  for (guint t = 0; t < self->n_now; t++, before += n, after += n)
    {
      double bb = 0, aa = 0, ab = 0, dd = 0;
      for (gsize c = 0; c < n; c++)
        {
          double b = (double)before[c], a = (double)after[c];
          bb += b * b;
          aa += a * a;
          ab += a * b;
          dd += (a - b) * (a - b);
        }
      if (!(bb > 0) || !(aa > 0))
        continue;
      self->cosines[layer] += ab / sqrt (aa * bb);
      self->changes[layer] += sqrt (dd / bb);
      self->n_block_rows[layer]++;
    }
}

/* Phase 0: one chunk for every 64 channels of every value; phase 1: a value, or a block. */
static guint
n_lanes (Measuring *self)
{
  guint n = 0;
  for (guint i = 0; i < self->result->sites->len; i++)
    n += (guint)((((EngSite *)self->result->sites->pdata[i])->n + LANE - 1) / LANE);
  return n;
}

static uint32_t
begin_looking (const RtWorker *worker, void *data, uint32_t phase)
{
  Measuring *self = data;
  return phase == 0 ? n_lanes (self) : self->result->sites->len + self->result->n_layers;
}

static void
look (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Measuring *self = data;

  if (phase == 1)
    {
      if (chunk < self->result->sites->len)
        look_at_all (self, chunk);
      else
        look_at_block (self, chunk - self->result->sites->len);
      return;
    }
  for (guint i = 0; i < self->result->sites->len; i++)
    {
      gsize n = ((EngSite *)self->result->sites->pdata[i])->n, lanes = (n + LANE - 1) / LANE;
      if (chunk < lanes)
        {
          look_at_channels (self, i, chunk * LANE, MIN (n, (chunk + 1) * LANE));
          return;
        }
      chunk -= (uint32_t)lanes;
    }
}

static void
look_at_run (Measuring *self)
{
  RtPool *pool = self->build->pool;
  RtJob job = { .n_phases = 2, .begin = begin_looking, .chunk = look, .data = self };

  if (self->channels)
    rt_pool_run (pool, &job);
  for (guint i = 0; i < self->result->sites->len; i++)
    if (self->moments[i] != NULL)
      eng_moments_add (self->moments[i], rt_exec_tap (self->exec, self->sites[i]), self->n_now,
                       pool);
}

/* ---- passes ---- */

static void
report (Measuring *self, guint window)
{
  if (self->job == NULL)
    return;
  double done = (self->pass + (double)window / self->text.n_windows) / self->n_passes;
  double seconds = (double)(rt_now_ns () - self->start_ns) * 1e-9;
  g_autofree char *stage
      = g_strdup_printf ("Calibrating: %u of %u tokens%s", window * self->text.window,
                         self->text.n_windows * self->text.window,
                         self->n_passes > 1 && done > 0 && seconds > LONG_S * done
                             ? "; what is done is kept"
                             : "");
  eng_job_report (self->job, stage, done);
}

static gboolean
run_window (Measuring *self, const gint32 *tokens, GError **error)
{
  RtKv *kv = rt_exec_kv (self->exec);
  RtError rt_error = { 0 };

  if (kv != NULL)
    rt_kv_set_n_used (kv, 0);
  for (guint at = 0; at < self->text.window; at += self->n_now)
    {
      self->n_now = MIN (CHUNK, self->text.window - at);
      if (!rt_exec_run (self->exec, tokens + at, self->n_now, self->n_now, RT_PHASE_PREFILL,
                        &rt_error))
        return eng_error_take_rt (&rt_error, error);
      look_at_run (self);
      self->n_rows += self->n_now;
    }
  return TRUE;
}

static gboolean
run_pass (Measuring *self, GError **error)
{
  GCancellable *cancellable = self->job != NULL ? eng_job_get_cancellable (self->job) : NULL;

  self->n_rows = 0;
  if (!choose_nodes (self, error))
    return FALSE;
  for (guint i = 0; i < self->text.n_windows; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      report (self, i);
      if (!run_window (self, self->text.tokens + (gsize)i * self->text.window, error))
        return FALSE;
    }
  self->pass++;
  return TRUE;
}

static gboolean
finish_channels (Measuring *self, GError **error)
{
  double n = (double)MAX (1, self->n_rows);

  for (guint i = 0; i < self->result->sites->len; i++)
    {
      EngSite *site = self->result->sites->pdata[i];
      if (site->is_spoilt)
        {
          g_set_error (
              error, ENG_ERROR, ENG_ERROR_FORMAT,
              "Calibration: %s is not finite on this text: the model's own numbers overflow, "
              "and nothing can be chosen from that",
              site->name);
          return FALSE;
        }
      for (gsize c = 0; c < site->n; c++)
        {
          site->mean[c] = (float)(self->sums[i].sum[c] / n);
          site->mean_square[c] = (float)(self->sums[i].square[c] / n);
        }
    }
  for (guint l = 0; l < self->result->n_layers; l++)
    {
      double rows = (double)self->n_block_rows[l];
      self->result->blocks[l]
          = rows > 0 ? (EngBlockEffect){ self->cosines[l] / rows, self->changes[l] / rows }
                     : (EngBlockEffect){ NAN, NAN };
    }
  self->result->n_tokens = (guint)self->n_rows;
  self->result->source = g_strdup (self->text.source);
  self->channels = FALSE;
  return eng_activations_write (self->result, error);
}

static gboolean
finish_moments (Measuring *self, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < self->result->sites->len; i++)
    {
      if (ok && self->moments[i] != NULL)
        {
          gsize n = ((EngSite *)self->result->sites->pdata[i])->n;
          g_autofree float *triangle = g_new (float, n *(n + 1) / 2);
          eng_moments_finish (self->moments[i], self->n_rows, triangle);
          ok = eng_activations_write_hessian (self->result, i, triangle, error);
        }
      g_clear_pointer (&self->moments[i], eng_moments_free);
    }
  return ok;
}

static guint64
moment_bytes (Measuring *self, guint site)
{
  guint64 n = ((EngSite *)self->result->sites->pdata[site])->n;
  return 4 * n * n;
}

static guint64
free_bytes (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL)
      || (line = strstr (text, "MemAvailable:")) == NULL)
    return LEAST_BYTES * 4;
  return g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10) * 1024;
}

/* The next values, in network order, whose moments are not kept yet and fit @budget; FALSE: none is
 * left. */
static gboolean
choose_group (Measuring *self, guint64 budget, gboolean make, guint *from)
{
  guint64 bytes = 0;
  gboolean any = FALSE;

  for (; *from < self->result->sites->len; (*from)++)
    {
      EngSite *site = self->result->sites->pdata[*from];
      if (eng_activations_has_hessian (self->result, *from))
        continue;
      if (any && bytes + moment_bytes (self, *from) > budget)
        break;
      bytes += moment_bytes (self, *from);
      any = TRUE;
      if (make)
        self->moments[*from] = eng_moments_new (site->n);
    }
  return any;
}

static gboolean
run_groups (Measuring *self, gboolean hessians, GError **error)
{
  guint64 budget = CLAMP (free_bytes () / 4, LEAST_BYTES, MOST_BYTES), missing = 0;
  guint from = 0;

  for (guint i = 0; hessians && choose_group (self, budget, FALSE, &from); i++)
    self->n_passes = i + 1;
  self->n_passes = MAX (1, self->n_passes);
  for (guint i = 0; hessians && i < self->result->sites->len; i++)
    missing += eng_activations_has_hessian (self->result, i) ? 0 : moment_bytes (self, i) / 2;
  eng_activations_make_room (self->result, missing);
  from = 0;
  while ((hessians && choose_group (self, budget, TRUE, &from)) || self->channels)
    if (!run_pass (self, error) || (self->channels && !finish_channels (self, error))
        || !finish_moments (self, error))
      return FALSE;
  return TRUE;
}

/* ---- all of it ---- */

static void
make_sums (Measuring *self)
{
  guint n_sites = self->result->sites->len, n_layers = self->result->n_layers;

  self->sums = g_new0 (SiteSums, MAX (1, n_sites));
  self->moments = g_new0 (EngMoments *, MAX (1, n_sites));
  self->cosines = g_new0 (double, MAX (1, n_layers));
  self->changes = g_new0 (double, MAX (1, n_layers));
  self->n_block_rows = g_new0 (guint64, MAX (1, n_layers));
  for (guint i = 0; i < n_sites; i++)
    {
      EngSite *site = self->result->sites->pdata[i];
      self->sums[i].sum = g_new0 (double, 2 * site->n);
      self->sums[i].square = self->sums[i].sum + site->n;
    }
}

static void
measuring_clear (Measuring *self)
{
  for (guint i = 0; i < self->result->sites->len; i++)
    {
      if (self->sums != NULL)
        g_free (self->sums[i].sum);
      if (self->moments != NULL)
        eng_moments_free (self->moments[i]);
    }
  g_free (self->sums);
  g_free (self->moments);
  g_free (self->cosines);
  g_free (self->changes);
  g_free (self->n_block_rows);
  g_free (self->sites);
  g_free (self->residual);
  eng_calibration_tokens_clear (&self->text);
  rt_exec_free (self->exec);
  g_clear_object (&self->build);
}

gboolean
eng_activations_measure (EngActivations *result, EngModel *model, EngRecipe *recipe,
                         gboolean channels, gboolean hessians, EngJob *job, GError **error)
{
  Measuring self = { .result = result, .model = model, .job = job, .channels = channels };
  g_autoptr (EngRecipe) watched = NULL;
  gboolean ok = eng_calibration_tokens_make (model, recipe, &self.text, error)
                && (watched = watched_recipe (model, recipe, error)) != NULL
                && (self.build = eng_build_new_within (model, watched, NULL, job, error)) != NULL;

  if (ok)
    {
      self.graph = eng_build_get_graph (self.build);
      self.start_ns = rt_now_ns ();
      find_values (&self);
      make_sums (&self);
      ok = make_exec (&self, error) && run_groups (&self, hessians, error);
    }
  measuring_clear (&self);
  return ok;
}
