/* The entry of evaluations: what the data is, which pass it gets, what the baseline is. */
#include "eval/eng-evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-model-private.h"
#include "eval/eng-eval-private.h"
#include "rt-clock.h"

/* ---- Shared by the passes ---- */

gboolean
eng_eval_open_scorers (EngEvalPass *pass, guint n_ctx, EngScorer *scorers[2], GError **error)
{
  scorers[0] = eng_scorer_new (pass->build, n_ctx, error);
  scorers[1] = NULL;
  if (scorers[0] == NULL)
    return FALSE;
  if (pass->baseline == NULL || pass->baseline == pass->build)
    return TRUE;
  scorers[1] = eng_scorer_new (pass->baseline, n_ctx, error);
  if (scorers[1] != NULL
      && eng_scorer_get_n_vocab (scorers[0]) == eng_scorer_get_n_vocab (scorers[1]))
    return TRUE;
  if (scorers[1] != NULL)
    g_set_error (
        error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
        "%s knows %u tokens and %s %u: predictions of different vocabularies do not compare. "
        "Evaluate each alone and compare bits per byte",
        eng_model_get_name (eng_build_get_model (pass->build)), eng_scorer_get_n_vocab (scorers[0]),
        eng_model_get_name (eng_build_get_model (pass->baseline)),
        eng_scorer_get_n_vocab (scorers[1]));
  for (guint k = 0; k < 2; k++)
    g_clear_pointer (&scorers[k], eng_scorer_free);
  return FALSE;
}

static gboolean
encode (EngBuild *build, const char *text, gsize n_bytes, gboolean special, gint32 **tokens,
        gsize *n, GError **error)
{
  EngModel *model = eng_build_get_model (build);
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (build);
  RtError rt_error = { 0 };

  if (tokenizer == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s cannot read text: %s",
                   eng_model_get_name (model), eng_model_get_tokenizer_error (model));
      return FALSE;
    }
  return rt_tokenizer_encode (tokenizer, text, n_bytes, special, FALSE, tokens, n, &rt_error)
         || eng_error_take_rt (&rt_error, error);
}

gboolean
eng_eval_tokenize (EngEvalPass *pass, const char *text, gsize n_bytes, gboolean special,
                   gint32 **tokens, gsize *n, GError **error)
{
  EngModel *model = eng_build_get_model (pass->build);
  EngModel *other = pass->baseline != NULL ? eng_build_get_model (pass->baseline) : model;
  gint32 *theirs = NULL;
  gsize n_theirs;

  if (!encode (pass->build, text, n_bytes, special, tokens, n, error))
    return FALSE;
  if (other == model)
    return TRUE;
  gboolean ok = encode (pass->baseline, text, n_bytes, special, &theirs, &n_theirs, error);
  if (ok && (n_theirs != *n || memcmp (theirs, *tokens, n_theirs * sizeof *theirs) != 0))
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "%s and %s cut the text into different tokens: their predictions do not compare. "
          "Evaluate each alone and compare bits per byte",
          eng_model_get_name (model), eng_model_get_name (other));
      ok = FALSE;
    }
  free (theirs);
  if (!ok)
    g_clear_pointer (tokens, free);
  return ok;
}

/* ---- The baseline ---- */

char *
eng_evaluate_dup_key (EngModel *model, EngRecipe *recipe)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);

  g_autoptr (EngRecipe) part = eng_recipe_lossy_part (recipe);
  g_autofree char *json = eng_recipe_to_json (part);
  g_autofree char *text = g_strjoin ("\n", "lathe results 1", LATHE_VERSION,
                                     eng_model_get_identity (model), json, NULL);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strconcat ("results:", sum, NULL);
}

static void
cancel_inner (GCancellable *cancellable, gpointer inner)
{
  eng_job_cancel (inner);
}

/* A job ends with the build that it is given to: this one is followed by the evaluation, so the
 * build gets one of its own. */
static EngBuild *
build_plain (EngModel *model, EngRecipe *plain, EngBuild *reuse, EngJob *job, GError **error)
{
  g_autoptr (EngJob) inner = eng_job_new ("Preparing the baseline");
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  gulong handler = cancellable != NULL
                       ? g_cancellable_connect (cancellable, G_CALLBACK (cancel_inner), inner, NULL)
                       : 0;

  if (job != NULL)
    eng_job_report (job, eng_job_get_title (inner), -1);
  EngBuild *made = eng_build_new (model, plain, reuse, inner, error);
  g_cancellable_disconnect (cancellable, handler);
  return made;
}

EngBuild *
eng_evaluate_make_baseline (EngBuild *build, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build), NULL);

  g_autoptr (EngRecipe) plain = eng_recipe_reference (eng_build_get_recipe (build));
  g_autoptr (EngBuild) baseline
      = build_plain (eng_build_get_model (build), plain, build, job, error);

  if (baseline == NULL)
    return NULL;
  if (strcmp (eng_build_get_hash (baseline), eng_build_get_hash (build)) == 0)
    return g_object_ref (build);
  return g_steal_pointer (&baseline);
}

EngBuild *
eng_evaluate_load_baseline (EngBuild *build, const char *path, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && path != NULL, NULL);

  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  g_autoptr (EngModel) model = eng_model_load (path, cancellable, error);
  g_autoptr (EngRecipe) plain = eng_recipe_reference (eng_build_get_recipe (build));

  if (model == NULL)
    return NULL;
  if (eng_model_get_kind (model) != eng_model_get_kind (eng_build_get_model (build)))
    {
      gboolean network = eng_model_get_kind (model) == ENG_MODEL_NETWORK;
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a %s and %s a %s: they do not compare", eng_model_get_name (model),
                   network ? "network" : "language model",
                   eng_model_get_name (eng_build_get_model (build)),
                   network ? "language model" : "network");
      return NULL;
    }
  return build_plain (model, plain, NULL, job, error);
}

/* ---- The entry ---- */

static gboolean
run_language (EngEvalPass *pass, GError **error)
{
  g_autoptr (EngTextSet) set = eng_text_set_load (pass->options->data, error);
  if (set == NULL)
    return FALSE;
  gboolean questions = set->questions->len > 0;

  if (questions && pass->options->score_window != NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a set of questions: only texts are scored elsewhere", set->title);
      return FALSE;
    }
  pass->evaluation->title = g_strdup (set->title);
  pass->scores = eng_scores_new (eng_build_get_model (pass->build),
                                 questions ? ENG_TRUTH_QUESTIONS : ENG_TRUTH_TEXT,
                                 pass->options->metrics, pass->baseline != NULL, error);
  if (pass->scores == NULL)
    return FALSE;
  gboolean ok = questions ? eng_eval_pass_questions (pass, set, error)
                          : eng_eval_pass_texts (pass, set, error);
  if (ok)
    eng_scores_finish (pass->scores, pass->evaluation, "domain");
  return ok;
}

static void
describe_baseline (EngEvalPass *pass)
{
  EngEvaluation *evaluation = pass->evaluation;

  if (pass->baseline == NULL)
    return;
  evaluation->against = g_strdup (pass->options->against != NULL ? pass->options->against
                                                                 : "the model as in its file");
  evaluation->against_hash = g_strdup (eng_build_get_hash (pass->baseline));
  evaluation->is_itself = pass->baseline == pass->build;
  if (evaluation->is_itself)
    eng_evaluation_note (evaluation, "The baseline is this very build (the same content hash): "
                                     "differences are zero by construction.");
}

/* A build with a trimmed vocabulary gives tokens that are gone no probability at all, and cuts text
 * into others: only what is counted by bytes compares with the model as it was. */
static void
leave_out_other_tokens (EngEvalPass *pass)
{
  if (pass->baseline == NULL || pass->baseline == pass->build
      || eng_build_get_model (pass->baseline) != eng_build_get_model (pass->build)
      || eng_build_get_tokenizer (pass->baseline) == eng_build_get_tokenizer (pass->build))
    return;
  pass->baseline = NULL;
  eng_evaluation_note (pass->evaluation,
                       "No baseline: the two builds have different vocabularies and cut text into "
                       "different tokens. Evaluate each alone and compare bits per byte; "
                       "perplexity is per token and does not compare.");
}

EngEvaluation *
eng_evaluate (EngBuild *build, EngBuild *baseline, const EngEvalOptions *options, EngJob *job,
              GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && options != NULL && options->data != NULL, NULL);

  guint64 start = rt_now_ns ();
  EngEvalPass pass = { .build = build,
                       .baseline = baseline,
                       .options = options,
                       .job = job,
                       .cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL };
  if (baseline != NULL && baseline != build
      && strcmp (eng_build_get_hash (baseline), eng_build_get_hash (build)) == 0)
    pass.baseline = build;
  g_autoptr (EngEvaluation) evaluation = eng_evaluation_new (options->data, NULL);
  pass.evaluation = evaluation;
  evaluation->key
      = eng_evaluate_dup_key (eng_build_get_model (build), eng_build_get_recipe (build));
  leave_out_other_tokens (&pass);
  describe_baseline (&pass);
  gboolean ok = eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_LANGUAGE
                    ? run_language (&pass, error)
                    : eng_eval_pass_inputs (&pass, error);
  eng_scores_free (pass.scores);
  if (!ok)
    return NULL;
  eng_evaluation_end_notes (evaluation);
  evaluation->seconds = (double)(rt_now_ns () - start) * 1e-9;
  return g_steal_pointer (&evaluation);
}
