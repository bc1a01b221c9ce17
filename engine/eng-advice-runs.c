/* What the history knows that advice can be weighed with: runs of the same model under the same
 * workload on the same device, and evaluations. */
#include "eng-advice-private.h"

#include "eng-tradeoff-private.h"

void
eng_advice_run_free (EngAdviceRun *run)
{
  if (run == NULL)
    return;
  g_free (run->id);
  g_free (run->set);
  g_clear_pointer (&run->recipe, eng_recipe_unref);
  g_free (run);
}

static const EngTradeoffRun *
find_run (EngTradeoffRuns *runs, const char *id)
{
  for (guint i = 0; i < runs->runs->len; i++)
    {
      const EngTradeoffRun *run = g_ptr_array_index (runs->runs, i);

      if (g_strcmp0 (run->id, id) == 0)
        return run;
    }
  return NULL;
}

/* Times need the same workload on the same device, an evaluation's share of right answers
 * neither. */
static gboolean
is_comparable (const EngTradeoffRun *run, const EngTradeoffRun *like)
{
  if (run->recipe == NULL || run->validity == ENG_RUN_INVALID || run->estimate
      || g_strcmp0 (run->model_hash, like->model_hash) != 0)
    return FALSE;
  if (run->set != NULL)
    return TRUE;
  return g_strcmp0 (run->workload_key, like->workload_key) == 0
         && g_strcmp0 (run->device, like->device) == 0;
}

/* The figure that says most of what was evaluated. */
static void
take_quality (EngAdviceRun *run, const EngTradeoffRun *from)
{
  static const EngFigureId ids[]
      = { ENG_FIGURE_PERPLEXITY,      ENG_FIGURE_ACCURACY, ENG_FIGURE_MEAN_PRECISION,
          ENG_FIGURE_LANDMARK_ERROR,  ENG_FIGURE_MEAN_IOU, ENG_FIGURE_SOUND_SNR,
          ENG_FIGURE_OUTPUT_AGREEMENT };

  run->quality = eng_figure_unavailable ("%", "not evaluated");
  for (guint i = 0; i < G_N_ELEMENTS (ids) && from->set != NULL && !run->quality.available; i++)
    {
      run->quality_id = ids[i];
      run->quality = from->figures[ids[i]];
    }
}

static EngAdviceRun *
take_run (const EngTradeoffRun *from)
{
  gboolean timed = from->set == NULL;
  EngAdviceRun *run = g_new0 (EngAdviceRun, 1);

  run->id = g_strdup (from->id);
  run->set = g_strdup (from->set);
  run->recipe = eng_recipe_ref (from->recipe);
  take_quality (run, from);
  run->memory = from->figures[ENG_FIGURE_PEAK_MEMORY];
  if (timed)
    run->step = from->figures[from->kind == ENG_WORKLOAD_INPUT ? ENG_FIGURE_INFERENCE
                                                               : ENG_FIGURE_STEP_CLEAN];
  else
    run->step = eng_figure_unavailable ("ms", "of another workload");
  run->prefill = timed ? from->figures[ENG_FIGURE_PREFILL]
                       : eng_figure_unavailable ("tok/s", "of another workload");
  return run;
}

GPtrArray *
eng_advice_collect_runs (EngHistory *history, EngRun *like, GError **error)
{
  g_autoptr (EngTradeoffRuns) runs = eng_tradeoff_runs_new ();
  GPtrArray *list;
  const EngTradeoffRun *self;

  g_return_val_if_fail (ENG_IS_HISTORY (history) && ENG_IS_RUN (like), NULL);

  if (!eng_tradeoff_runs_add_history (runs, history, error))
    return NULL;
  eng_tradeoff_runs_add (runs, like);
  list = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_advice_run_free);
  self = find_run (runs, eng_run_get_id (like));
  for (guint i = 0; i < runs->runs->len; i++)
    {
      const EngTradeoffRun *run = g_ptr_array_index (runs->runs, i);

      if (run != self && is_comparable (run, self))
        g_ptr_array_add (list, take_run (run));
    }
  return list;
}

/* Calibration reads every file of a folder: one that is no input would end it. */
static gboolean
holds_inputs_only (const char *path)
{
  static const char *const endings[] = { ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm",
                                         ".pgm", ".wav", ".flac", ".npy", ".bin" };
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_autofree char *lower = g_ascii_strdown (name, -1);
      gboolean known = g_file_test (file, G_FILE_TEST_IS_DIR); /* a class */

      for (guint i = 0; i < G_N_ELEMENTS (endings) && !known; i++)
        known = g_str_has_suffix (lower, endings[i]);
      if (!known)
        return FALSE;
      n++;
    }
  return n > 1;
}

/* One picture says nothing of the ranges that others have. */
static gboolean
is_many (const char *path)
{
  if (path == NULL)
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return holds_inputs_only (path);
  return g_file_test (path, G_FILE_TEST_IS_REGULAR)
         && (g_str_has_suffix (path, ".tar") || g_str_has_suffix (path, ".tar.gz")
             || g_str_has_suffix (path, ".tgz"));
}

char *
eng_advice_find_samples (const EngWorkload *workload, GPtrArray *runs)
{
  for (guint i = 0; workload != NULL && workload->inputs != NULL && workload->inputs[i] != NULL;
       i++)
    if (is_many (workload->inputs[i]))
      return g_strdup (workload->inputs[i]);
  for (guint i = 0; runs != NULL && i < runs->len; i++)
    {
      const EngAdviceRun *run = g_ptr_array_index (runs, i);

      if (is_many (run->set))
        return g_strdup (run->set);
    }
  return NULL;
}
