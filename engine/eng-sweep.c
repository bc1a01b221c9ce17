/* Many recipes, one after the other: build, run, evaluate, keep. Called by the command line on its
 * thread; knows no technique. */
#include "eng-sweep.h"

#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-text-set.h"

/* Bytes of the first bundled text that make the prompt: about 128 tokens of a vocabulary of
 * 50,000. */
#define PROMPT_BYTES 560

typedef struct
{
  EngModel *model;
  const EngSweepConfig *config;
  EngHistory *history;
  EngJob *job;
  guint index, n;
  const EngSweepItem *item;

  EngWorkload *workload;
  EngEvalOptions options; /* data NULL: no evaluation */
  EngBuild *last;         /* its packed matrices are shared where the next recipe wants the same */
  EngBuild *baseline;     /* NULL until one is needed */
  GPtrArray *known;       /* EngHistoryEntry of the model, newest first; NULL without a history */
} Sweep;

static void
row_free (gpointer data)
{
  EngSweepRow *row = data;
  g_clear_object (&row->run);
  g_clear_object (&row->evaluation);
  g_free (row->error);
  g_free (row);
}

static GCancellable *
get_cancellable (Sweep *sweep)
{
  return sweep->job != NULL ? eng_job_get_cancellable (sweep->job) : NULL;
}

static void
report (Sweep *sweep, const char *what)
{
  g_autofree char *stage
      = g_strdup_printf ("%u of %u, %s: %s", sweep->index + 1, sweep->n, sweep->item->name, what);
  if (sweep->job != NULL)
    eng_job_report (sweep->job, stage, (double)sweep->index / sweep->n);
}

/* ---- What is done ---- */

/* The beginning of a bundled text, cut behind a word. */
static char *
make_prompt (GError **error)
{
  g_autoptr (EngTextSet) set = eng_text_set_load (ENG_BUNDLED_TEXTS, error);
  if (set == NULL)
    return NULL;
  gsize n;
  const EngText *text = set->texts->pdata[0];
  const char *bytes = g_bytes_get_data (text->text, &n);
  n = MIN (n, PROMPT_BYTES);
  while (n > 1 && bytes[n - 1] != ' ')
    n--;
  return g_strndup (bytes, n - 1);
}

static gboolean
make_workload (Sweep *sweep, GError **error)
{
  const EngSweepConfig *config = sweep->config;
  gboolean language = eng_model_get_kind (sweep->model) == ENG_MODEL_LANGUAGE;

  if (language)
    {
      g_autofree char *prompt = make_prompt (error);
      if (prompt == NULL)
        return FALSE;
      sweep->workload = eng_workload_new (prompt);
      sweep->workload->n_predict = config->n_decode > 0 ? config->n_decode : ENG_SWEEP_DECODE;
      sweep->workload->ignore_end = TRUE;
    }
  else
    sweep->workload = eng_workload_new_input (config->inputs);
  sweep->workload->interval_width = config->interval_width;
  sweep->workload->budget_s = config->budget_s;
  sweep->options.n_tokens = config->n_tokens;
  sweep->options.data = config->data != NULL ? config->data : language ? ENG_BUNDLED_TEXTS : NULL;
  return TRUE;
}

/* ---- What is there ---- */

static EngRun *
find_run (Sweep *sweep, const char *build_hash)
{
  for (guint i = 0; sweep->known != NULL && i < sweep->known->len; i++)
    {
      const EngHistoryEntry *entry = sweep->known->pdata[i];
      if (entry->validity == ENG_RUN_INVALID || strcmp (entry->build_hash, build_hash) != 0)
        continue;
      g_autoptr (EngRun) run = eng_history_get (sweep->history, entry->id, NULL);
      if (run != NULL && eng_run_get_evaluation (run) == NULL
          && eng_workload_equal (eng_run_get_workload (run), sweep->workload)
          && eng_run_get_figure (run, ENG_FIGURE_WEIGHTS).available)
        return g_steal_pointer (&run);
    }
  return NULL;
}

/* Of the same results on the same set: threads and the like do not matter. */
static EngRun *
find_evaluation (Sweep *sweep, EngRecipe *recipe)
{
  g_autofree char *key = eng_evaluate_dup_key (sweep->model, recipe);

  for (guint i = 0; sweep->known != NULL && i < sweep->known->len; i++)
    {
      const EngHistoryEntry *entry = sweep->known->pdata[i];
      g_autoptr (EngRun) run = entry->validity != ENG_RUN_INVALID
                                   ? eng_history_get (sweep->history, entry->id, NULL)
                                   : NULL;
      EngEvaluation *evaluation = run != NULL ? eng_run_get_evaluation (run) : NULL;
      if (evaluation != NULL && g_strcmp0 (eng_evaluation_get_key (evaluation), key) == 0
          && g_strcmp0 (eng_evaluation_get_data (evaluation), sweep->options.data) == 0)
        return g_steal_pointer (&run);
    }
  return NULL;
}

/* ---- One recipe ---- */

static gboolean
keep (Sweep *sweep, EngRun *run, GError **error)
{
  return sweep->history == NULL || eng_history_add (sweep->history, run, error);
}

static gboolean
evaluate (Sweep *sweep, EngBuild *build, EngSweepRow *row, GError **error)
{
  if (sweep->options.data == NULL)
    return TRUE;
  report (sweep, "evaluating");
  if (sweep->baseline == NULL)
    sweep->baseline = eng_evaluate_make_baseline (build, NULL, error);
  if (sweep->baseline == NULL)
    return FALSE;
  row->evaluation = eng_run_evaluate (build, sweep->baseline, &sweep->options, sweep->job, error);
  return row->evaluation != NULL && keep (sweep, row->evaluation, error);
}

static gboolean
measure (Sweep *sweep, EngSweepRow *row, GError **error)
{
  gint64 start = g_get_monotonic_time ();

  report (sweep, "building");
  g_autoptr (EngBuild) build
      = eng_build_new_within (sweep->model, sweep->item->recipe, sweep->last, sweep->job, error);
  if (build == NULL)
    return FALSE;
  row->build_s = (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  g_set_object (&sweep->last, build);

  if (!sweep->config->again)
    {
      row->run = find_run (sweep, eng_build_get_hash (build));
      row->evaluation = find_evaluation (sweep, sweep->item->recipe);
      row->is_kept = row->run != NULL && row->evaluation != NULL;
    }
  if (row->run == NULL)
    {
      report (sweep, "running");
      row->run = eng_run_new (build, sweep->workload, NULL, NULL, get_cancellable (sweep), error);
      /* One that was stopped on the way is not what the sweep is for. */
      if (row->run == NULL || g_cancellable_set_error_if_cancelled (get_cancellable (sweep), error)
          || !keep (sweep, row->run, error))
        return FALSE;
    }
  return row->evaluation != NULL || evaluate (sweep, build, row, error);
}

static EngSweepRow *
make_row (Sweep *sweep, GError **error)
{
  EngSweepRow *row = g_new0 (EngSweepRow, 1);
  GError *local = NULL;

  row->item = sweep->item;
  row->build_s = NAN;
  if (measure (sweep, row, &local))
    return row;
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, local);
      row_free (row);
      return NULL;
    }
  row->error = g_strdup (local->message);
  g_error_free (local);
  return row;
}

static gboolean
read_history (Sweep *sweep, GError **error)
{
  if (sweep->history == NULL || sweep->config->again)
    return TRUE;
  g_autofree char *hash = eng_model_dup_hash (sweep->model, get_cancellable (sweep), error);
  if (hash != NULL)
    sweep->known = eng_history_list (sweep->history, hash, error);
  return sweep->known != NULL;
}

GPtrArray *
eng_sweep (EngModel *model, GPtrArray *items, const EngSweepConfig *config, EngHistory *history,
           EngJob *job, EngSweepFunc func, gpointer user_data, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && items != NULL && config != NULL, NULL);

  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);
  Sweep sweep
      = { .model = model, .config = config, .history = history, .job = job, .n = items->len };
  gboolean ok = make_workload (&sweep, error) && read_history (&sweep, error);

  for (; ok && sweep.index < sweep.n; sweep.index++)
    {
      sweep.item = items->pdata[sweep.index];
      EngSweepRow *row = make_row (&sweep, error);
      ok = row != NULL;
      if (!ok)
        break;
      g_ptr_array_add (rows, row);
      if (func != NULL)
        func (row, sweep.index, sweep.n, user_data);
    }
  g_clear_pointer (&sweep.workload, eng_workload_free);
  g_clear_pointer (&sweep.known, g_ptr_array_unref);
  g_clear_object (&sweep.last);
  g_clear_object (&sweep.baseline);
  if (job != NULL)
    eng_job_finish (job);
  return ok ? g_steal_pointer (&rows) : NULL;
}
