/* The pass over multiple-choice questions: ln p of each answer's tokens after the question. The
 * question is read once, its answers start from what the cache then holds. */
#include "eval/eng-eval-private.h"

#include <stdlib.h>
#include <string.h>

#include "eng-error.h"

#define MAX_CTX 2048

typedef struct
{
  EngEvalPass *pass;
  EngScorer *scorers[2];
  guint n_vocab;
} Questions;

typedef struct
{
  guint n;
  gint32 **tokens; /* question and answer together */
  gsize *n_tokens;
  gsize shared; /* tokens that all begin with: they are context */
} Item;

static void
item_clear (Item *item)
{
  for (guint i = 0; i < item->n; i++)
    free (item->tokens[i]);
  g_free (item->tokens);
  g_free (item->n_tokens);
}

/* The tokens of "question answer" may cut the text elsewhere than those of the question: what all
 * answers share, and the question alone has too, is context. */
static gboolean
tokenize (EngEvalPass *pass, const EngQuestion *question, Item *item, GError **error)
{
  gint32 *context = NULL;
  gsize n_context;

  item->tokens = g_new0 (gint32 *, g_strv_length (question->choices));
  item->n_tokens = g_new0 (gsize, g_strv_length (question->choices));
  if (!eng_eval_tokenize (pass, question->question, strlen (question->question), TRUE, &context,
                          &n_context, error))
    return FALSE;
  item->shared = n_context;
  gboolean ok = TRUE;
  for (guint i = 0; ok && question->choices[i] != NULL; i++)
    {
      g_autofree char *text = g_strdup_printf ("%s %s", question->question, question->choices[i]);
      ok = eng_eval_tokenize (pass, text, strlen (text), TRUE, &item->tokens[i], &item->n_tokens[i],
                              error);
      if (!ok)
        break;
      item->n++;
      gsize same = 0;
      while (same + 1 < item->n_tokens[i] && same < item->shared
             && item->tokens[i][same] == context[same])
        same++;
      item->shared = same;
    }
  free (context);
  if (ok && item->shared == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The question \"%s\" gives no token before its answers", question->question);
      ok = FALSE;
    }
  return ok;
}

/* Feed tokens [from, n - 1) and add up ln p of tokens [shared, n). */
static gboolean
score_answer (Questions *self, EngScorer *scorer, const gint32 *tokens, gsize n, gsize from,
              gsize shared, double *log_p, GError **error)
{
  guint chunk = eng_scorer_get_chunk (scorer);

  eng_scorer_rewind (scorer, (guint)from);
  *log_p = 0;
  for (gsize at = from; at + 1 < n; at += chunk)
    {
      guint now = (guint)MIN (chunk, n - 1 - at);
      if (!eng_scorer_feed (scorer, tokens + at, now, error))
        return FALSE;
      for (guint row = 0; row < now; row++)
        if (at + row + 1 >= shared)
          *log_p += eng_log_probability (eng_scorer_logits (scorer, row), self->n_vocab,
                                         tokens[at + row + 1]);
    }
  return TRUE;
}

static gboolean
score_question (Questions *self, const EngQuestion *question, const Item *item, GError **error)
{
  g_autofree double *log_p = g_new (double, 2 * item->n);
  g_autofree guint *bytes = g_new (guint, item->n);
  EngScored sample = { .truth = ENG_TRUTH_QUESTIONS,
                       .n_choices = item->n,
                       .answer = question->answer,
                       .log_p = { log_p, self->pass->baseline != NULL ? log_p + item->n : NULL },
                       .choice_bytes = bytes };

  for (guint i = 0; i < item->n; i++)
    {
      bytes[i] = (guint)strlen (question->choices[i]);
      for (guint k = 0; k < 2; k++)
        if (self->scorers[k] == NULL)
          log_p[k * item->n + i] = log_p[i];
        else if (!score_answer (self, self->scorers[k], item->tokens[i], item->n_tokens[i],
                                i == 0 ? 0 : item->shared - 1, item->shared,
                                &log_p[k * item->n + i], error))
          return FALSE;
    }
  sample.group = eng_scores_group (self->pass->scores, question->domain);
  eng_scores_add (self->pass->scores, &sample);
  self->pass->evaluation->n_samples++;
  return TRUE;
}

static gboolean
do_question (Questions *self, const EngQuestion *question, guint n_ctx, GError **error)
{
  Item item = { 0 };
  gboolean ok = tokenize (self->pass, question, &item, error);

  for (guint i = 0; ok && i < item.n; i++)
    if (item.n_tokens[i] > n_ctx)
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                     "The question \"%.60s...\" has %" G_GSIZE_FORMAT
                     " tokens with its answer and the context holds %u",
                     question->question, item.n_tokens[i], n_ctx);
        ok = FALSE;
      }
  ok = ok && score_question (self, question, &item, error);
  item_clear (&item);
  return ok;
}

/* What guessing would reach, in %. */
static double
chance_percent (const EngTextSet *set)
{
  double sum = 0;
  for (guint i = 0; i < set->questions->len; i++)
    sum += 100.0 / g_strv_length (((EngQuestion *)set->questions->pdata[i])->choices);
  return sum / set->questions->len;
}

gboolean
eng_eval_pass_questions (EngEvalPass *pass, EngTextSet *set, GError **error)
{
  Questions self = { .pass = pass };
  guint n = set->questions->len, n_ctx = MIN (MAX_CTX, eng_build_get_n_ctx (pass->build));
  gboolean ok = TRUE;

  if (pass->baseline != NULL)
    n_ctx = MIN (n_ctx, eng_build_get_n_ctx (pass->baseline));
  if (!eng_eval_open_scorers (pass, n_ctx, self.scorers, error))
    return FALSE;
  self.n_vocab = eng_scorer_get_n_vocab (self.scorers[0]);
  for (guint i = 0; ok && i < n; i++)
    {
      ok = !g_cancellable_set_error_if_cancelled (pass->cancellable, error)
           && do_question (&self, set->questions->pdata[i], n_ctx, error);
      g_autofree char *stage = g_strdup_printf ("Answering: %u of %u questions", i + 1, n);
      if (pass->job != NULL)
        eng_job_report (pass->job, stage, (double)(i + 1) / n);
    }
  pass->evaluation->source = g_strdup_printf ("%u questions; guessing is right %.0f %% of the time",
                                              n, chance_percent (set));
  for (guint k = 0; k < 2; k++)
    eng_scorer_free (self.scorers[k]);
  return ok;
}
