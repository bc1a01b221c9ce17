/* The pass over texts: windows of tokens through the build and the baseline side by side, every
 * position's logits scored, gathered in blocks.
 *
 *     text    t0 t1 t2 t3 t4 t5 t6 t7 ...
 *     window  [B t0 t1 t2]                 predicts t0 .. t3 (B: the beginning-of-sequence token,
 *                                          where the model wants one;
 *                         [B t4 t5 t6]     else a window's first token is context only)
 *
 * Neighbouring tokens are not independent, so figures rest on blocks of 64 tokens (non-overlapping
 * blocks: Carlstein 1986), not on tokens. */
#include "eval/eng-eval-private.h"

#include <stdlib.h>
#include <string.h>

#include "eng-error.h"

#define BLOCK 64
#define LONG_S 10 /* a pass that takes longer says that it cannot be resumed */

typedef struct
{
  gsize at;   /* first token of the window */
  gsize from; /* first that is predicted */
  gsize end;
} Window;

typedef struct
{
  EngEvalPass *pass;
  EngScorer *scorers[2];
  gboolean bos;
  gint32 bos_token;
  guint window, stride, n_vocab;
  guint n_predicted, n_wanted; /* for progress */
  guint64 start_ns;

  const gint32 *targets;              /* of the chunk's rows */
  guint first_scored;                 /* row */
  GArray *nll[2], *divergence, *same; /* [rows of the chunk] */
} Texts;

static void
score_row (guint row, gpointer data)
{
  Texts *self = data;
  const float *logits = eng_scorer_logits (self->scorers[0], row);
  const float *base = self->scorers[1] != NULL ? eng_scorer_logits (self->scorers[1], row) : logits;

  if (row < self->first_scored)
    return;
  double nll = -eng_log_probability (logits, self->n_vocab, self->targets[row]);
  g_array_index (self->nll[0], double, row) = nll;
  g_array_index (self->nll[1], double, row)
      = base == logits ? nll : -eng_log_probability (base, self->n_vocab, self->targets[row]);
  gboolean same = TRUE;
  double divergence = base == logits ? 0 : eng_divergence (base, logits, self->n_vocab, &same);
  g_array_index (self->divergence, double, row) = divergence;
  g_array_index (self->same, guint8, row) = (guint8)same;
}

/* The scored tokens of a window, in order. */
typedef struct
{
  guint n;
  double *nll[2], *divergence;
  guint8 *same;
} Scored;

static void
take_rows (Texts *self, guint n_rows, Scored *scored)
{
  for (guint row = self->first_scored; row < n_rows; row++, scored->n++)
    {
      for (guint k = 0; k < 2; k++)
        scored->nll[k][scored->n] = g_array_index (self->nll[k], double, row);
      scored->divergence[scored->n] = g_array_index (self->divergence, double, row);
      scored->same[scored->n] = g_array_index (self->same, guint8, row);
    }
}

/* Scored by somebody else. */
static gboolean
take_window (Texts *self, const gint32 *input, const gint32 *targets, guint n, guint first_scored,
             Scored *scored, GError **error)
{
  const EngEvalOptions *options = self->pass->options;
  g_autofree RtScore *scores = g_new (RtScore, n - first_scored + 1);

  if (g_cancellable_set_error_if_cancelled (self->pass->cancellable, error)
      || !options->score_window (input, targets, n, first_scored, scores,
                                 options->score_window_data, error))
    return FALSE;
  scored->n = n - first_scored;
  for (guint i = 0; i < scored->n; i++)
    scored->nll[0][i] = -rt_score_log_probability (&scores[i]);
  return TRUE;
}

static gboolean
feed_window (Texts *self, const gint32 *input, const gint32 *targets, guint n, guint first_scored,
             Scored *scored, GError **error)
{
  guint chunk = eng_scorer_get_chunk (self->scorers[0]);

  if (self->scorers[1] != NULL)
    chunk = MIN (chunk, eng_scorer_get_chunk (self->scorers[1]));
  for (guint k = 0; k < 2; k++)
    if (self->scorers[k] != NULL)
      eng_scorer_rewind (self->scorers[k], 0);
  for (guint done = 0; done < n; done += chunk)
    {
      guint now = MIN (chunk, n - done);
      if (g_cancellable_set_error_if_cancelled (self->pass->cancellable, error))
        return FALSE;
      for (guint k = 0; k < 2; k++)
        if (self->scorers[k] != NULL
            && !eng_scorer_feed (self->scorers[k], input + done, now, error))
          return FALSE;
      self->targets = targets + done;
      self->first_scored = first_scored > done ? MIN (now, first_scored - done) : 0;
      eng_scorer_each_row (self->scorers[0], now, score_row, self);
      take_rows (self, now, scored);
    }
  return TRUE;
}

static void
add_blocks (Texts *self, guint group, const gint32 *targets, const Scored *scored)
{
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (self->pass->build);
  gboolean has_baseline = self->pass->baseline != NULL;

  for (guint at = 0; at < scored->n; at += BLOCK)
    {
      EngScored sample
          = { .truth = ENG_TRUTH_TEXT,
              .group = group,
              .n_tokens = MIN (BLOCK, scored->n - at),
              .nll = { scored->nll[0] + at, has_baseline ? scored->nll[1] + at : NULL },
              .divergence = has_baseline ? scored->divergence + at : NULL,
              .same = has_baseline ? scored->same + at : NULL };
      for (guint i = 0; i < sample.n_tokens; i++)
        sample.n_bytes += rt_tokenizer_piece (tokenizer, targets[at + i]).length;
      eng_scores_add (self->pass->scores, &sample);
      self->pass->evaluation->n_samples++;
    }
}

static gboolean
do_window (Texts *self, guint group, const gint32 *tokens, const Window *window, GError **error)
{
  guint n_tokens = (guint)(window->end - window->at);
  guint n = self->bos ? n_tokens : n_tokens - 1; /* rows */
  g_autofree gint32 *input = g_new (gint32, n_tokens + 1);
  g_autofree double *memory = g_new (double, 3 * (gsize)n_tokens);
  g_autofree guint8 *same = g_new (guint8, n_tokens);
  Scored scored = { 0, { memory, memory + n_tokens }, memory + 2 * n_tokens, same };
  const gint32 *targets = tokens + window->at + !self->bos;
  guint first = (guint)(window->from - window->at) - !self->bos;

  input[0] = self->bos_token;
  memcpy (input + self->bos, tokens + window->at, (gsize)n * sizeof *input);
  gboolean (*score) (Texts *, const gint32 *, const gint32 *, guint, guint, Scored *, GError **)
      = self->pass->options->score_window != NULL ? take_window : feed_window;
  if (!score (self, input, targets, n, first, &scored, error))
    return FALSE;
  add_blocks (self, group, targets + first, &scored);
  self->n_predicted += scored.n;
  if (self->pass->job != NULL)
    {
      double seconds = (double)(rt_now_ns () - self->start_ns) * 1e-9;
      gboolean is_long = seconds * self->n_wanted > LONG_S * self->n_predicted;
      g_autofree char *stage
          = g_strdup_printf ("Predicting: %u of %u tokens%s", self->n_predicted, self->n_wanted,
                             is_long ? "; cancelling loses them" : "");
      eng_job_report (self->pass->job, stage,
                      MIN (1, (double)self->n_predicted / MAX (1, self->n_wanted)));
    }
  return TRUE;
}

/* All windows of a text, then as many of them as @budget tokens want, evenly spread: the beginning
 * alone would not stand for the text. */
static GArray *
choose_windows (Texts *self, gsize n_tokens, guint64 budget)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Window));
  GArray *chosen = g_array_new (FALSE, FALSE, sizeof (Window));
  gsize last_end = 0;

  for (gsize at = 0; last_end < n_tokens; at += self->stride)
    {
      Window window = { .at = at, .end = MIN (n_tokens, at + self->window) };
      window.from = MAX (last_end, at + !self->bos);
      last_end = window.end;
      if (window.from < window.end)
        g_array_append_val (all, window);
    }
  guint64 wanted = MAX (1, (budget + self->stride / 2) / self->stride);
  if (wanted > all->len)
    wanted = all->len;
  for (guint64 i = 0; i < wanted; i++)
    {
      Window *window = &g_array_index (all, Window, (guint)((2 * i + 1) * all->len / (2 * wanted)));
      g_array_append_vals (chosen, window, 1);
    }
  return chosen;
}

/* Tokens and windows of every text, before anything is run: so that a vocabulary that does not fit
 * is said at once. */
typedef struct
{
  gint32 *tokens;
  GArray *windows;
} Prepared;

static void
prepared_clear (gpointer data)
{
  Prepared *prepared = data;
  free (prepared->tokens);
  g_clear_pointer (&prepared->windows, g_array_unref);
}

static gboolean
prepare (Texts *self, EngTextSet *set, GArray *prepared, GError **error)
{
  guint n_tokens = self->pass->options->n_tokens;
  guint64 budget = n_tokens == 0 ? ENG_EVAL_TOKENS : n_tokens;

  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      Prepared now = { 0 };
      gsize n_bytes, n;
      const char *bytes = g_bytes_get_data (text->text, &n_bytes);
      if (!eng_eval_tokenize (self->pass, bytes, n_bytes, FALSE, &now.tokens, &n, error))
        return FALSE;
      now.windows = choose_windows (self, n,
                                    n_tokens == G_MAXUINT ? G_MAXUINT32 : budget / set->texts->len);
      g_array_append_val (prepared, now);
      for (guint k = 0; k < now.windows->len; k++)
        {
          const Window *window = &g_array_index (now.windows, Window, k);
          self->n_wanted += (guint)(window->end - window->from);
        }
    }
  if (self->n_wanted > 0)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
               "%s has not two tokens: there is nothing to predict", set->title);
  return FALSE;
}

/* Whether the model's own way to encode a text begins it with a token of its own. */
static gboolean
find_bos (Texts *self, GError **error)
{
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (self->pass->build);
  gint32 *tokens = NULL;
  gsize n;

  if (!eng_eval_tokenize (self->pass, "a", 1, TRUE, &tokens, &n, error))
    return FALSE;
  self->bos_token = rt_tokenizer_bos (tokenizer);
  self->bos = self->bos_token >= 0 && n > 0 && tokens[0] == self->bos_token;
  free (tokens);
  return TRUE;
}

/* Windows no longer than either context, or than what the model was trained on. */
static gboolean
choose_window (Texts *self, GError **error)
{
  const EngEvalOptions *options = self->pass->options;
  EngModel *model = eng_build_get_model (self->pass->build);
  guint n_ctx = eng_build_get_n_ctx (self->pass->build),
        trained = eng_model_get_n_ctx_train (model);

  if (self->pass->baseline != NULL)
    n_ctx = MIN (n_ctx, eng_build_get_n_ctx (self->pass->baseline));
  if (trained > 0)
    n_ctx = MIN (n_ctx, trained);
  self->window = options->window != 0 ? options->window : MIN (ENG_EVAL_WINDOW, n_ctx);
  self->stride = options->stride != 0 ? options->stride : self->window;
  if (self->window >= 2 && self->window <= n_ctx && self->stride >= 1
      && self->stride <= self->window)
    return TRUE;
  g_set_error (
      error, ENG_ERROR, ENG_ERROR_RANGE,
      "Windows of %u tokens every %u do not work: a window has 2 to %u tokens here, and the "
      "stride is at most the window",
      self->window, self->stride, n_ctx);
  return FALSE;
}

static gboolean
run_all (Texts *self, EngTextSet *set, GArray *prepared, GError **error)
{
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      const Prepared *now = &g_array_index (prepared, Prepared, i);
      guint group = eng_scores_group (self->pass->scores, text->domain);
      for (guint k = 0; k < now->windows->len; k++)
        if (!do_window (self, group, now->tokens, &g_array_index (now->windows, Window, k), error))
          return FALSE;
    }
  return TRUE;
}

gboolean
eng_eval_pass_texts (EngEvalPass *pass, EngTextSet *set, GError **error)
{
  Texts self = { .pass = pass };
  g_autoptr (GArray) prepared = g_array_new (FALSE, FALSE, sizeof (Prepared));
  g_array_set_clear_func (prepared, prepared_clear);

  if (!find_bos (&self, error) || !choose_window (&self, error)
      || !prepare (&self, set, prepared, error)
      || (pass->options->score_window == NULL
          && !eng_eval_open_scorers (pass, self.window, self.scorers, error)))
    return FALSE;
  if (self.scorers[0] != NULL)
    self.n_vocab = eng_scorer_get_n_vocab (self.scorers[0]);
  self.start_ns = rt_now_ns ();
  for (guint k = 0; k < 2; k++)
    self.nll[k] = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (double)), self.window);
  self.divergence = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (double)), self.window);
  self.same = g_array_set_size (g_array_new (FALSE, TRUE, sizeof (guint8)), self.window);
  gboolean ok = run_all (&self, set, prepared, error);
  pass->evaluation->source
      = g_strdup_printf ("%u tokens of %u %s in windows of %u%s%s", self.n_predicted,
                         set->texts->len, set->texts->len == 1 ? "text" : "texts", self.window,
                         self.stride == self.window ? "" : ", overlapping",
                         self.bos ? ", BOS first" : "");
  for (guint k = 0; k < 2; k++)
    {
      g_array_unref (self.nll[k]);
      eng_scorer_free (self.scorers[k]);
    }
  g_array_unref (self.divergence);
  g_array_unref (self.same);
  return ok;
}
