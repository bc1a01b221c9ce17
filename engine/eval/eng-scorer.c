/* Logits of every position, and what is made of them. Called by the passes over texts and
 * questions. */
#include "eval/eng-scorer.h"

#include <math.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "kn-vec.h"
#include "rt-score.h"

/* Logits of one chunk: few enough bytes to stay near the cores, enough rows to make matrix products
 * of them. */
#define LOGIT_BYTES (G_GUINT64_CONSTANT (32) << 20)
#define FEWEST_ROWS 8

struct _EngScorer
{
  EngBuild *build;
  RtExec *exec;
  guint chunk;
};

EngScorer *
eng_scorer_new (EngBuild *build, guint n_ctx, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && n_ctx > 0, NULL);

  EngModel *model = eng_build_get_model (build);
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a network: it predicts no tokens", eng_model_get_name (model));
      return NULL;
    }
  if (n_ctx > eng_build_get_n_ctx (build))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%u tokens at a time are wanted and the context of this build holds %u. Choose "
                   "shorter windows, or raise the context length.",
                   n_ctx, eng_build_get_n_ctx (build));
      return NULL;
    }
  guint64 row_bytes = sizeof (float) * rt_exec_n_vocab (eng_build_get_exec (build));
  EngScorer *self = g_new0 (EngScorer, 1);
  self->chunk = (guint)CLAMP (LOGIT_BYTES / MAX (1, row_bytes), FEWEST_ROWS,
                              eng_build_get_max_tokens (build));
  self->chunk = MIN (self->chunk, MIN (n_ctx, eng_build_get_max_tokens (build)));
  self->build = g_object_ref (build);
  EngExecOptions options = { .max_tokens = self->chunk, .n_outputs = self->chunk, .n_ctx = n_ctx };
  self->exec = eng_build_new_exec (build, &options, error);
  if (self->exec != NULL)
    return self;
  eng_scorer_free (self);
  return NULL;
}

void
eng_scorer_free (EngScorer *self)
{
  if (self == NULL)
    return;
  rt_exec_free (self->exec);
  g_object_unref (self->build);
  g_free (self);
}

guint
eng_scorer_get_chunk (EngScorer *self)
{
  return self->chunk;
}

guint
eng_scorer_get_n_vocab (EngScorer *self)
{
  return rt_exec_n_vocab (self->exec);
}

void
eng_scorer_rewind (EngScorer *self, guint n_used)
{
  rt_kv_set_n_used (rt_exec_kv (self->exec), n_used);
}

gboolean
eng_scorer_feed (EngScorer *self, const gint32 *tokens, guint n, GError **error)
{
  RtError rt_error = { 0 };
  return rt_exec_run (self->exec, tokens, n, n, RT_PHASE_PREFILL, &rt_error)
         || eng_error_take_rt (&rt_error, error);
}

const float *
eng_scorer_logits (EngScorer *self, guint row)
{
  return rt_exec_logits (self->exec, row);
}

typedef struct
{
  void (*row) (guint index, gpointer data);
  gpointer data;
} Rows;

static void
run_row (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Rows *rows = data;
  rows->row (chunk, rows->data);
}

void
eng_scorer_each_row (EngScorer *self, guint n_rows, void (*row) (guint index, gpointer data),
                     gpointer data)
{
  Rows rows = { row, data };
  RtJob job = { .n_phases = 1, .n_chunks = n_rows, .chunk = run_row, .data = &rows };
  rt_pool_run (self->build->pool, &job);
}

/* ---- Probabilities ---- */

static guint
largest (const float *x, guint n)
{
  guint best = 0;
  for (guint i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return best;
}

static double
log_sum_exp (const float *x, guint n, float max)
{
  return (double)max + log (rt_score_sum (x, n, max));
}

double
eng_log_probability (const float *logits, guint n, gint32 target)
{
  RtScore score = rt_score_row (logits, n, target);
  return rt_score_log_probability (&score);
}

/* With p = exp (a - A), q = exp (b - B) and A, B the logarithms of the sums:  KL = sum p (a - b) -
 *                                                                             A + B. */
double
eng_divergence (const float *p, const float *q, guint n, gboolean *same)
{
  guint best_p = largest (p, n), best_q = largest (q, n);
  float max = p[best_p];
  double sum = 0, weighted = 0;

  for (guint i = 0; i < n; i++)
    {
      double e = (double)kn_expf (p[i] - max);
      sum += e;
      weighted += e * ((double)p[i] - (double)q[i]);
    }
  if (same != NULL)
    *same = best_p == best_q;
  double kl = weighted / sum - log_sum_exp (p, n, max) + log_sum_exp (q, n, q[best_q]);
  return MAX (0, kl);
}
