/* Technique: a smaller vocabulary. Rows of embedding and output matrix of tokens that a corpus
 * hardly uses are left out; the tokenizer spells them with others. Token numbers stay the file's:
 * the graph maps them at its two ends. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-figure.h"
#include "eval/eng-text-set.h"
#include "kn-quant.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops-vocabulary.h"
#include "rt-surgery.h"
#include "techniques/eng-techniques.h"

#define ID "vocabulary"
#define UNIT 32 /* rows are kept in multiples of this: two panels of every format */

static const EngParam params[] = {
  { .id = "tokens",
    .title = "Tokens kept",
    .summary = "The most used ones, rounded up to a multiple of 32; bytes and special tokens are "
               "always among them. 0: all.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = 0,
    .min = 0,
    .max = 4000000,
    .step = 1024 },
  { .id = "corpus",
    .title = "Corpus",
    .summary = "A text or a folder of *.txt in which uses are counted; none: the bundled "
               "calibration texts.",
    .kind = ENG_PARAM_PATH },
};

/* What transform() decides. */
typedef struct
{
  bool *keep;    /* [n_vocab] */
  guint32 *rows; /* [n_kept] rising: the file's rows that stay */
  guint n_vocab, n_kept;
  char *digest;
} Plan;

static void
plan_free (gpointer data)
{
  Plan *plan = data;
  g_free (plan->keep);
  g_free (plan->rows);
  g_free (plan->digest);
  g_free (plan);
}

/* ---- counting ---- */

/* How many stay; 0: the technique does nothing. */
static guint
count_kept (EngModel *model, EngRecipe *recipe)
{
  guint64 wanted = (guint64)eng_recipe_get_int (recipe, ID, "tokens");
  guint n_vocab = eng_model_get_params (model)->n_vocab;

  if (wanted == 0 || wanted >= n_vocab)
    return 0;
  wanted = MAX (wanted, rt_tokenizer_n_needed (eng_model_get_tokenizer (model)));
  wanted = (wanted + UNIT - 1) / UNIT * UNIT;
  return wanted < n_vocab ? (guint)wanted : 0;
}

typedef struct
{
  guint64 n;
  guint32 token;
} Use;

/* The most used first; tokens that are not used by number, which in merged vocabularies is the
 * order of their use in the tokenizer's own training. */
static int
compare_uses (const void *a, const void *b)
{
  const Use *x = a, *y = b;
  if (x->n != y->n)
    return x->n < y->n ? 1 : -1;
  return x->token < y->token ? -1 : x->token > y->token;
}

/* Uses of every token [n_vocab], as @tokenizer cuts the corpus; *@n_all of them. */
static gboolean
count_uses (EngTextSet *set, const RtTokenizer *tokenizer, Use *uses, guint64 *n_all,
            GError **error)
{
  RtError rt_error = { 0 };

  *n_all = 0;
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      gsize n_bytes, n;
      const char *bytes = g_bytes_get_data (text->text, &n_bytes);
      gint32 *tokens = NULL;
      if (!rt_tokenizer_encode (tokenizer, bytes, n_bytes, FALSE, FALSE, &tokens, &n, &rt_error))
        return eng_error_take_rt (&rt_error, error);
      for (gsize k = 0; uses != NULL && k < n; k++)
        uses[tokens[k]].n++;
      *n_all += n;
      free (tokens);
    }
  return TRUE;
}

static EngTextSet *
load_corpus (EngRecipe *recipe, GError **error)
{
  g_autofree char *path = eng_recipe_get_string (recipe, ID, "corpus", NULL);
  g_autoptr (EngTextSet) set
      = eng_text_set_load (path[0] != '\0' ? path : ENG_BUNDLED_CALIBRATION, error);

  if (set == NULL)
    g_prefix_error (error, "The corpus of the vocabulary: ");
  else if (set->texts->len == 0)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                 "The corpus of the vocabulary: %s has no texts to count words in", set->title);
  return set != NULL && set->texts->len > 0 ? g_steal_pointer (&set) : NULL;
}

/* ---- the plan ---- */

static void
finish_plan (Plan *plan)
{
  guint n = 0;

  plan->rows = g_new (guint32, plan->n_kept + 1);
  for (guint32 i = 0; i < plan->n_vocab; i++)
    if (plan->keep[i])
      plan->rows[n++] = i;
  g_assert (n == plan->n_kept);
  plan->digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)plan->rows,
                                              n * sizeof *plan->rows);
}

static gboolean
choose_tokens (EngLowering *lowering, Plan *plan, GError **error)
{
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (lowering->model);
  g_autoptr (EngTextSet) set = load_corpus (lowering->recipe, error);
  g_autofree Use *uses = g_new0 (Use, plan->n_vocab + 1);
  g_autofree guint32 *order = g_new (guint32, plan->n_vocab + 1);
  guint64 n_before, n_after;
  guint n_used = 0;
  RtError rt_error = { 0 };

  if (set == NULL)
    return FALSE;
  for (guint32 i = 0; i < plan->n_vocab; i++)
    uses[i].token = i;
  if (!count_uses (set, tokenizer, uses, &n_before, error))
    return FALSE;
  qsort (uses, plan->n_vocab, sizeof *uses, compare_uses);
  for (guint i = 0; i < plan->n_vocab; i++)
    {
      order[i] = uses[i].token;
      n_used += uses[i].n > 0;
    }
  if (!rt_tokenizer_choose (tokenizer, order, plan->n_kept, plan->keep, &rt_error)
      || (lowering->tokenizer
          = rt_tokenizer_new_subset (eng_model_get_gguf (lowering->model), plan->keep, &rt_error))
             == NULL)
    return eng_error_take_rt (&rt_error, error);
  if (!count_uses (set, lowering->tokenizer, NULL, &n_after, error))
    return FALSE;
  eng_lowering_note (lowering,
                     "Vocabulary: %u of %u tokens stay (%u occur in %s, which takes %.1f %% more "
                     "tokens now). Perplexity is per token: compare bits per byte",
                     plan->n_kept, plan->n_vocab, n_used, set->title,
                     n_before > 0 ? 100 * ((double)n_after / (double)n_before - 1) : 0);
  return TRUE;
}

static Plan *
make_plan (EngLowering *lowering, GError **error)
{
  guint n_kept = count_kept (lowering->model, lowering->recipe);
  Plan *plan;

  if (n_kept == 0)
    return NULL;
  plan = g_new0 (Plan, 1);
  plan->n_vocab = eng_model_get_params (lowering->model)->n_vocab;
  plan->n_kept = n_kept;
  plan->keep = g_new0 (bool, plan->n_vocab);
  if (lowering->is_sketch) /* which ones does not matter for shapes */
    memset (plan->keep, 1, n_kept * sizeof *plan->keep);
  else if (!choose_tokens (lowering, plan, error))
    {
      plan_free (plan);
      return NULL;
    }
  finish_plan (plan);
  g_datalist_set_data_full (&lowering->data, ID, plan, plan_free);
  return plan;
}

/* ---- the graph ---- */

/* The row that stands for a token: its own, or for one that is gone that of the last token that its
 * text is cut into. Texts never hold such a token, other models' drafts may. */
static gint32 *
map_tokens (const Plan *plan, const RtTokenizer *all, const RtTokenizer *tokenizer)
{
  gint32 *map = g_new0 (gint32, plan->n_vocab);
  RtError rt_error = { 0 };

  for (guint i = 0; i < plan->n_kept; i++)
    map[plan->rows[i]] = (gint32)i;
  for (guint t = 0; tokenizer != NULL && t < plan->n_vocab; t++)
    {
      RtSlice piece = rt_tokenizer_piece (all, (gint32)t);
      gint32 *tokens = NULL;
      gsize n;
      if (plan->keep[t]
          || !rt_tokenizer_encode (tokenizer, piece.data, piece.length, FALSE, FALSE, &tokens, &n,
                                   &rt_error))
        continue;
      map[t] = n > 0 ? map[tokens[n - 1]] : 0;
      free (tokens);
    }
  return map;
}

static RtValueId
find_output (const RtGraph *graph)
{
  for (RtValueId i = 0; i < rt_graph_n_values (graph); i++)
    if (rt_graph_value (graph, i)->kind == RT_VALUE_OUTPUT)
      return i;
  return RT_NONE;
}

static void
cut_matrices (RtSurgery *surgery, const RtGraph *source, const Plan *plan)
{
  static const char *const names[] = { "token_embd.weight", "output.weight" };
  RtValueId bias = rt_graph_find_value (source, "output.bias");

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      RtValueId id = rt_graph_find_value (source, names[k]);
      if (id != RT_NONE)
        rt_surgery_reshape (surgery, id, plan->n_kept,
                            (guint64)rt_graph_value (source, id)->shape.dims[1]);
    }
  if (bias == RT_NONE)
    return;
  const RtValue *value = rt_graph_value (source, bias);
  g_autofree float *numbers = g_new (float, plan->n_vocab);
  kn_dequantize_row ((KnDtype)value->type, value->data, numbers, plan->n_vocab);
  for (guint i = 0; i < plan->n_kept; i++)
    numbers[i] = numbers[plan->rows[i]];
  rt_surgery_set_vector (surgery, bias, numbers, plan->n_kept);
}

/* tokens -> rows before the embedding; logits of rows -> logits of tokens behind the last node. */
static void
add_ends (RtSurgery *surgery, const RtGraph *source, const Plan *plan, const gint32 *map)
{
  RtShape map_shape = { .n_dims = 1, .dims = { plan->n_vocab } };
  RtShape rows_shape = { .n_dims = 1, .dims = { plan->n_kept } };
  RtValueId tokens = rt_graph_find_value (source, "tokens"), output = find_output (source);
  RtGatherAttrs gather = { .axis = 0 };
  RtSpreadAttrs spread = { .n_columns = plan->n_vocab, .fill = -INFINITY };

  RtValueId table = rt_surgery_add_weight (surgery, "vocabulary.rows", RT_TYPE_I32, &map_shape, map,
                                           plan->n_vocab * sizeof *map);
  RtValueId columns = rt_surgery_add_weight (surgery, "vocabulary.tokens", RT_TYPE_I32, &rows_shape,
                                             plan->rows, plan->n_kept * sizeof *plan->rows);
  rt_surgery_insert (surgery, tokens, "vocabulary_in", -1, &rt_op_gather,
                     (RtValueId[]){ table, tokens }, 2, &gather, tokens);
  rt_surgery_insert (surgery, output, "vocabulary_out", rt_graph_n_layers (source), &rt_op_spread,
                     (RtValueId[]){ output, columns }, 2, &spread, output);
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  Plan *plan = make_plan (lowering, error);
  RtError rt_error = { 0 };

  if (plan == NULL)
    return NULL;
  g_autofree gint32 *map
      = map_tokens (plan, eng_model_get_tokenizer (lowering->model), lowering->tokenizer);
  RtSurgery *surgery = rt_surgery_new (source, &rt_error);
  if (surgery != NULL)
    {
      cut_matrices (surgery, source, plan);
      add_ends (surgery, source, plan, map);
    }
  RtGraph *graph = surgery != NULL ? rt_surgery_finish (surgery, &rt_error) : NULL;
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

/* ---- the numbers ---- */

static gboolean
apply (EngLowering *lowering, GError **error)
{
  const Plan *plan = g_datalist_get_data (&lowering->data, ID);

  for (guint i = 0; plan != NULL && i < eng_model_get_n_tensors (lowering->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      if (tensor->n_rows == plan->n_vocab
          && (strcmp (tensor->name, "token_embd.weight") == 0
              || strcmp (tensor->name, "output.weight") == 0))
        eng_lowering_mark (lowering, i, &eng_technique_vocabulary, "%u tokens, %.16s", plan->n_kept,
                           plan->digest);
    }
  return TRUE;
}

static gboolean
edit (EngLowering *lowering, EngMatrix *matrix, GError **error)
{
  const Plan *plan = g_datalist_get_data (&lowering->data, ID);
  eng_matrix_keep_rows (matrix, plan->rows, plan->n_kept);
  return TRUE;
}

/* ---- words ---- */

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("a network has no vocabulary");
  if (eng_model_get_tokenizer (model) == NULL)
    return g_strdup_printf ("the model cannot read text: %s",
                            eng_model_get_tokenizer_error (model));
  if (rt_tokenizer_n_vocab (eng_model_get_tokenizer (model))
      != eng_model_get_params (model)->n_vocab)
    return g_strdup ("its matrices have rows for another number of tokens than its tokenizer");
  return NULL;
}

static void
limits (EngModel *model, const EngParam *param, double *min, double *max, double *default_value)
{
  if (model != NULL && eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
      && strcmp (param->id, "tokens") == 0)
    *max = eng_model_get_params (model)->n_vocab;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  return strcmp (param->id, "tokens") == 0 || eng_recipe_get_int (recipe, ID, "tokens") > 0;
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  double n_weights = 0;
  g_autofree char *why = applies (model);
  guint n_kept = why == NULL ? count_kept (model, recipe) : 0;

  if (n_kept == 0)
    return NULL;
  guint n_vocab = eng_model_get_params (model)->n_vocab;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer == layer && tensor->n_rows == n_vocab)
        n_weights += (double)tensor->n_cols * (double)(n_vocab - n_kept);
    }
  if (n_weights == 0)
    return NULL;
  g_autofree char *gone = eng_format_value (n_weights, NULL);
  return g_strdup_printf ("%u of %u tokens stay: %s weights, %.1f %% of the model's, are gone. "
                          "Other words are spelled with more tokens, each of which costs a step.",
                          n_kept, n_vocab, gone,
                          100 * n_weights / (double)eng_model_get_n_params (model));
}

static char *
describe (EngRecipe *recipe)
{
  gint64 n = eng_recipe_get_int (recipe, ID, "tokens");
  return n > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT " tokens kept", n) : NULL;
}

const EngTechnique eng_technique_vocabulary = {
  .id = ID,
  .title = "Vocabulary",
  .group = "Pruning",
  .summary = "Tokens that a corpus hardly uses lose their rows in embedding and output: much of a "
             "small model's weights; texts unlike the corpus need more tokens, and such words can "
             "only be answered in pieces.",
  .papers = "The Solution for the AIGC Inference Performance Optimization Competition, 2024",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE, /* a saved file has the smaller matrices */
  .applies = applies,
  .limits = limits,
  .matters = matters,
  .transform = transform,
  .apply = apply,
  .edit = edit,
  .explain = explain,
  .describe = describe,
};
