/* Units of language models: windows of a text. Each is fed in one run from an empty cache; the
 * first quarter of its tokens is context that is not scored. */
#include <string.h>

#include "eng-equalize.h"
#include "eng-error.h"
#include "eng-sensitivity-private.h"
#include "eng-token-loss.h"

typedef struct
{
  EngUnits base;
  gint32 *tokens; /* of the whole text */
  size_t n_text;
  gint32 bos;     /* -1: windows begin without */
  guint n_tokens; /* of a window */
  guint stride;   /* tokens of the text that a window takes, and the one that comes after it */
  guint *slots;   /* [n] */
  guint unit;
  gint32 *fed; /* [n_tokens + 1]: the last is only foretold */
  EngTokenLoss *loss;
} TextUnits;

static guint
n_scored (const TextUnits *self)
{
  return self->n_tokens - self->n_tokens / 4;
}

static void
text_free (EngUnits *units)
{
  TextUnits *self = (TextUnits *)units;
  eng_layer_pair_free (self->base.pair);
  g_strfreev (self->base.names);
  g_free (self->base.title);
  free (self->tokens);
  g_free (self->slots);
  g_free (self->fed);
  eng_token_loss_free (self->loss);
  g_free (self);
}

static gboolean
text_begin (EngUnits *units, guint unit, guint *n_steps, GError **error)
{
  TextUnits *self = (TextUnits *)units;
  guint n = 0;

  if (self->bos >= 0)
    self->fed[n++] = self->bos;
  memcpy (self->fed + n, self->tokens + (gsize)self->slots[unit] * self->stride,
          (self->n_tokens + 1 - n) * sizeof *self->fed);
  *n_steps = 1;
  return TRUE;
}

static gboolean
text_feed (EngUnits *units, guint step, GError **error)
{
  return TRUE;
}

static gboolean
text_run (EngUnits *units, EngSide side, RtError *error)
{
  TextUnits *self = (TextUnits *)units;
  RtExec *exec = eng_layer_pair_get_exec (units->pair, side);

  if (rt_exec_kv (exec) != NULL)
    rt_kv_set_n_used (rt_exec_kv (exec), 0);
  return rt_exec_run (exec, self->fed, self->n_tokens, n_scored (self), RT_PHASE_PREFILL, error);
}

static void
text_score_reference (EngUnits *units, EngLayerUnit *record)
{
  TextUnits *self = (TextUnits *)units;
  RtExec *exec = eng_layer_pair_get_exec (units->pair, ENG_SIDE_REFERENCE);
  EngTokenSums sums;

  eng_token_loss_reference (self->loss, rt_exec_logits (exec, 0),
                            self->fed + self->n_tokens - n_scored (self) + 1, n_scored (self),
                            &sums);
  record->n_scored += sums.n;
  record->reference_loss += sums.loss;
  record->loss += sums.loss;
  record->n_agree += sums.n;
}

static void
text_score (EngUnits *units, EngSide side, EngLayerUnit *record)
{
  TextUnits *self = (TextUnits *)units;
  EngTokenSums sums;

  eng_token_loss_compare (self->loss,
                          rt_exec_logits (eng_layer_pair_get_exec (units->pair, side), 0), &sums);
  record->loss += sums.loss;
  record->divergence += sums.divergence;
  record->n_agree += sums.n_agree;
}

static const EngUnitsClass text_class = { .free = text_free,
                                          .begin = text_begin,
                                          .feed = text_feed,
                                          .run = text_run,
                                          .score_reference = text_score_reference,
                                          .score = text_score };

/* ---- windows ---- */

/* Van der Corput's sequence in base 2: the first n of any number lie evenly, so that more windows
 * add to those that are known. */
static double
radical_inverse (guint k)
{
  double value = 0, place = 0.5;
  for (; k > 0; k >>= 1, place /= 2)
    value += (k & 1) * place;
  return value;
}

static void
choose_slots (TextUnits *self, guint n_slots)
{
  g_autofree gboolean *used = g_new0 (gboolean, n_slots);
  guint n = 0;

  self->slots = g_new (guint, self->base.n);
  self->base.names = g_new0 (char *, self->base.n + 1);
  for (guint k = 0; n < self->base.n; k++)
    {
      guint slot = (guint)(radical_inverse (k) * n_slots);
      if (used[slot])
        continue;
      used[slot] = TRUE;
      self->base.names[n] = g_strdup_printf ("%u", slot);
      self->slots[n++] = slot;
    }
}

static gboolean
read_text (TextUnits *self, EngModel *model, const EngSensitivityConfig *config, GError **error)
{
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (model);
  RtError rt_error = { 0 };
  int32_t *begin = NULL;
  size_t n_begin = 0;

  if (tokenizer == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "Texts cannot be cut into tokens for this model: %s",
                   eng_model_get_tokenizer_error (model));
      return FALSE;
    }
  if (!rt_tokenizer_encode (tokenizer, "", 0, true, false, &begin, &n_begin, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  self->bos = n_begin > 0 && begin[0] == rt_tokenizer_bos (tokenizer) ? begin[0] : -1;
  free (begin);
  if (!rt_tokenizer_encode (tokenizer, config->text, strlen (config->text), false, false,
                            &self->tokens, &self->n_text, &rt_error))
    return eng_error_take_rt (&rt_error, error);

  self->stride = self->n_tokens + 1 - (self->bos >= 0);
  guint n_slots = (guint)MIN (self->n_text / self->stride, G_MAXINT);
  if (n_slots == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s has %" G_GSIZE_FORMAT " tokens; one window takes %u. Choose a longer text.",
                   config->text_name != NULL ? config->text_name : "The text", self->n_text,
                   self->stride);
      return FALSE;
    }
  self->base.n = MIN (config->n_windows > 0 ? config->n_windows : ENG_SENSITIVITY_WINDOWS, n_slots);
  choose_slots (self, n_slots);
  self->base.title = g_strdup_printf ("%u windows of %u tokens of %s", self->base.n, self->n_tokens,
                                      config->text_name != NULL ? config->text_name : "the text");
  return TRUE;
}

/* A matrix whose columns were scaled is right only behind what was divided by the scales. */
static gboolean
check_alone (EngBuild *changed, GError **error)
{
  g_autoptr (GArray) folds = eng_fold_list (changed->model);

  for (guint i = 0; i < folds->len; i++)
    {
      g_autofree char *key
          = eng_fold_dup_key (changed->model, changed->recipe, &g_array_index (folds, EngFold, i));
      if (key == NULL)
        continue;
      g_set_error_literal (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "Equalization changes matrices together with what comes before them: none "
          "can be measured alone. Measure layers, or leave equalization out.");
      return FALSE;
    }
  return TRUE;
}

EngUnits *
eng_text_units_new (EngModel *model, const EngSensitivityConfig *config, EngBuild *reference,
                    EngBuild *changed, int watched, RtPool *pool, GError **error)
{
  if (config->text == NULL)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE, "A language model needs a text.");
      return NULL;
    }
  if (config->by_matrix && changed != NULL && !check_alone (changed, error))
    return NULL;
  TextUnits *self = g_new0 (TextUnits, 1);
  self->base.class = &text_class;
  self->base.pool = pool;
  self->n_tokens = config->n_tokens > 0 ? config->n_tokens : ENG_SENSITIVITY_TOKENS;
  self->fed = g_new0 (gint32, self->n_tokens + 1);
  if (!read_text (self, model, config, error))
    {
      text_free (&self->base);
      return NULL;
    }
  if (reference == NULL)
    return &self->base;
  self->base.pair = eng_layer_pair_new (reference, changed, self->n_tokens,
                                        config->by_matrix ? ENG_PAIR_MATRICES : ENG_PAIR_LAYERS,
                                        watched, pool, error);
  if (self->base.pair == NULL)
    {
      text_free (&self->base);
      return NULL;
    }
  self->loss = eng_token_loss_new (n_scored (self),
                                   rt_exec_n_vocab (eng_layer_pair_get_exec (self->base.pair,
                                                                             ENG_SIDE_REFERENCE)),
                                   pool);
  return &self->base;
}
