/* Greedy progressive drop on a language model: the text's windows, one build per candidate (weights
 * are shared with the first), losses from its logits. Called by the command line; the order of the
 * search is in eng-drop-search.c. */
#include "eng-drop-search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-layer-skip.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-scorer.h"
#include "eval/eng-text-set.h"

#define WINDOW 128 /* tokens */
#define ID "layer-skip"

typedef struct
{
  gint32 *tokens; /* [WINDOW], what is fed */
  gint32 *targets;
  guint n;       /* rows */
  guint n_bytes; /* of the targets */
} Window;

typedef struct
{
  EngModel *model;
  EngBuild *base;  /* with nothing of the search dropped: whose weights all share */
  EngRecipe *from; /* the recipe that the search began with */
  EngJob *job;
  EngDropStepFunc func;
  gpointer user_data;
  EngDropResult *result;
  GPtrArray *parts;            /* char *: the rule of each */
  gboolean *dropped;           /* [parts] */
  GArray *deciding, *held_out; /* Window */
  guint n_done, n_wanted;      /* losses, for progress */

  /* The window in hand. */
  EngScorer *scorer;
  const gint32 *targets;
  guint n_vocab;
  double nll[WINDOW];
} Search;

/* ---- windows ---- */

static void
window_clear (gpointer data)
{
  Window *window = data;
  g_free (window->tokens);
  g_free (window->targets);
}

static gboolean
encode (EngBuild *build, const char *text, gsize n_bytes, gboolean special, gint32 **tokens,
        gsize *n, GError **error)
{
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (build);
  RtError rt_error = { 0 };

  return rt_tokenizer_encode (tokenizer, text, n_bytes, special, FALSE, tokens, n, &rt_error)
         || eng_error_take_rt (&rt_error, error);
}

/* The token that the model wants before a text, or -1. */
static gboolean
find_bos (EngBuild *build, gint32 *bos, GError **error)
{
  gint32 *tokens = NULL;
  gsize n;

  if (!encode (build, "a", 1, TRUE, &tokens, &n, error))
    return FALSE;
  *bos = rt_tokenizer_bos (eng_build_get_tokenizer (build));
  if (n == 0 || tokens[0] != *bos)
    *bos = -1;
  free (tokens);
  return TRUE;
}

static void
add_window (GArray *windows, EngBuild *build, gint32 bos, const gint32 *tokens)
{
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (build);
  gboolean has_bos = bos >= 0;
  Window window = { .n = WINDOW - !has_bos };

  window.tokens = g_new (gint32, WINDOW + 1);
  window.tokens[0] = bos;
  memcpy (window.tokens + has_bos, tokens, (WINDOW - 1) * sizeof *tokens);
  window.targets = g_memdup2 (tokens + !has_bos, window.n * sizeof *tokens);
  for (guint i = 0; i < window.n; i++)
    window.n_bytes += (guint)rt_tokenizer_piece (tokenizer, window.targets[i]).length;
  g_array_append_val (windows, window);
}

/* Windows spread evenly over the text, one to decide, one to hold out, and so on. */
static gboolean
cut_text (Search *self, const EngText *text, guint n_windows, gint32 bos, GError **error)
{
  gsize n_bytes, n;
  const char *bytes = g_bytes_get_data (text->text, &n_bytes);
  gint32 *tokens = NULL;

  if (!encode (self->base, bytes, n_bytes, FALSE, &tokens, &n, error))
    return FALSE;
  gsize n_all = n / WINDOW, wanted = MIN (2 * (gsize)n_windows, n_all);
  for (gsize i = 0; i < wanted; i++)
    {
      gsize at = (2 * i + 1) * n_all / (2 * wanted);
      add_window (i % 2 == 0 ? self->deciding : self->held_out, self->base, bos,
                  tokens + at * WINDOW);
    }
  free (tokens);
  return TRUE;
}

static gboolean
has_domain (const EngTextSet *set, const char *domain, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      if (domain == NULL || strcmp (text->domain, domain) == 0)
        return TRUE;
      g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", text->domain);
    }
  if (set->texts->len == 0)
    g_set_error (
        error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
        "%s has no texts: give a text file or a folder of *.txt files, one for each domain",
        set->title);
  else
    g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                 "%s has no text of the domain \"%s\"; it has %s", set->title, domain, known->str);
  return FALSE;
}

static gboolean
read_texts (Search *self, const EngDropOptions *options, GError **error)
{
  g_autoptr (EngTextSet) set
      = eng_text_set_load (options->data != NULL ? options->data : ENG_BUNDLED_TEXTS, error);
  guint n_tokens = options->n_tokens != 0 ? options->n_tokens : ENG_DROP_TOKENS, n_texts = 0;
  gint32 bos;

  if (set == NULL || !has_domain (set, options->domain, error)
      || !find_bos (self->base, &bos, error))
    return FALSE;
  for (guint i = 0; i < set->texts->len; i++)
    n_texts += options->domain == NULL
               || strcmp (((EngText *)set->texts->pdata[i])->domain, options->domain) == 0;
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      guint n_windows = MAX (1, n_tokens / (WINDOW * n_texts));
      if (options->domain != NULL && strcmp (text->domain, options->domain) != 0)
        continue;
      if (!cut_text (self, text, n_windows, bos, error))
        return FALSE;
    }
  if (self->deciding->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s has less than one window of %d tokens: give a longer text", set->title,
                   WINDOW);
      return FALSE;
    }
  self->result->source
      = g_strdup_printf ("%s%s%s: %u tokens decided, %u were kept aside", set->title,
                         options->domain != NULL ? ", " : "",
                         options->domain != NULL ? options->domain : "",
                         self->deciding->len * WINDOW, self->held_out->len * WINDOW);
  return TRUE;
}

/* ---- losses ---- */

static void
score_row (guint row, gpointer data)
{
  Search *self = data;
  self->nll[row] = -eng_log_probability (eng_scorer_logits (self->scorer, row), self->n_vocab,
                                         self->targets[row]);
}

/* Sum over the window, added in its order: the same for any number of threads. */
static gboolean
add_window_loss (Search *self, const Window *window, double *sum, GError **error)
{
  GCancellable *cancellable = self->job != NULL ? eng_job_get_cancellable (self->job) : NULL;
  guint chunk = eng_scorer_get_chunk (self->scorer);

  eng_scorer_rewind (self->scorer, 0);
  for (guint done = 0; done < window->n; done += chunk)
    {
      guint now = MIN (chunk, window->n - done);
      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !eng_scorer_feed (self->scorer, window->tokens + done, now, error))
        return FALSE;
      self->targets = window->targets + done;
      eng_scorer_each_row (self->scorer, now, score_row, self);
      for (guint i = 0; i < now; i++)
        *sum += self->nll[i];
    }
  return TRUE;
}

/* Mean nats per token over @windows; NAN when there are none. */
static gboolean
measure (Search *self, EngBuild *build, GArray *windows, double *loss, GError **error)
{
  double sum = 0;
  guint n = 0;

  g_autoptr (EngScorer) scorer = eng_scorer_new (build, WINDOW, error);
  if (scorer == NULL)
    return FALSE;
  self->scorer = scorer;
  self->n_vocab = eng_scorer_get_n_vocab (scorer);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < windows->len; i++)
    {
      const Window *window = &g_array_index (windows, Window, i);
      ok = add_window_loss (self, window, &sum, error);
      n += window->n;
    }
  self->scorer = NULL;
  *loss = n > 0 ? sum / n : NAN;
  return ok;
}

static EngRecipe *
recipe_without (Search *self, const gboolean *dropped, GError **error)
{
  g_autoptr (EngRecipe) recipe = eng_recipe_ref (self->from);

  for (guint i = 0; i < self->parts->len; i++)
    {
      if (!dropped[i])
        continue;
      EngRecipe *next = eng_recipe_with (recipe, ID, "skip", self->parts->pdata[i],
                                         g_variant_new_boolean (TRUE), error);
      if (next == NULL)
        return NULL;
      eng_recipe_unref (recipe);
      recipe = next;
    }
  return g_steal_pointer (&recipe);
}

static EngBuild *
build_without (Search *self, const gboolean *dropped, GError **error)
{
  g_autoptr (EngRecipe) recipe = recipe_without (self, dropped, error);
  return recipe != NULL ? eng_build_new_within (self->model, recipe, self->base, NULL, error)
                        : NULL;
}

static gboolean
loss_without (const gboolean *dropped, double *loss, gpointer user_data, GError **error)
{
  Search *self = user_data;
  g_autoptr (EngBuild) build = build_without (self, dropped, error);

  if (build == NULL || !measure (self, build, self->deciding, loss, error))
    return FALSE;
  self->n_done++;
  if (self->job != NULL)
    {
      g_autofree char *stage = g_strdup_printf (
          "Dropping part %u: %u of %u losses; cancelling keeps what was dropped so far",
          self->result->steps->len, self->n_done, self->n_wanted);
      eng_job_report (self->job, stage, MIN (1, (double)self->n_done / MAX (1, self->n_wanted)));
    }
  return TRUE;
}

static gboolean
add_step (Search *self, EngBuild *build, const char *part, double loss, GError **error)
{
  EngDropStep step = { .loss = loss };
  RtMemory memory;

  if (!measure (self, build, self->held_out, &step.held_out, error))
    return FALSE;
  eng_build_get_memory (build, &memory);
  step.weight_bytes = (double)memory.weight_bytes;
  step.part = g_strdup (part);
  g_array_append_val (self->result->steps, step);
  g_clear_pointer (&self->result->recipe, eng_recipe_unref);
  self->result->recipe = eng_recipe_ref (eng_build_get_recipe (build));
  if (self->func != NULL)
    self->func (self->result, self->user_data);
  return TRUE;
}

static gboolean
take_part (guint step, guint part, double loss, gpointer user_data, GError **error)
{
  Search *self = user_data;
  g_autoptr (EngBuild) build = build_without (self, self->dropped, error);

  return build != NULL && add_step (self, build, self->parts->pdata[part], loss, error);
}

/* ---- the parts ---- */

/* The rules that may be set, and which of them the recipe has skipped already. */
static void
list_parts (Search *self, gboolean by_half)
{
  guint n_blocks = eng_model_get_n_layers (self->model);

  self->dropped = g_new0 (gboolean, 2 * n_blocks + 1);
  for (guint i = 0; i < n_blocks; i++)
    {
      gboolean gone[2];
      for (guint k = 0; k < 2; k++)
        gone[k] = eng_layer_skip_is_skipped (self->from, i,
                                             k == 0 ? ENG_BLOCK_ATTENTION : ENG_BLOCK_FEED_FORWARD);
      if (by_half)
        for (guint k = 0; k < 2; k++)
          {
            self->dropped[self->parts->len] = gone[k];
            g_ptr_array_add (self->parts,
                             g_strdup_printf ("blk.%u.%s*", i, k == 0 ? "attn" : "ffn"));
          }
      else
        {
          self->dropped[self->parts->len] = gone[0] && gone[1];
          g_ptr_array_add (self->parts, g_strdup_printf ("blk.%u.*", i));
        }
    }
}

static gboolean
check_model (EngModel *model, GError **error)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%s is a network: only blocks of language models can be left out",
                 eng_model_get_name (model));
  else if (eng_model_get_tokenizer (model) == NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s cannot read text: %s",
                 eng_model_get_name (model), eng_model_get_tokenizer_error (model));
  else
    return TRUE;
  return FALSE;
}

/* A number of blocks by importance would mean others with every rule that is added. */
static EngRecipe *
start_recipe (EngRecipe *recipe, GError **error)
{
  return eng_recipe_with (recipe, ID, "count", NULL, NULL, error);
}

static guint
count_left (Search *self)
{
  guint n = 0;
  for (guint i = 0; i < self->parts->len; i++)
    n += !self->dropped[i];
  return n;
}

static double
bits_per_nat_and_token (GArray *windows)
{
  double n = 0, n_bytes = 0;
  for (guint i = 0; i < windows->len; i++)
    {
      const Window *window = &g_array_index (windows, Window, i);
      n += window->n;
      n_bytes += window->n_bytes;
    }
  return n_bytes > 0 ? n / n_bytes / M_LN2 : NAN;
}

static gboolean
search (Search *self, const EngDropOptions *options, GError **error)
{
  guint n_drops = options->n_drops != 0 ? options->n_drops : ENG_DROP_BLOCKS;
  double loss;

  list_parts (self, options->by_half);
  guint n_left = count_left (self);
  if (n_drops >= n_left)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%u parts are to be dropped and %s has %u left: at least one must stay", n_drops,
                   eng_model_get_name (self->model), n_left);
      return FALSE;
    }
  if (self->job != NULL)
    eng_job_report (self->job, "Preparing the model as it is", -1);
  self->base = eng_build_new_within (self->model, self->from, NULL, self->job, error);
  if (self->base == NULL || !read_texts (self, options, error))
    return FALSE;
  self->result->bits_per_byte
      = bits_per_nat_and_token (self->held_out->len > 0 ? self->held_out : self->deciding);
  for (guint i = 0; i < n_drops; i++)
    self->n_wanted += n_left - i;
  if (!measure (self, self->base, self->deciding, &loss, error)
      || !add_step (self, self->base, NULL, loss, error))
    return FALSE;
  return eng_drop_greedy (self->parts->len, self->dropped, n_drops, loss_without, take_part, self,
                          error);
}

static void
step_clear (gpointer data)
{
  g_free (((EngDropStep *)data)->part);
}

void
eng_drop_result_free (EngDropResult *result)
{
  if (result == NULL)
    return;
  g_clear_pointer (&result->recipe, eng_recipe_unref);
  g_array_unref (result->steps);
  g_free (result->source);
  g_free (result);
}

EngDropResult *
eng_drop_search (EngModel *model, EngRecipe *recipe, const EngDropOptions *options, EngJob *job,
                 EngDropStepFunc func, gpointer user_data, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && options != NULL, NULL);

  Search self = { .model = model, .job = job, .func = func, .user_data = user_data };
  g_autoptr (EngDropResult) result = g_new0 (EngDropResult, 1);
  g_autoptr (GError) local = NULL;
  result->steps = g_array_new (FALSE, TRUE, sizeof (EngDropStep));
  g_array_set_clear_func (result->steps, step_clear);
  self.result = result;
  self.parts = g_ptr_array_new_with_free_func (g_free);
  self.deciding = g_array_new (FALSE, FALSE, sizeof (Window));
  self.held_out = g_array_new (FALSE, FALSE, sizeof (Window));
  g_array_set_clear_func (self.deciding, window_clear);
  g_array_set_clear_func (self.held_out, window_clear);

  gboolean ok = check_model (model, &local) && (self.from = start_recipe (recipe, &local)) != NULL
                && search (&self, options, &local);
  g_clear_object (&self.base);
  g_clear_pointer (&self.from, eng_recipe_unref);
  g_free (self.dropped);
  g_ptr_array_unref (self.parts);
  g_array_unref (self.deciding);
  g_array_unref (self.held_out);
  if (!ok && !(g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED) && result->steps->len > 1))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return g_steal_pointer (&result);
}
