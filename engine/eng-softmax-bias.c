/* Measuring what rounded attention weights lose: the model as in its file runs windows of the
 * calibration text, queries and keys of every block are taken from it, and all weights are computed
 * once more and rounded to every number of bits. Called by the technique of the softmax, on a
 * worker; knows nothing of how the kernels do it. */
#include "eng-softmax-bias.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eng-activations-private.h"
#include "eng-error.h"
#include "kn-attn.h"
#include "kn-table.h"
#include "ops/rt-ops.h"

#define MOST_WINDOWS 8
#define RUN_TOKENS 128
#define FIRST_LINE "lathe softmax weights 1"

/* One attention node. */
typedef struct
{
  const RtAttentionAttrs *attrs;
  guint layer;
  RtValueId q, k;
  float *keys; /* [window][n_kv_heads * head_dim] of the window in work */
} Site;

/* Sums of one block and head. */
typedef struct
{
  double lost[ENG_SOFTMAX_N_BITS], weight;
  guint64 n;
} Sums;

typedef struct
{
  EngBuild *build;
  const RtGraph *graph;
  RtExec *exec;
  EngCalibrationTokens text;
  EngJob *job;
  Site *sites;
  guint n_sites, n_heads;
  Sums *sums;         /* [n_sites][n_heads] */
  guint first, n_now; /* tokens of the window in work */
} Measuring;

static void
bias_free (gpointer data)
{
  EngSoftmaxBias *self = data;
  g_free (self->lost);
  g_free (self->mean);
  g_free (self);
}

static EngSoftmaxBias *
bias_new (guint n_layers, guint n_heads)
{
  EngSoftmaxBias *self = g_new0 (EngSoftmaxBias, 1);
  self->n_layers = n_layers;
  self->n_heads = n_heads;
  self->lost = g_new0 (double, n_layers *n_heads *ENG_SOFTMAX_N_BITS + 1);
  self->mean = g_new0 (double, n_layers *n_heads + 1);
  return self;
}

/* ---- looking ---- */

/* Weights of one chunk of one query: @scores become them. */
static void
look_at_chunk (float *scores, guint n, Sums *sums)
{
  float top = -INFINITY;

  for (guint i = 0; i < n; i++)
    top = MAX (top, scores[i]);
  for (guint i = 0; i < n; i++)
    {
      double e = exp ((double)scores[i] - (double)top);
      sums->weight += e;
      for (guint b = 0; b < ENG_SOFTMAX_N_BITS; b++)
        {
          double levels = (double)eng_softmax_levels (b + ENG_SOFTMAX_MIN_BITS);
          sums->lost[b] += e - nearbyint (e * levels) / levels;
        }
    }
  sums->n += n;
}

static void
look_at_head (const Measuring *self, const Site *site, const float *queries, guint head, Sums *sums)
{
  const RtAttentionAttrs *a = site->attrs;
  guint dim = a->head_dim, kv_cols = a->n_kv_heads * dim;
  guint kv_head = head / (a->n_heads / a->n_kv_heads);

  for (guint t = 0; t < self->n_now; t++)
    {
      const float *q = queries + ((gsize)t * a->n_heads + head) * dim;
      guint position = self->first + t;
      guint from = a->window > 0 && position + 1 > a->window ? position + 1 - a->window : 0;
      float scores[KN_ATTN_CHUNK];
      guint n = 0;
      for (guint i = from; i <= position; i++)
        {
          float s
              = a->scale
                * kn_table ()->vec.dot (q, site->keys + (gsize)i * kv_cols + kv_head * dim, dim);
          scores[n++] = a->softcap > 0 ? a->softcap * tanhf (s / a->softcap) : s;
          if ((i + 1) % KN_ATTN_CHUNK == 0 || i == position)
            {
              look_at_chunk (scores, n, sums);
              n = 0;
            }
        }
    }
}

static uint32_t
begin_looking (const RtWorker *worker, void *data, uint32_t phase)
{
  Measuring *self = data;
  return self->n_sites * self->n_heads;
}

static void
look (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Measuring *self = data;
  const Site *site = &self->sites[chunk / self->n_heads];
  guint head = chunk % self->n_heads;

  if (head < site->attrs->n_heads)
    look_at_head (self, site, rt_exec_tap (self->exec, site->q), head, &self->sums[chunk]);
}

static gboolean
run_window (Measuring *self, const gint32 *tokens, GError **error)
{
  RtJob job = { .n_phases = 1, .begin = begin_looking, .chunk = look, .data = self };
  RtError rt_error = { 0 };

  rt_kv_set_n_used (rt_exec_kv (self->exec), 0);
  for (self->first = 0; self->first < self->text.window; self->first += self->n_now)
    {
      self->n_now = MIN (RUN_TOKENS, self->text.window - self->first);
      if (!rt_exec_run (self->exec, tokens + self->first, self->n_now, 1, RT_PHASE_PREFILL,
                        &rt_error))
        return eng_error_take_rt (&rt_error, error);
      for (guint i = 0; i < self->n_sites; i++)
        {
          const Site *site = &self->sites[i];
          gsize n = (gsize)site->attrs->n_kv_heads * site->attrs->head_dim;
          memcpy (site->keys + self->first * n, rt_exec_tap (self->exec, site->k),
                  self->n_now * n * sizeof (float));
        }
      rt_pool_run (self->build->pool, &job);
    }
  return TRUE;
}

static gboolean
run_windows (Measuring *self, guint n, GError **error)
{
  GCancellable *cancellable = self->job != NULL ? eng_job_get_cancellable (self->job) : NULL;

  for (guint i = 0; i < n; i++)
    {
      gsize window = (gsize)i * self->text.n_windows / n;
      if (self->job != NULL)
        eng_job_report (self->job, "Measuring attention weights", (double)i / n);
      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !run_window (self, self->text.tokens + window * self->text.window, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- the model that is watched ---- */

static void
find_sites (Measuring *self)
{
  guint32 n = rt_graph_n_nodes (self->graph);
  self->sites = g_new0 (Site, n + 1);
  for (RtNodeId i = 0; i < n; i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      if (node->op != &rt_op_attention || node->layer < 0)
        continue;
      const RtAttentionAttrs *attrs = node->attrs;
      self->sites[self->n_sites++] = (Site){
        .attrs = attrs,
        .layer = (guint)node->layer,
        .q = node->inputs[0],
        .k = node->inputs[1],
        .keys = g_new (float, (gsize)self->text.window * attrs->n_kv_heads * attrs->head_dim)
      };
      self->n_heads = MAX (self->n_heads, attrs->n_heads);
    }
  self->sums = g_new0 (Sums, self->n_sites * self->n_heads + 1);
}

static gboolean
make_exec (Measuring *self, GError **error)
{
  g_autofree bool *taps = g_new0 (bool, rt_graph_n_values (self->graph));
  EngExecOptions options = { .max_tokens = MIN (RUN_TOKENS, self->text.window),
                             .n_ctx = self->text.window,
                             .taps = taps };

  for (guint i = 0; i < self->n_sites; i++)
    taps[self->sites[i].q] = taps[self->sites[i].k] = true;
  self->exec = eng_build_new_exec (self->build, &options, error);
  return self->exec != NULL;
}

static EngSoftmaxBias *
take_result (Measuring *self, guint n_layers, guint n_windows)
{
  EngSoftmaxBias *result = bias_new (n_layers, self->n_heads);

  result->n_tokens = n_windows * self->text.window;
  for (guint i = 0; i < self->n_sites * self->n_heads; i++)
    {
      const Sums *sums = &self->sums[i];
      guint layer = self->sites[i / self->n_heads].layer;
      gsize at = (gsize)layer * self->n_heads + i % self->n_heads;
      if (sums->n == 0 || layer >= n_layers)
        continue;
      result->mean[at] = sums->weight / (double)sums->n;
      for (guint b = 0; b < ENG_SOFTMAX_N_BITS; b++)
        result->lost[at * ENG_SOFTMAX_N_BITS + b] = sums->lost[b] / (double)sums->n;
    }
  return result;
}

static EngSoftmaxBias *
measure (EngModel *model, EngRecipe *recipe, EngJob *job, GError **error)
{
  Measuring self = { .job = job };
  g_autoptr (EngRecipe) plain = eng_recipe_new ();
  g_autoptr (EngRecipe) watched
      = eng_recipe_with (plain, "fusion", "enabled", NULL, g_variant_new_boolean (FALSE), error);
  EngSoftmaxBias *result = NULL;

  if (watched != NULL && eng_calibration_tokens_make (model, recipe, &self.text, error)
      && (self.build = eng_build_new_within (model, watched, NULL, job, error)) != NULL)
    {
      guint n_windows = MIN (self.text.n_windows, MOST_WINDOWS);
      self.graph = eng_build_get_graph (self.build);
      find_sites (&self);
      if (make_exec (&self, error) && run_windows (&self, n_windows, error))
        result = take_result (&self, eng_model_get_n_layers (model), n_windows);
    }
  rt_exec_free (self.exec);
  for (guint i = 0; i < self.n_sites; i++)
    g_free (self.sites[i].keys);
  g_free (self.sites);
  g_free (self.sums);
  eng_calibration_tokens_clear (&self.text);
  g_clear_object (&self.build);
  return result;
}

/* ---- on disk: one line of sizes, then one of numbers for each block and head ---- */

static char *
dup_path (const char *key)
{
  g_autofree char *directory = eng_activations_dup_directory (key);
  return g_build_filename (directory, "softmax", NULL);
}

static EngSoftmaxBias *
read_kept (const char *path, guint n_layers)
{
  g_autofree char *text = NULL;
  guint kept_layers, n_heads, n_tokens;

  if (!g_file_get_contents (path, &text, NULL, NULL)
      || sscanf (text, FIRST_LINE " %u %u %u", &kept_layers, &n_heads, &n_tokens) != 3
      || kept_layers != n_layers || n_heads == 0 || n_heads > 65536)
    return NULL;
  EngSoftmaxBias *self = bias_new (n_layers, n_heads);
  const char *at = strchr (text, '\n');
  self->n_tokens = n_tokens;
  for (gsize i = 0; i < (gsize)n_layers * n_heads * (ENG_SOFTMAX_N_BITS + 1); i++)
    {
      char *end = NULL;
      gsize head = i / (ENG_SOFTMAX_N_BITS + 1), k = i % (ENG_SOFTMAX_N_BITS + 1);
      double value = at != NULL ? g_ascii_strtod (at, &end) : NAN;
      if (at == NULL || end == at || !isfinite (value))
        {
          bias_free (self);
          return NULL;
        }
      at = end;
      if (k == ENG_SOFTMAX_N_BITS)
        self->mean[head] = value;
      else
        self->lost[head * ENG_SOFTMAX_N_BITS + k] = value;
    }
  return self;
}

/* A cache that cannot be written is no reason to fail: it is measured again next time. */
static void
keep (const char *path, const EngSoftmaxBias *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *directory = g_path_get_dirname (path);
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autoptr (GError) error = NULL;

  g_string_append_printf (text, FIRST_LINE " %u %u %u\n", self->n_layers, self->n_heads,
                          self->n_tokens);
  for (gsize i = 0; i < (gsize)self->n_layers * self->n_heads; i++)
    {
      for (guint b = 0; b < ENG_SOFTMAX_N_BITS; b++)
        g_string_append_printf (text, "%s ",
                                g_ascii_dtostr (number, sizeof number,
                                                self->lost[i * ENG_SOFTMAX_N_BITS + b]));
      g_string_append_printf (text, "%s\n", g_ascii_dtostr (number, sizeof number, self->mean[i]));
    }
  if (g_mkdir_with_parents (directory, 0755) != 0
      || !g_file_set_contents (path, text->str, (gssize)text->len, &error))
    g_info ("softmax statistics are not kept: %s",
            error != NULL ? error->message : g_strerror (errno));
}

/* ---- finding ---- */

static GMutex known_mutex;

/* What @model keeps: key -> EngSoftmaxBias; entries stay as long as it lives. With the mutex. */
static GHashTable *
known_of (EngModel *model)
{
  GQuark quark = g_quark_from_static_string ("eng-softmax-bias");
  GHashTable *known = g_object_get_qdata (G_OBJECT (model), quark);

  if (known == NULL)
    {
      known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, bias_free);
      g_object_set_qdata_full (G_OBJECT (model), quark, known, (GDestroyNotify)g_hash_table_unref);
    }
  return known;
}

static const EngSoftmaxBias *
find_known (EngModel *model, const char *key)
{
  g_mutex_lock (&known_mutex);
  const EngSoftmaxBias *found = g_hash_table_lookup (known_of (model), key);
  g_mutex_unlock (&known_mutex);
  return found;
}

const EngSoftmaxBias *
eng_softmax_bias_peek (EngModel *model, EngRecipe *recipe)
{
  g_autofree char *key = eng_calibration_dup_key (model, recipe);
  return find_known (model, key);
}

const EngSoftmaxBias *
eng_softmax_bias_load (EngModel *model, EngRecipe *recipe, EngJob *job, GError **error)
{
  g_autofree char *key = eng_calibration_dup_key (model, recipe);
  g_autofree char *path = dup_path (key);
  const EngSoftmaxBias *found = find_known (model, key);

  if (found != NULL)
    return found;
  EngSoftmaxBias *made = read_kept (path, eng_model_get_n_layers (model));
  if (made == NULL)
    {
      made = measure (model, recipe, job, error);
      if (made == NULL)
        return NULL;
      keep (path, made);
    }
  g_mutex_lock (&known_mutex);
  GHashTable *known = known_of (model);
  found = g_hash_table_lookup (known, key); /* another worker may have been faster */
  if (found != NULL)
    bias_free (made);
  else
    {
      g_hash_table_insert (known, g_strdup (key), made);
      found = made;
    }
  g_mutex_unlock (&known_mutex);
  return found;
}
