/* Evaluating a build: the one entry for language models and networks. Blocking; from a worker or
 * the command line. */
#pragma once

#include "eng-build.h"
#include "eng-run.h"
#include "eval/eng-evaluation.h"
#include "rt-score.h"

G_BEGIN_DECLS

struct _EngEvalOptions
{
  const char *data;           /* ENG_BUNDLED_TEXTS, ENG_BUNDLED_QUESTIONS (eng-text-set.h), or a
                               * path */
  const char *const *metrics; /* ids; NULL or empty: all that apply */
  const char *against;        /* what the baseline is, in words; NULL: "the model as in its file" */

  /* Texts. */
  guint n_tokens; /* to predict, about, spread evenly over the domains; 0: ENG_EVAL_TOKENS;
                   * G_MAXUINT: all there are */
  guint window;   /* tokens of a window; 0: ENG_EVAL_WINDOW, or what fits. A token is predicted from
                   * those before it in its window */
  guint stride;   /* from window to window; 0: a window. What windows share is context only: every
                   * token is predicted once */

  /* Texts: a window of @n tokens scored elsewhere, in place of here: rows @first .. @n - 1 into
   * @scores, row r of targets[r] after input[0 .. r]. NULL: here. Only without a baseline. */
  gboolean (*score_window) (const gint32 *input, const gint32 *targets, guint n, guint first,
                            RtScore *scores, gpointer user_data, GError **error);
  gpointer score_window_data;

  /* Inputs: how a run of the build is made; NULL: eng_task_run_new(). For networks that run
   * elsewhere (eng_task_run_new_far()). */
  struct _EngTaskRun *(*make_run) (EngBuild *build, EngInputKind kind, gpointer user_data,
                                   GError **error);
  gpointer make_run_data;
};

#define ENG_EVAL_TOKENS 4096
#define ENG_EVAL_WINDOW 256

/* @baseline (nullable): a build that works on the same inputs; of a language model it must have the
 * same vocabulary. Both run side by side in chunks, so that memory is bounded and nothing is kept
 * on disk: the logits of 5,000 tokens of a vocabulary of 49,152 would be a gigabyte, and take
 * longer to read than to compute. A baseline of the same content hash is not run: it is the same to
 * the last bit. @job (nullable) gets progress and may cancel; it cannot be resumed. */
EngEvaluation *eng_evaluate (EngBuild *build, EngBuild *baseline, const EngEvalOptions *options,
                             EngJob *job, GError **error);

/* The build that @model has without any technique that changes its results: the baseline of @build;
 * @build itself when that is it. Threads, context and fusion are those of @build. Blocking: it is
 * packed. Transfer full. */
EngBuild *eng_evaluate_make_baseline (EngBuild *build, EngJob *job, GError **error);

/* What decides the results of a build and nothing else: the model's content and the techniques that
 * change results. Threads, context, fusion, memory plan and instruction set are not in it: results
 * are the same to the last bit. An evaluation holds for every build of its key. SHA-256, hex, after
 * "results:". */
char *eng_evaluate_dup_key (EngModel *model, EngRecipe *recipe);

/* The build of another file as it is, on the threads of @build: the float network beside the 8-bit
 * one, one quantization beside another. Fails when it is of another kind of model. Blocking.
 * Transfer full. */
EngBuild *eng_evaluate_load_baseline (EngBuild *build, const char *path, EngJob *job,
                                      GError **error);

G_END_DECLS
