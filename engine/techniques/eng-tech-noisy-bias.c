/* Technique: a fixed noise on the activations before they are rounded to 8 bits, which the
 * products' biases take off again: y = W q(x + N) + (b - W N). NoisyQuant (Liu et al. 2023),
 * section 3.
 *
 * What it costs: a value far below half a step was rounded to 0 with an error as small as itself,
 * and with noise errs by up to half a step like all others. Where most values are that small,
 * errors grow.
 *
 * Decided on the fused graph, when formats are known. N is added where the rows are written (an
 * operand of the norm that rounds them) or by a node of its own, and W N is summed from the numbers
 * as they are packed, so that without rounding of x the product is what it was. Knows no other
 * technique but equalization, which changes the sizes of channels. */
#include "techniques/eng-techniques.h"

#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-equalize.h"
#include "eng-error.h"
#include "kn-matmul.h"
#include "kn-quant.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "rt-random.h"
#include "rt-surgery.h"

#define ID "noisy-bias"
#define AMPLITUDE "amplitude"
#define SEED "seed"
#define MAX_MATRICES 3 /* that read one value through one node */

/* Points of each channel's distribution that the typical largest value is taken from. */
#define N_POINTS 24

static const EngParam params[] = {
  { .id = AMPLITUDE,
    .title = "Noise",
    .summary
    = "Largest size of the noise, in steps of the 8-bit codes of a typical token; 0: none. "
      "Products that read the same values share it, a rule for the first of them counts.",
    .unit = "steps",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 4,
    .step = 0.1 },
  { .id = SEED,
    .title = "Noise number",
    .summary = "Which noise: what changes with this number is luck.",
    .kind = ENG_PARAM_INT,
    .default_value = 1,
    .min = 1,
    .max = 1000,
    .step = 1 },
};

static double
amplitude_of (EngRecipe *recipe, const char *tensor)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, AMPLITUDE, tensor);
  return g_variant_get_double (value);
}

static gboolean
is_on (EngRecipe *recipe)
{
  return amplitude_of (recipe, NULL) > 0 || eng_recipe_n_rules (recipe, ID) > 0;
}

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("only language models have a text on which activations are measured");
  if (eng_model_get_tokenizer (model) == NULL)
    return g_strdup_printf ("the model's tokenizer cannot be used: %s",
                            eng_model_get_tokenizer_error (model));
  return NULL;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  return strcmp (param->id, AMPLITUDE) == 0 || is_on (recipe);
}

/* ---- the noise ---- */

static int
compare_floats (const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* @points [N_POINTS][n]: quantiles of @n channels. A size that every second token's largest of
 * these channels passes: one of N_POINTS values stands for as many tokens. */
static float
typical_largest (float *points, gsize n)
{
  qsort (points, n * N_POINTS, sizeof *points, compare_floats);
  return points[n * N_POINTS - N_POINTS / 2];
}

/* What channels of @tensor's input are divided by, [n_cols]; NULL without @error: nothing.
 * Borrowed. */
static const EngFolded *
find_scales (EngLowering *lowering, GArray *folds, guint tensor, const EngFold **fold,
             GError **error)
{
  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *f = &g_array_index (folds, EngFold, i);
      for (guint k = 0; k < f->n_matrices; k++)
        {
          g_autofree char *key = f->matrices[k] == tensor
                                     ? eng_fold_dup_key (lowering->model, lowering->recipe, f)
                                     : NULL;
          *fold = f;
          if (key != NULL)
            return eng_fold_find (lowering, f, error);
        }
    }
  return NULL;
}

/* Quantiles of all channels as the product reads them: [n][N_POINTS]. */
static float *
read_points (EngLowering *lowering, guint tensor, GError **error)
{
  const EngTensor *in_file = eng_model_get_tensor (lowering->model, tensor);
  g_autoptr (GArray) folds = eng_fold_list (lowering->model);
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);
  const EngFold *fold = NULL;
  GError *local = NULL;

  if (activations == NULL)
    return NULL;
  const EngFolded *folded = find_scales (lowering, folds, tensor, &fold, &local);
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  float *points = g_new0 (float, in_file->n_cols *N_POINTS);
  for (gsize c = 0; c < in_file->n_cols; c++)
    for (guint i = 0; i < N_POINTS; i++)
      {
        float *point = &points[c * N_POINTS + i];
        if (!eng_activations_get_quantile (activations, in_file->name, (int)c, (i + 0.5) / N_POINTS,
                                           point))
          {
            g_free (points);
            g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                         "The calibration has no statistics of what %s multiplies", in_file->name);
            return NULL;
          }
        if (folded != NULL)
          *point /= folded->scales[eng_fold_channel (fold, c)];
      }
  return points;
}

/* N, [n_cols] of @tensor: uniform within @amplitude steps on either side, a step being 1/127 of the
 * typical largest value of those that share a scale. */
static float *
make_noise (EngLowering *lowering, guint tensor, KnActKind act, double amplitude, GError **error)
{
  const EngTensor *in_file = eng_model_get_tensor (lowering->model, tensor);
  gsize n = in_file->n_cols, group = act == KN_ACT_Q8 ? KN_Q8_GROUP : n;
  g_autofree float *points = read_points (lowering, tensor, error);
  RtRandom random;

  if (points == NULL)
    return NULL;
  float *noise = g_new (float, n);
  rt_random_init (&random, (guint64)eng_recipe_get_int (lowering->recipe, ID, SEED) << 32
                               | g_str_hash (in_file->name));
  for (gsize first = 0; first < n; first += group)
    {
      gsize here = MIN (group, n - first);
      double size = amplitude * (double)typical_largest (points + first * N_POINTS, here) / 127;
      for (gsize c = first; c < first + here; c++)
        noise[c] = (float)(size * (2 * rt_random_unit (&random) - 1));
    }
  return noise;
}

/* ---- the biases ---- */

static void
subtract_rows (int dtype, const guint8 *rows, gsize first, gsize n_rows, gsize n_cols,
               const float *noise, float *bias)
{
  gsize row_bytes = kn_row_bytes ((KnDtype)dtype, n_cols);
  g_autofree float *row = g_new (float, n_cols);

  for (gsize r = 0; r < n_rows; r++)
    {
      double sum = 0;
      kn_dequantize_row ((KnDtype)dtype, rows + r * row_bytes, row, n_cols);
      for (gsize c = 0; c < n_cols; c++)
        sum += (double)row[c] * (double)noise[c];
      bias[first + r] = (float)((double)bias[first + r] - sum);
    }
}

/* Of the file's numbers, rounded as packing rounds them. */
static void
subtract_file (EngLowering *lowering, guint tensor, int dtype, const float *noise, float *bias)
{
  const EngTensor *in_file = eng_model_get_tensor (lowering->model, tensor);
  const guint8 *data = rt_graph_value (eng_model_get_graph (lowering->model), in_file->value)->data;
  gsize n = in_file->n_cols, row_bytes = kn_row_bytes ((KnDtype)in_file->dtype, n);
  g_autofree float *row = g_new (float, n);
  g_autofree guint8 *rounded = g_malloc (kn_row_bytes ((KnDtype)dtype, n));

  for (gsize r = 0; r < in_file->n_rows; r++)
    if (in_file->dtype == dtype)
      subtract_rows (dtype, data + r * row_bytes, r, 1, n, noise, bias);
    else
      {
        kn_dequantize_row ((KnDtype)in_file->dtype, data + r * row_bytes, row, n);
        kn_quantize_row ((KnDtype)dtype, row, rounded, n);
        subtract_rows (dtype, rounded, r, 1, n, noise, bias);
      }
}

/* @bias [n_rows] minus W N. A matrix that techniques change is made here and once more when it is
 * packed: slow rounding (GPTQ) takes twice as long. */
static gboolean
subtract_product (EngLowering *lowering, guint tensor, gsize n_rows, const float *noise,
                  float *bias, GError **error)
{
  int dtype = (int)kn_rows_dtype ((KnDtype)lowering->dtypes[tensor]);
  g_autofree char *key = eng_lowering_dup_key (lowering, tensor);
  gsize rows, cols;

  if (key == NULL)
    {
      subtract_file (lowering, tensor, dtype, noise, bias);
      return TRUE;
    }
  g_autofree guint8 *blocks
      = eng_lowering_make_blocks (lowering, tensor, dtype, &rows, &cols, error);
  if (blocks == NULL)
    return FALSE;
  g_assert (rows == n_rows);
  subtract_rows (dtype, blocks, 0, rows, cols, noise, bias);
  return TRUE;
}

/* ---- the graph ---- */

/* A node that multiplies the rows it reads first. */
typedef struct
{
  RtNodeId node;
  guint n;                     /* matrices */
  guint weight, bias;          /* inputs: the first of @n */
  guint tensors[MAX_MATRICES]; /* of the model's list */
} Product;

static int
tensor_of (EngModel *model, const RtGraph *graph, RtValueId id)
{
  const RtValue *value = id != RT_NONE ? rt_graph_value (graph, id) : NULL;

  for (guint i = 0; value != NULL && i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, value->name) == 0)
      return (int)i;
  return -1;
}

/* Whether @id reads @value as a product and nothing else, and how its matrices want rows. */
static gboolean
find_product (EngLowering *lowering, const RtGraph *graph, RtNodeId id, RtValueId value,
              Product *product, KnActKind *act)
{
  const RtNode *node = rt_graph_node (graph, id);

  *product = (Product){ .node = id };
  if (node->op == &rt_op_matmul)
    product->n = 1, product->weight = RT_MATMUL_WEIGHT, product->bias = RT_MATMUL_BIAS;
  else if (node->op == &rt_op_qkv)
    product->n = 3, product->weight = RT_QKV_WEIGHT, product->bias = RT_QKV_BIAS;
  else if (node->op == &rt_op_gate_up)
    product->n = 2, product->weight = RT_GATE_UP_WEIGHT, product->bias = RT_GATE_UP_BIAS;
  else
    return FALSE;
  for (guint k = 0; k < node->n_inputs; k++)
    if ((node->inputs[k] == value) != (k == 0))
      return FALSE;
  for (guint k = 0; k < product->n; k++)
    {
      int tensor = tensor_of (lowering->model, graph, node->inputs[product->weight + k]);
      if (tensor < 0)
        return FALSE;
      product->tensors[k] = (guint)tensor;
      *act = kn_matmul_act ((KnDtype)lowering->dtypes[tensor]);
    }
  return TRUE;
}

/* All that reads @value, when these are products of one kind of 8-bit rows: of Product. Else
 * NULL. */
static GArray *
find_products (EngLowering *lowering, const RtGraph *graph, RtValueId value, KnActKind *act)
{
  g_autoptr (GArray) products = g_array_new (FALSE, FALSE, sizeof (Product));
  const RtValue *v = rt_graph_value (graph, value);

  if (v->kind != RT_VALUE_ACTIVATION || v->is_kept)
    return NULL;
  for (RtNodeId i = v->producer + 1; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      gboolean reads = FALSE;
      KnActKind mine;
      Product product;

      for (guint k = 0; k < node->n_inputs; k++)
        reads |= node->inputs[k] == value;
      if (!reads)
        continue;
      if (!find_product (lowering, graph, i, value, &product, &mine) || mine == KN_ACT_F32
          || (products->len > 0 && mine != *act))
        return NULL;
      *act = mine;
      g_array_append_val (products, product);
    }
  return products->len > 0 ? g_steal_pointer (&products) : NULL;
}

/* The first matrix of the model that is multiplied with @value in 8 bits, by a node that cannot
 * take noise off again: *@node. -1: none. */
static int
find_other (EngLowering *lowering, const RtGraph *graph, RtValueId value, const RtNode **node)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      Product product;
      KnActKind act;
      *node = rt_graph_node (graph, i);
      if ((*node)->n_inputs == 0 || (*node)->inputs[0] != value
          || find_product (lowering, graph, i, value, &product, &act))
        continue;
      for (guint k = 1; k < (*node)->n_inputs; k++)
        {
          int tensor = rt_op_input_is ((*node)->op->matrix_inputs, k)
                           ? tensor_of (lowering->model, graph, (*node)->inputs[k])
                           : -1;
          if (tensor >= 0 && kn_matmul_act ((KnDtype)lowering->dtypes[tensor]) != KN_ACT_F32)
            return tensor;
        }
    }
  return -1;
}

/* No noise on @value: says so where the recipe asks for some. *@noted: said before, of other
 * matrices. */
static void
note_without (EngLowering *lowering, const RtGraph *graph, RtValueId value, gboolean *noted)
{
  const RtNode *node;
  int tensor = *noted ? -1 : find_other (lowering, graph, value, &node);
  const char *name
      = tensor >= 0 ? eng_model_get_tensor (lowering->model, (guint)tensor)->name : NULL;

  if (name == NULL || amplitude_of (lowering->recipe, name) <= 0)
    return;
  eng_lowering_note (lowering,
                     "Noisy bias: %s and others like it: no noise: “%s” has no bias that could "
                     "take it off again",
                     name, node->op->title);
  *noted = TRUE;
}

static RtValueId
add_vector (RtSurgery *surgery, const char *owner, const char *what, const float *numbers, gsize n)
{
  g_autofree char *name = g_strdup_printf ("%s.%s", owner, what);
  RtShape shape = { .n_dims = 1, .dims = { (int64_t)n } };

  return rt_surgery_add_weight (surgery, name, RT_TYPE_F32, &shape, numbers, n * sizeof *numbers);
}

/* Matrix @k of @product gets the bias that takes @noise off. */
static gboolean
set_bias (EngLowering *lowering, const RtGraph *graph, RtSurgery *surgery, const Product *product,
          guint k, const float *noise, GError **error)
{
  const RtNode *node = rt_graph_node (graph, product->node);
  const RtValue *weight = rt_graph_value (graph, node->inputs[product->weight + k]);
  gsize n = (gsize)weight->shape.dims[0];
  RtValueId old = product->bias + k < node->n_inputs ? node->inputs[product->bias + k] : RT_NONE;
  g_autofree float *bias = g_new0 (float, n);

  if (old != RT_NONE)
    kn_dequantize_row ((KnDtype)rt_graph_value (graph, old)->type,
                       rt_graph_value (graph, old)->data, bias, n);
  if (!lowering->is_sketch
      && !subtract_product (lowering, product->tensors[k], n, noise, bias, error))
    return FALSE;
  /* A matrix may be read twice (a tied embedding), but only one product of it is a model's. */
  rt_surgery_set_input (surgery, product->node, product->bias + k,
                        add_vector (surgery, weight->name, "noisy-bias", bias, n));
  return TRUE;
}

/* Rows of 8 bits that are written by what makes them come as floats, for the noise to be added. */
static gboolean
make_float (const RtGraph *graph, RtSurgery *surgery, RtValueId value)
{
  RtNodeId id = rt_graph_value (graph, value)->producer;
  const RtNode *node = rt_graph_node (graph, id);
  void *attrs;

  if (rt_graph_value (graph, value)->type == RT_TYPE_F32)
    return TRUE;
  if (node->op != &rt_op_gate_up && node->op != &rt_op_attention)
    return FALSE;
  attrs = rt_surgery_attrs (surgery, id);
  if (attrs != NULL && node->op == &rt_op_gate_up)
    ((RtGateUpAttrs *)attrs)->quantize = 0;
  else if (attrs != NULL)
    ((RtAttentionAttrs *)attrs)->quantize = 0;
  return TRUE;
}

static gboolean
add_noise (const RtGraph *graph, RtSurgery *surgery, RtValueId value, const char *matrix,
           const float *noise, gsize n)
{
  RtNodeId producer = rt_graph_value (graph, value)->producer;
  const RtNode *node = rt_graph_node (graph, producer);

  if (node->op == &rt_op_norm_quant)
    {
      rt_surgery_set_input (surgery, producer, RT_NORM_OFFSET,
                            add_vector (surgery, matrix, "noise", noise, n));
      return TRUE;
    }
  if (!make_float (graph, surgery, value))
    return FALSE;
  g_autofree char *name = g_strdup_printf ("%s_noise", node->name);
  RtValueId inputs[2] = { value, add_vector (surgery, matrix, "noise", noise, n) };
  rt_surgery_insert (surgery, value, name, node->layer, &rt_op_add, inputs, 2, NULL, value);
  return TRUE;
}

/* One value and all that multiplies it. *@done says whether noise was added, *@noted whether it was
 * said of a value that it cannot be. */
static gboolean
change_value (EngLowering *lowering, const RtGraph *graph, RtSurgery *surgery, RtValueId value,
              gboolean *done, gboolean *noted, GError **error)
{
  KnActKind act = KN_ACT_F32;
  g_autoptr (GArray) products = find_products (lowering, graph, value, &act);

  if (products == NULL)
    {
      note_without (lowering, graph, value, noted);
      return TRUE;
    }
  guint first = g_array_index (products, Product, 0).tensors[0];
  const EngTensor *tensor = eng_model_get_tensor (lowering->model, first);
  const RtShape *shape = &rt_graph_value (graph, value)->shape;
  double amplitude = amplitude_of (lowering->recipe, tensor->name);
  if (amplitude <= 0)
    return TRUE;
  if ((gsize)shape->dims[shape->n_dims - 1] != tensor->n_cols)
    {
      eng_lowering_note (lowering,
                         "Noisy bias: %s: no noise: channels are pruned, and it is measured on the "
                         "file's",
                         tensor->name);
      return TRUE;
    }
  g_autofree float *noise = lowering->is_sketch
                                ? g_new0 (float, tensor->n_cols)
                                : make_noise (lowering, first, act, amplitude, error);
  if (noise == NULL)
    return FALSE;
  if (!add_noise (graph, surgery, value, tensor->name, noise, tensor->n_cols))
    return TRUE;
  *done = TRUE;
  for (guint i = 0; i < products->len; i++)
    for (guint k = 0; k < g_array_index (products, Product, i).n; k++)
      if (!set_bias (lowering, graph, surgery, &g_array_index (products, Product, i), k, noise,
                     error))
        return FALSE;
  return TRUE;
}

static gboolean
go_on (EngLowering *lowering, double done, GError **error)
{
  if (lowering->job == NULL)
    return TRUE;
  eng_job_report (lowering->job, "Taking the noise from the biases", done);
  return !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (lowering->job), error);
}

static RtGraph *
rewrite (EngLowering *lowering, const RtGraph *graph, GError **error)
{
  guint32 n = rt_graph_n_values (graph);
  gboolean any = FALSE, noted = FALSE, ok = TRUE;
  RtError rt_error = { 0 };

  if (!is_on (lowering->recipe) || eng_model_get_kind (lowering->model) != ENG_MODEL_LANGUAGE
      || eng_model_get_tokenizer (lowering->model) == NULL)
    return NULL;
  RtSurgery *surgery = rt_surgery_new (graph, &rt_error);
  for (RtValueId i = 0; ok && surgery != NULL && i < n; i++)
    ok = go_on (lowering, (double)i / n, error)
         && change_value (lowering, graph, surgery, i, &any, &noted, error);
  if (!ok || (surgery != NULL && !any))
    {
      rt_surgery_free (surgery);
      return NULL;
    }
  RtGraph *changed = surgery != NULL ? rt_surgery_finish (surgery, &rt_error) : NULL;
  if (changed == NULL)
    eng_error_take_rt (&rt_error, error);
  return changed;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  for (guint i = 0; i < eng_model_get_n_tensors (lowering->model); i++)
    if (kn_matmul_act ((KnDtype)lowering->dtypes[i]) != KN_ACT_F32)
      return TRUE;
  if (is_on (lowering->recipe))
    eng_lowering_note (lowering,
                       "Noisy bias: no noise is added: no matrix is in a format that rounds "
                       "activations to 8 bits (W8A8, W4A8, Q8_0, Q4_0 and others do)");
  return TRUE;
}

/* ---- for people ---- */

/* As the recipe's weight format has it; what techniques make of it later is not in these words. */
static KnActKind
act_of (EngRecipe *recipe, const EngTensor *tensor)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, "weight-format", "format", tensor->name);
  int wanted = strcmp (choice, "source") == 0 ? tensor->dtype : kn_dtype_from_name (choice);

  return kn_matmul_act ((KnDtype)eng_fit_dtype (wanted, tensor->n_cols));
}

/* Whether @tensor's rule counts for all products that read the same values, those of layer *@layer
 * (a tied embedding's product is the output's); and whether the noise takes a pass of its own
 * there. */
static gboolean
leads (EngModel *model, const EngTensor *tensor, int *layer, gboolean *own_pass)
{
  gboolean is_tied
      = strcmp (tensor->name, "token_embd.weight") == 0
        && rt_graph_find_value (eng_model_get_graph (model), "output.weight") == RT_NONE;

  *layer = is_tied ? (int)eng_model_get_n_layers (model) : tensor->layer;
  *own_pass = g_str_has_suffix (tensor->name, ".attn_output.weight")
              || g_str_has_suffix (tensor->name, ".ffn_down.weight");
  return is_tied || *own_pass || g_str_has_suffix (tensor->name, ".attn_q.weight")
         || g_str_has_suffix (tensor->name, ".ffn_gate.weight")
         || strcmp (tensor->name, "output.weight") == 0;
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) names = g_string_new (NULL);
  guint64 n_own_pass = 0;

  for (guint i = 0; is_on (recipe) && i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      gboolean own_pass;
      int at;
      double amplitude = leads (model, tensor, &at, &own_pass) && at == layer
                             ? amplitude_of (recipe, tensor->name)
                             : 0;
      if (amplitude <= 0 || act_of (recipe, tensor) == KN_ACT_F32)
        continue;
      g_string_append_printf (names, "%s%s ±%.3g", names->len > 0 ? ", " : "", tensor->name,
                              amplitude);
      n_own_pass += own_pass ? tensor->n_cols : 0;
    }
  if (names->len == 0)
    return NULL;
  g_string_append_printf (
      text,
      "Noise in steps of the 8-bit codes, and what reads the same values: %s. W N is summed from "
      "the packed numbers and taken from the biases. Behind norms the noise is added as the rows "
      "are written%s",
      names->str,
      eng_recipe_get_int (recipe, "fusion", "enabled") != 0
          ? "."
          : " only with fusion, which is off: it costs a pass over every row.");
  if (n_own_pass > 0)
    g_string_append_printf (text,
                            " Before attn_output and ffn_down it costs a pass of its own, over "
                            "%" G_GUINT64_FORMAT " values of every token.",
                            n_own_pass);
  return g_strdup (text->str);
}

static char *
describe (EngRecipe *recipe)
{
  if (!is_on (recipe))
    return NULL;
  if (eng_recipe_n_rules (recipe, ID) > 0)
    return g_strdup ("noisy bias by rules");
  return g_strdup_printf ("noisy bias of %g steps", amplitude_of (recipe, NULL));
}

const EngTechnique eng_technique_noisy_bias = {
  .id = ID,
  .title = "Noisy bias",
  .group = "Quantization",
  .summary
  = "A fixed noise on activations before they are rounded to 8 bits, taken off again in the "
    "biases, so that rounding errors do not all go one way; SmolLM2 135M gained nothing from "
    "it in W8A8 and Q8_0, and lost accuracy in W4A8.",
  .papers = "Liu et al. 2023, NoisyQuant: Noisy Bias-Enhanced Post-Training Activation "
            "Quantization for Vision Transformers",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .applies = applies,
  .matters = matters,
  .apply = apply,
  .rewrite = rewrite,
  .explain = explain,
  .describe = describe,
};
