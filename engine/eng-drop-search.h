/* Greedy progressive drop: which blocks (or halves of blocks) of a language model a text can do
 * best without. At every step each part that is left is taken out in turn, the loss of the text is
 * measured, and the part whose absence costs least goes for good (progressive layer dropping as in
 * TrimLLM, Hu et al. 2024, without the fine-tuning). What comes out is a recipe of the technique
 * "layer-skip". */
#pragma once

#include "eng-job.h"
#include "eng-recipe.h"

G_BEGIN_DECLS

/* ---- the search alone ---- */

/* The loss with exactly the parts of @dropped [n] left out. FALSE with @error ends the search. */
typedef gboolean (*EngDropLoss) (const gboolean *dropped, double *loss, gpointer user_data,
                                 GError **error);
/* @part has been dropped as step number @step (from 0), which leaves a loss of @loss. FALSE with
 * @error ends the search. */
typedef gboolean (*EngDropTaken) (guint step, guint part, double loss, gpointer user_data,
                                  GError **error);

/* Drop @n_steps more of the parts that @dropped [n] does not hold, in the greedy order; of equal
 * losses the first part goes. @dropped is as far as the search came when it returns. n + (n - 1) +
 * ... losses are asked for. FALSE with @error: cancelled or failed. */
gboolean eng_drop_greedy (guint n, gboolean *dropped, guint n_steps, EngDropLoss loss,
                          EngDropTaken taken, gpointer user_data, GError **error);

/* ---- of a model ---- */

typedef struct
{
  const char *data;   /* as in EngEvalOptions; NULL: the bundled texts */
  const char *domain; /* only the text of this domain; NULL: all together */
  guint n_drops;      /* parts to drop, on top of those that the recipe skips already; 0:
                       * ENG_DROP_BLOCKS */
  guint n_tokens;     /* whose loss decides; 0: ENG_DROP_TOKENS. As many others are kept aside and
                       * measured after every step */
  gboolean by_half;   /* attention and feed-forward part of a block on their own */
} EngDropOptions;

#define ENG_DROP_BLOCKS 4
#define ENG_DROP_TOKENS 512

typedef struct
{
  char *part;      /* "blk.7.*", "blk.7.attn*": the rule that drops it */
  double loss;     /* nats per token of the tokens that decided; of step 0 that of the model as it
                    * was */
  double held_out; /* the same of the tokens kept aside: no choice was made on them; NAN: the text
                    * has no others */
  double weight_bytes; /* packed weights that are left */
} EngDropStep;

typedef struct
{
  EngRecipe *recipe;    /* what was searched from, with a rule for every part that was dropped */
  GArray *steps;        /* EngDropStep, first the model as it was (part NULL) */
  char *source;         /* "prose: 512 tokens decided, 512 were kept aside" */
  double bits_per_byte; /* factor from nats per token of the held out tokens to bits per byte of
                         * text */
} EngDropResult;

/* @result holds all steps up to now; called on the worker. */
typedef void (*EngDropStepFunc) (const EngDropResult *result, gpointer user_data);

/* Blocking. @recipe is what else the build has (formats, what is skipped already). @job (nullable)
 * gets progress and may cancel: then *@result is what was found so far, and the search goes on from
 * its recipe when that is given again. Errors: no language model, no tokenizer, a domain that the
 * set lacks, a text of less than two windows, more parts than there are. NULL when nothing was
 * found. */
EngDropResult *eng_drop_search (EngModel *model, EngRecipe *recipe, const EngDropOptions *options,
                                EngJob *job, EngDropStepFunc func, gpointer user_data,
                                GError **error);
void eng_drop_result_free (EngDropResult *result); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngDropResult, eng_drop_result_free)

G_END_DECLS
