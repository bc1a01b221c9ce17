/* Technique: feed-forward channels and attention heads that are taken out of every block, which
 * makes really smaller matrices. What goes is planned in eng-prune.c; here the graph gets its
 * shapes and the matrices their rows and columns. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-figure.h"
#include "eng-prune-budget.h"
#include "eng-prune.h"
#include "eng-recipe-private.h"
#include "eng-worth.h"
#include "kn-quant.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"
#include "techniques/eng-techniques.h"

#define ID "prune-structured"

static const EngChoice spreads[]
    = { { "importance", "By importance",
          "blocks that turn the stream of activations more keep more" },
        { "even", "Evenly", "the same share from every block" },
        { NULL } };

static const EngChoice mends[]
    = { { "none", "Nothing", "what goes is gone" },
        { "mean", "Mean", "what the removed part adds on average becomes a bias" },
        { "refit", "Refit",
          "the columns that stay are fitted to the old outputs by least squares: minutes of "
          "calibration" },
        { NULL } };

static const EngChoice multiples[]
    = { { "32", "32", "what 8-bit activations and 32-wide weight blocks want" },
        { "64", "64", "four panels of 16 rows" },
        { "128", "128", "half a block of the K formats" },
        { "256", "256", "whole blocks of the K formats (Q4_K and relatives)" },
        { NULL } };

static const EngParam params[] = {
  { .id = "channels",
    .title = "Feed-forward channels removed",
    .summary = "Share of each block's inner channels that goes: rows of gate and up, columns of "
               "down.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 90,
    .step = 5 },
  { .id = "heads",
    .title = "Attention heads removed",
    .summary = "Share of the heads that goes, in whole groups that share a key-value head.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 90,
    .step = 5 },
  { .id = "spread",
    .title = "Budget",
    .summary = "How the share of the whole model is divided between blocks that have no rule of "
               "their own.",
    .kind = ENG_PARAM_CHOICE,
    .choices = spreads,
    .default_choice = "importance" },
  { .id = "mend",
    .title = "Make up for it",
    .summary = "What is done to the output matrices so that the rest stands for what goes.",
    .kind = ENG_PARAM_CHOICE,
    .choices = mends,
    .default_choice = "refit" },
  { .id = "multiple",
    .title = "Channels in multiples of",
    .summary = "The number of channels that stay is a multiple of this, so that formats and "
               "kernels keep their full width.",
    .kind = ENG_PARAM_CHOICE,
    .choices = multiples,
    .default_choice = "32" },
};

/* ---- the plan of a build ---- */

static EngPrunePlan *
get_plan (EngLowering *lowering)
{
  return g_datalist_get_data (&lowering->data, ID);
}

static gboolean
mends_by (EngRecipe *recipe, const char *how)
{
  g_autofree char *mend = eng_recipe_get_string (recipe, ID, "mend", NULL);
  return strcmp (mend, how) == 0;
}

static gboolean
choose_all (EngLowering *lowering, EngPrunePlan *plan, EngActivations *activations, GError **error)
{
  for (guint i = 0; i < plan->n_blocks; i++)
    {
      if (lowering->job != NULL
          && g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (lowering->job), error))
        return FALSE;
      if (lowering->job != NULL)
        eng_job_report (lowering->job, "Choosing what to prune", (double)i / plan->n_blocks);
      if (!eng_prune_plan_choose (plan, lowering->model, activations, i, error))
        return FALSE;
    }
  return TRUE;
}

static void
note_plan (EngLowering *lowering, const EngPrunePlan *plan)
{
  guint fewest = G_MAXUINT, most = 0, n_groups = 0, n_groups_kept = 0;

  for (guint i = 0; i < plan->n_blocks; i++)
    {
      const EngPruneBlock *block = &plan->blocks[i];
      if (block->n_channels > 0)
        {
          fewest = MIN (fewest, block->n_channels_kept);
          most = MAX (most, block->n_channels_kept);
        }
      n_groups += block->n_groups;
      n_groups_kept += block->n_groups_kept;
    }
  if (plan->is_even)
    eng_lowering_note (lowering,
                       "Structured pruning: how much each block gives up is known when the "
                       "calibration text has run; the estimate takes the same from all");
  else
    eng_lowering_note (lowering,
                       "Structured pruning: %u to %u of %u feed-forward channels stay in a block, "
                       "%u of %u groups of heads in all",
                       most > 0 ? fewest : 0, most, eng_model_get_params (lowering->model)->n_ff,
                       n_groups_kept, n_groups);
}

/* The plan, kept for edit(); NULL without @error: nothing goes. Borrowed. */
static EngPrunePlan *
make_plan (EngLowering *lowering, const RtGraph *source, EngActivations **activations,
           GError **error)
{
  *activations = NULL;
  if (!eng_prune_is_wanted (lowering->model, lowering->recipe))
    return NULL;
  *activations = lowering->is_sketch
                     ? eng_activations_peek (lowering->model, lowering->recipe, TRUE)
                     : eng_lowering_get_activations (lowering,
                                                     mends_by (lowering->recipe, "refit")
                                                         ? ENG_ACTIVATIONS_HESSIANS
                                                         : ENG_ACTIVATIONS_CHANNELS,
                                                     error);
  if (*activations == NULL && !lowering->is_sketch)
    return NULL;
  g_autoptr (EngPrunePlan) plan
      = eng_prune_plan_new (lowering->model, lowering->recipe, source, *activations);
  if (!plan->any || (!lowering->is_sketch && !choose_all (lowering, plan, *activations, error)))
    return NULL;
  note_plan (lowering, plan);
  EngPrunePlan *kept = g_steal_pointer (&plan);
  g_datalist_set_data_full (&lowering->data, ID, kept, (GDestroyNotify)eng_prune_plan_free);
  return kept;
}

/* ---- the graph ---- */

typedef struct
{
  EngLowering *lowering;
  const RtGraph *source;
  RtSurgery *surgery;
  const RtArchParams *p;
  guint group_heads;
} Cut;

static RtValueId
find_weight (const Cut *cut, guint block, const char *name)
{
  g_autofree char *full = g_strdup_printf ("blk.%u.%s", block, name);
  return rt_graph_find_value (cut->source, full);
}

static void
reshape (const Cut *cut, guint block, const char *name, guint n_rows, guint n_cols)
{
  RtValueId id = find_weight (cut, block, name);
  if (id != RT_NONE)
    rt_surgery_reshape (cut->surgery, id, n_rows, n_cols);
}

/* The numbers of a vector as floats; newly allocated. */
static float *
read_vector (const RtValue *value)
{
  gsize n = (gsize)value->shape.dims[0];
  float *numbers = g_new (float, n + 1);
  kn_dequantize_row ((KnDtype)value->type, value->data, numbers, n);
  return numbers;
}

/* Of bias @name, if the block has it, only @rows [n] stay (NULL: the first ones, for a sketch). */
static void
cut_bias (const Cut *cut, guint block, const char *name, const guint32 *rows, guint n)
{
  RtValueId id = find_weight (cut, block, name);
  if (id == RT_NONE)
    return;
  g_autofree float *numbers = read_vector (rt_graph_value (cut->source, id));
  for (guint i = 0; rows != NULL && i < n; i++)
    numbers[i] = numbers[rows[i]];
  rt_surgery_set_vector (cut->surgery, id, numbers, n);
}

static void
cut_channels (const Cut *cut, guint block, const EngPruneBlock *b)
{
  guint n_embd = cut->p->n_embd;

  if (b->n_channels_kept == b->n_channels)
    return;
  reshape (cut, block, "ffn_gate.weight", b->n_channels_kept, n_embd);
  reshape (cut, block, "ffn_up.weight", b->n_channels_kept, n_embd);
  reshape (cut, block, "ffn_down.weight", n_embd, b->n_channels_kept);
  cut_bias (cut, block, "ffn_gate.bias", b->channels, b->n_channels_kept);
  cut_bias (cut, block, "ffn_up.bias", b->channels, b->n_channels_kept);
}

static void *
node_attrs (const Cut *cut, guint block, const char *name, const RtOp *op)
{
  g_autofree char *full = g_strdup_printf ("blk.%u.%s", block, name);
  RtNodeId id = rt_graph_find_node (cut->source, full);
  if (id == RT_NONE || rt_graph_node (cut->source, id)->op != op)
    return NULL;
  return rt_surgery_attrs (cut->surgery, id);
}

/* Attributes that count heads. */
static void
set_heads (const Cut *cut, guint block, guint n_groups)
{
  guint n_heads = n_groups * cut->group_heads;
  RtAttentionAttrs *attention = node_attrs (cut, block, "attn", &rt_op_attention);
  static const char *const parts[] = { "attn_q", "attn_k" };

  if (attention != NULL)
    {
      attention->n_heads = n_heads;
      attention->n_kv_heads = n_groups;
    }
  for (guint k = 0; k < 2; k++)
    {
      guint n = k == 0 ? n_heads : n_groups;
      g_autofree char *rope_name = g_strdup_printf ("%s_rope", parts[k]);
      g_autofree char *norm_name = g_strdup_printf ("%s_norm", parts[k]);
      RtRopeAttrs *rope = node_attrs (cut, block, rope_name, &rt_op_rope);
      RtNormAttrs *norm = node_attrs (cut, block, norm_name, &rt_op_rmsnorm);
      if (rope != NULL)
        rope->n_heads = n;
      if (norm != NULL)
        norm->n_groups = n;
    }
}

static void
cut_heads (const Cut *cut, guint block, const EngPruneBlock *b)
{
  guint n_embd = cut->p->n_embd, kv_width = cut->p->head_dim;
  guint q_width = kv_width * cut->group_heads;
  guint n_q = b->n_groups_kept * q_width, n_kv = b->n_groups_kept * kv_width;

  if (b->n_groups_kept == b->n_groups)
    return;
  g_autofree guint32 *q
      = b->groups != NULL ? eng_prune_widen (b->groups, b->n_groups_kept, q_width) : NULL;
  g_autofree guint32 *kv
      = b->groups != NULL ? eng_prune_widen (b->groups, b->n_groups_kept, kv_width) : NULL;
  reshape (cut, block, "attn_q.weight", n_q, n_embd);
  reshape (cut, block, "attn_k.weight", n_kv, n_embd);
  reshape (cut, block, "attn_v.weight", n_kv, n_embd);
  reshape (cut, block, "attn_output.weight", n_embd, n_q);
  cut_bias (cut, block, "attn_q.bias", q, n_q);
  cut_bias (cut, block, "attn_k.bias", kv, n_kv);
  cut_bias (cut, block, "attn_v.bias", kv, n_kv);
  set_heads (cut, block, b->n_groups_kept);
}

/* ---- the mean of what goes ---- */

/* @bias [n_rows] += the file's @name times the mean inputs of the columns that are not in @kept. */
static gboolean
add_mean_of_gone (EngLowering *lowering, EngActivations *activations, const char *name,
                  const guint32 *kept, gsize n_kept, float *bias)
{
  const RtGraph *graph = eng_model_get_graph (lowering->model);
  const RtValue *value = rt_graph_value (graph, rt_graph_find_value (graph, name));
  gsize n_rows = (gsize)value->shape.dims[0], n_cols = (gsize)value->shape.dims[1];
  gsize row_bytes = kn_row_bytes ((KnDtype)value->type, n_cols);
  g_autofree float *row = g_new (float, n_cols), *mean = g_new (float, n_cols);
  EngChannelStats stats;

  if (!eng_activations_get_channels (activations, name, &stats) || stats.n_channels != n_cols)
    return FALSE;
  memcpy (mean, stats.mean, n_cols * sizeof *mean);
  for (gsize i = 0; i < n_kept; i++)
    mean[kept[i]] = 0;
  for (gsize r = 0; r < n_rows; r++)
    {
      double sum = 0;
      kn_dequantize_row ((KnDtype)value->type, (const guint8 *)value->data + r * row_bytes, row,
                         n_cols);
      for (gsize c = 0; c < n_cols; c++)
        sum += (double)row[c] * (double)mean[c];
      bias[r] += (float)sum;
    }
  return TRUE;
}

/* The product "blk.<block>.<part>" of @graph, which is new and ours, adds @numbers [n]. */
static gboolean
give_bias (RtGraph *graph, guint block, const char *part, const float *numbers, guint n,
           RtError *error)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.%s", block, part);
  g_autofree char *bias_name = g_strdup_printf ("%s.bias", name);
  RtNodeId node = rt_graph_find_node (graph, name);
  RtValueId id = rt_graph_find_value (graph, bias_name);
  RtShape shape = { .n_dims = 1, .dims = { n } };
  float *data = rt_graph_alloc (graph, n * sizeof *data);

  if (data == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for %s", bias_name);
  memcpy (data, numbers, n * sizeof *data);
  if (id != RT_NONE)
    {
      rt_graph_replace_weight (graph, id, KN_F32, data, n * sizeof *data);
      return true;
    }
  id = rt_graph_add_weight (graph, bias_name, KN_F32, &shape, data, n * sizeof *data, error);
  if (id != RT_NONE)
    rt_graph_set_input (graph, node, RT_MATMUL_BIAS, id);
  return id != RT_NONE;
}

/* The bias of the old graph, or zeros, and what goes on average. */
static gboolean
mend_part (const Cut *cut, RtGraph *graph, EngActivations *activations, guint block,
           const char *part, const guint32 *kept, gsize n_kept, RtError *error)
{
  guint n = cut->p->n_embd;
  g_autofree char *weight = g_strdup_printf ("blk.%u.%s.weight", block, part);
  g_autofree char *bias_name = g_strdup_printf ("%s.bias", part);
  RtValueId old = find_weight (cut, block, bias_name);
  g_autofree float *bias
      = old != RT_NONE ? read_vector (rt_graph_value (cut->source, old)) : g_new0 (float, n);

  if (kept != NULL && !add_mean_of_gone (cut->lowering, activations, weight, kept, n_kept, bias))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: the calibration knows nothing of it", weight);
  return give_bias (graph, block, part, bias, n, error);
}

static gboolean
mend_by_mean (const Cut *cut, RtGraph *graph, const EngPrunePlan *plan, EngActivations *activations,
              RtError *error)
{
  guint q_width = cut->p->head_dim * cut->group_heads;

  for (guint i = 0; i < plan->n_blocks; i++)
    {
      const EngPruneBlock *b = &plan->blocks[i];
      g_autofree guint32 *columns
          = b->groups != NULL ? eng_prune_widen (b->groups, b->n_groups_kept, q_width) : NULL;
      if ((b->n_channels_kept < b->n_channels
           && !mend_part (cut, graph, activations, i, "ffn_down", b->channels, b->n_channels_kept,
                          error))
          || (b->n_groups_kept < b->n_groups
              && !mend_part (cut, graph, activations, i, "attn_output", columns,
                             (gsize)b->n_groups_kept * q_width, error)))
        return FALSE;
    }
  return TRUE;
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  g_autoptr (EngActivations) activations = NULL;
  EngPrunePlan *plan = make_plan (lowering, source, &activations, error);
  RtError rt_error = { 0 };
  Cut cut = { .lowering = lowering,
              .source = source,
              .p = eng_model_get_params (lowering->model),
              .group_heads = eng_prune_group_heads (lowering->model) };

  if (plan == NULL)
    return NULL;
  cut.surgery = rt_surgery_new (source, &rt_error);
  for (guint i = 0; cut.surgery != NULL && i < plan->n_blocks; i++)
    {
      cut_channels (&cut, i, &plan->blocks[i]);
      cut_heads (&cut, i, &plan->blocks[i]);
    }
  RtGraph *graph = cut.surgery != NULL ? rt_surgery_finish (cut.surgery, &rt_error) : NULL;
  if (graph != NULL && mends_by (lowering->recipe, "mean")
      && !mend_by_mean (&cut, graph, plan, activations, &rt_error))
    g_clear_pointer (&graph, rt_graph_free);
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

/* ---- the numbers ---- */

typedef struct
{
  const guint32 *units; /* kept channels or groups */
  guint n_kept, width;  /* rows or columns of a unit */
  gboolean is_columns;
  gboolean is_cut;
} Part;

/* How the tensor called @name is cut. */
static Part
part_of (EngModel *model, const EngPrunePlan *plan, int layer, const char *name)
{
  static const struct
  {
    const char *ending;
    gboolean is_heads, is_query, is_columns;
  } kinds[] = {
    { ".ffn_gate.weight", FALSE, FALSE, FALSE }, { ".ffn_up.weight", FALSE, FALSE, FALSE },
    { ".ffn_down.weight", FALSE, FALSE, TRUE },  { ".attn_q.weight", TRUE, TRUE, FALSE },
    { ".attn_k.weight", TRUE, FALSE, FALSE },    { ".attn_v.weight", TRUE, FALSE, FALSE },
    { ".attn_output.weight", TRUE, TRUE, TRUE },
  };
  guint head_dim = eng_model_get_params (model)->head_dim;

  for (guint i = 0; layer >= 0 && layer < (int)plan->n_blocks && i < G_N_ELEMENTS (kinds); i++)
    {
      const EngPruneBlock *b = &plan->blocks[layer];
      if (!g_str_has_suffix (name, kinds[i].ending))
        continue;
      if (!kinds[i].is_heads)
        return (Part){ b->channels, b->n_channels_kept, 1, kinds[i].is_columns,
                       b->n_channels_kept < b->n_channels };
      return (Part){ b->groups, b->n_groups_kept,
                     head_dim * (kinds[i].is_query ? eng_prune_group_heads (model) : 1),
                     kinds[i].is_columns, b->n_groups_kept < b->n_groups };
    }
  return (Part){ 0 };
}

/* All that the numbers of a cut matrix depend on, besides the file. */
static char *
key_of (EngLowering *lowering, const Part *part)
{
  g_autofree char *calibration = eng_lowering_dup_calibration_key (lowering);
  g_autofree char *mend = eng_recipe_get_string (lowering->recipe, ID, "mend", NULL);
  gboolean refits = part->is_columns && strcmp (mend, "refit") == 0;
  g_autofree char *units
      = part->units != NULL
            ? g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)part->units,
                                           part->n_kept * sizeof *part->units)
            : g_strdup ("unknown");
  return g_strdup_printf ("%u of width %u, %.16s%s%s", part->n_kept, part->width, units,
                          refits ? ", refit by " : "", refits ? calibration : "");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  EngPrunePlan *plan = get_plan (lowering);

  for (guint i = 0; plan != NULL && i < eng_model_get_n_tensors (lowering->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      Part part = part_of (lowering->model, plan, tensor->layer, tensor->name);
      gsize n_rows, n_cols;
      if (!part.is_cut || !eng_lowering_tensor_shape (lowering, i, &n_rows, &n_cols))
        continue;
      g_autofree char *key = key_of (lowering, &part);
      eng_lowering_mark (lowering, i, &eng_technique_prune_structured, "%s", key);
    }
  return TRUE;
}

static gboolean
is_cancelled (gpointer data)
{
  EngLowering *lowering = data;
  return lowering->job != NULL
         && g_cancellable_is_cancelled (eng_job_get_cancellable (lowering->job));
}

/* Replaces the columns that stay by their fit to all. */
static gboolean
refit (EngLowering *lowering, EngMatrix *matrix, const guint32 *columns, gsize n, GError **error)
{
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_HESSIANS, error);
  if (activations == NULL)
    return FALSE;
  g_autofree float *moments = eng_matrix_load_hessian (activations, matrix, error);
  if (moments == NULL)
    return FALSE;
  g_autofree float *fitted = g_new (float, matrix->n_rows *n + 1);
  if (!eng_prune_refit (matrix->data, matrix->n_rows, matrix->n_cols, moments, columns, n,
                        ENG_PRUNE_DAMPING, is_cancelled, lowering, fitted))
    {
      if (lowering->job == NULL
          || !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (lowering->job), error))
        g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                     "%s cannot be refitted: its second moments on %s are not positive definite. "
                     "Take a longer calibration text, or make up for it by the mean",
                     matrix->name, eng_activations_get_source (activations));
      return FALSE;
    }
  eng_matrix_keep_columns (matrix, columns, n);
  memcpy (matrix->data, fitted, matrix->n_rows * n * sizeof *fitted);
  return TRUE;
}

static gboolean
edit (EngLowering *lowering, EngMatrix *matrix, GError **error)
{
  EngPrunePlan *plan = get_plan (lowering);
  Part part = part_of (lowering->model, plan, matrix->layer, matrix->name);
  gsize n = (gsize)part.n_kept * part.width;
  g_autofree guint32 *indices = eng_prune_widen (part.units, part.n_kept, part.width);

  if (!part.is_columns)
    eng_matrix_keep_rows (matrix, indices, n);
  else if (mends_by (lowering->recipe, "refit"))
    return refit (lowering, matrix, indices, n, error);
  else
    eng_matrix_keep_columns (matrix, indices, n);
  return TRUE;
}

/* ---- words ---- */

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("only feed-forward channels and attention heads of language models are "
                     "pruned, not the channels of a network's convolutions");
  if (eng_model_get_params (model)->blocks_differ)
    return g_strdup ("its blocks are of different sizes, as after pruning: shares are taken from "
                     "blocks that are alike. Prune the model that it was made from");
  if (!eng_model_has_block_node (model, "ffn_down") || !eng_model_has_block_node (model, "attn"))
    return g_strdup ("its blocks have no gated feed-forward part and attention of the known form");
  return NULL;
}

static void
explain_part (GString *text, const char *what, guint n_kept, guint n, guint of, double energy,
              gboolean is_known)
{
  if (n_kept == n)
    return;
  g_string_append_printf (text, "%s%u of %u %s stay (%.0f %%)", text->len > 0 ? " " : "",
                          n_kept * of, n * of, what, 100.0 * n_kept / n);
  if (is_known)
    g_string_append_printf (text,
                            "; they carry %.1f %% of the squares that this part adds on the "
                            "calibration text",
                            100 * energy);
  g_string_append_c (text, '.');
}

/* The plan as far as it is known without calibrating, with what there is of the calibration; NULL:
 * layer @layer is not of the kind that is pruned, or nothing is. */
static EngPrunePlan *
peek_plan (EngModel *model, EngRecipe *recipe, int layer, EngActivations **activations)
{
  *activations = NULL;
  if (layer < 0 || eng_model_get_kind (model) != ENG_MODEL_LANGUAGE
      || layer >= (int)eng_model_get_n_layers (model) || !eng_prune_is_wanted (model, recipe))
    return NULL;
  *activations = eng_activations_peek (model, recipe, FALSE);
  return eng_prune_plan_new (model, recipe, eng_model_get_graph (model), *activations);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (EngActivations) activations = NULL;
  g_autoptr (EngPrunePlan) plan = peek_plan (model, recipe, layer, &activations);

  if (plan == NULL)
    return NULL;
  const EngPruneBlock *b = &plan->blocks[layer];
  gboolean is_known
      = activations != NULL && eng_prune_plan_choose (plan, model, activations, (guint)layer, NULL);
  explain_part (text, "feed-forward channels", b->n_channels_kept, b->n_channels, 1,
                b->channel_energy, is_known);
  explain_part (text, "heads", b->n_groups_kept, b->n_groups, eng_prune_group_heads (model),
                b->group_energy, is_known);
  if (text->len == 0)
    return NULL;
  double cosine, change;
  if (is_known && eng_activations_get_block (activations, layer, &cosine, &change))
    g_string_append_printf (text, " The block turns the stream by %.1f degrees.",
                            acos (CLAMP (cosine, -1, 1)) * 180 / G_PI);
  else
    g_string_append (text, " Not calibrated yet: a block's own share may differ.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* "25 % of channels, ": what the layer has lost of one kind; nothing where it has lost none. */
static void
add_lost (GString *text, guint n_kept, guint n, const char *what)
{
  if (n_kept < n)
    g_string_append_printf (text, "%s%.3g %% of %s", text->len > 0 ? ", " : "",
                            100.0 * (n - n_kept) / n, what);
}

static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (EngActivations) activations = NULL;
  g_autoptr (EngPrunePlan) plan = peek_plan (model, recipe, layer, &activations);

  if (plan == NULL)
    return NULL;
  const EngPruneBlock *b = &plan->blocks[layer];
  add_lost (text, b->n_channels_kept, b->n_channels, "channels");
  add_lost (text, b->n_groups_kept, b->n_groups, "heads");
  if (text->len == 0)
    return NULL;
  g_autoptr (EngRecipe) whole = eng_recipe_without (recipe, &eng_technique_prune_structured);
  EngWorth worth = eng_worth (model, recipe, whole, run, layer, ENG_WORTH_ANY);
  g_autofree char *words = eng_worth_dup_speedup (&worth, "the whole block");
  g_string_append_printf (text, ": %s.", words);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
describe (EngRecipe *recipe)
{
  static const struct
  {
    const char *param, *what;
  } parts[] = { { "channels", "channels" }, { "heads", "heads" } };
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_rules = eng_recipe_n_rules (recipe, ID);

  for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
    {
      g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, parts[k].param, NULL);
      if (g_variant_get_double (value) > 0)
        g_string_append_printf (text, "%s−%g %% %s", text->len > 0 ? ", " : "",
                                g_variant_get_double (value), parts[k].what);
    }
  if (n_rules > 0)
    g_string_append_printf (text, "%s%u rule%s", text->len > 0 ? " with " : "pruned by ", n_rules,
                            n_rules == 1 ? "" : "s");
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  if (strcmp (param->id, "channels") == 0 || strcmp (param->id, "heads") == 0)
    return TRUE;
  g_autoptr (GVariant) channels = eng_recipe_get (recipe, ID, "channels", NULL);
  g_autoptr (GVariant) heads = eng_recipe_get (recipe, ID, "heads", NULL);
  return g_variant_get_double (channels) > 0 || g_variant_get_double (heads) > 0
         || eng_recipe_n_rules (recipe, ID) > 0;
}

const EngTechnique eng_technique_prune_structured = {
  .id = ID,
  .title = "Structured pruning",
  .group = "Pruning",
  .summary = "Feed-forward channels and attention heads are taken out: matrices really become "
             "smaller and faster on every machine, and without training afterwards the loss rises "
             "steeply beyond a tenth or so.",
  .papers = "Wang et al. 2024, CFSP: An Efficient Structured Pruning Framework for LLMs with "
            "Coarse-to-Fine Activation Information",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE, /* a saved file has the smaller matrices */
  .applies = applies,
  .matters = matters,
  .transform = transform,
  .apply = apply,
  .edit = edit,
  .verdict = verdict,
  .explain = explain,
  .describe = describe,
};
