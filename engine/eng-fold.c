/* Where scales per channel can be moved from a matrix's columns into what comes before it: found in
 * the graph of the model. Called by eng-equalize.c and the technique; knows no statistics. */
#include "eng-equalize.h"

#include <string.h>

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

typedef struct
{
  EngModel *model;
  const RtGraph *graph;
  GArray *readers; /* of GArray of RtNodeId, by value */
  int *tensor_of;  /* [n_values] index of the model's list, -1 */
  GArray *folds;
} Finder;

static GArray *
readers_of (const Finder *f, RtValueId value)
{
  return g_array_index (f->readers, GArray *, value);
}

static void
finder_init (Finder *f, EngModel *model)
{
  const RtGraph *graph = eng_model_get_graph (model);
  guint32 n = rt_graph_n_values (graph);

  *f = (Finder){ .model = model, .graph = graph };
  f->folds = g_array_new (FALSE, TRUE, sizeof (EngFold));
  f->readers = g_array_new (FALSE, TRUE, sizeof (GArray *));
  f->tensor_of = g_new (int, MAX (n, 1));
  for (guint32 i = 0; i < n; i++)
    {
      GArray *list = g_array_new (FALSE, FALSE, sizeof (RtNodeId));
      g_array_append_val (f->readers, list);
      f->tensor_of[i] = -1;
    }
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    f->tensor_of[eng_model_get_tensor (model, i)->value] = (int)i;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint32 k = 0; k < node->n_inputs; k++)
        if (node->inputs[k] != RT_NONE)
          g_array_append_val (readers_of (f, node->inputs[k]), i);
    }
}

static void
finder_clear (Finder *f)
{
  for (guint i = 0; i < f->readers->len; i++)
    g_array_unref (g_array_index (f->readers, GArray *, i));
  g_array_unref (f->readers);
  g_free (f->tensor_of);
}

/* The matrix of @node as an index of the model's list, when it is one and read by nothing else;
 * -1. */
static int
own_matrix (const Finder *f, const RtNode *node)
{
  RtValueId weight = node->op == &rt_op_matmul ? node->inputs[RT_MATMUL_WEIGHT] : RT_NONE;

  return weight != RT_NONE && readers_of (f, weight)->len == 1 ? f->tensor_of[weight] : -1;
}

/* Everything that reads @value multiplies it with a matrix of its own: they are the fold's. */
static gboolean
take_readers (const Finder *f, RtValueId value, EngFold *fold)
{
  GArray *readers = readers_of (f, value);

  if (rt_graph_value (f->graph, value)->kind != RT_VALUE_ACTIVATION || readers->len == 0
      || readers->len > ENG_FOLD_MAX_MATRICES)
    return FALSE;
  for (guint i = 0; i < readers->len; i++)
    {
      const RtNode *node = rt_graph_node (f->graph, g_array_index (readers, RtNodeId, i));
      int matrix = own_matrix (f, node);
      if (matrix < 0 || node->inputs[RT_MATMUL_X] != value)
        return FALSE;
      fold->matrices[fold->n_matrices++] = (guint)matrix;
    }
  fold->layer = eng_model_get_tensor (f->model, fold->matrices[0])->layer;
  return TRUE;
}

static const char *
vector_name (const Finder *f, const RtNode *node, guint32 input)
{
  RtValueId id = input < node->n_inputs ? node->inputs[input] : RT_NONE;
  return id != RT_NONE && readers_of (f, id)->len == 1 ? rt_graph_value (f->graph, id)->name : NULL;
}

static void
find_norm (Finder *f, const RtNode *node)
{
  EngFold fold = { .kind = ENG_FOLD_NORM, .group = 1 };
  const RtNormAttrs *attrs = node->attrs;

  fold.vector = vector_name (f, node, 1);
  if (fold.vector == NULL || attrs->n_groups != 1 || !take_readers (f, node->outputs[0], &fold))
    return;
  fold.n = eng_model_get_tensor (f->model, fold.matrices[0])->n_cols;
  g_array_append_val (f->folds, fold);
}

/* The rows of the product that makes @value, its only use being @reader. */
static gboolean
take_rows (const Finder *f, RtValueId value, EngFold *fold)
{
  RtNodeId producer = rt_graph_value (f->graph, value)->producer;
  const RtNode *node = producer != RT_NONE ? rt_graph_node (f->graph, producer) : NULL;
  static const RtMatmulAttrs plain;

  if (node == NULL || own_matrix (f, node) < 0 || readers_of (f, value)->len != 1
      || rt_graph_value (f->graph, value)->kind != RT_VALUE_ACTIVATION
      || memcmp (node->attrs, &plain, sizeof plain) != 0
      || (node->n_inputs > RT_MATMUL_RESIDUAL && node->inputs[RT_MATMUL_RESIDUAL] != RT_NONE))
    return FALSE;
  fold->from = (guint)own_matrix (f, node);
  fold->n = eng_model_get_tensor (f->model, fold->from)->n_rows;
  fold->vector = vector_name (f, node, RT_MATMUL_BIAS);
  return fold->vector != NULL || node->n_inputs <= RT_MATMUL_BIAS
         || node->inputs[RT_MATMUL_BIAS] == RT_NONE;
}

/* act (gate) * up: up is the factor that is a product's own result. */
static void
find_rows (Finder *f, const RtNode *mul)
{
  for (guint side = 0; side < 2; side++)
    {
      EngFold fold = { .kind = ENG_FOLD_ROWS, .group = 1 };

      if (take_rows (f, mul->inputs[1 - side], &fold) && take_readers (f, mul->outputs[0], &fold)
          && eng_model_get_tensor (f->model, fold.matrices[0])->n_cols == fold.n)
        {
          g_array_append_val (f->folds, fold);
          return;
        }
    }
}

static void
find_values (Finder *f, const RtNode *attention)
{
  const RtAttentionAttrs *attrs = attention->attrs;
  EngFold fold = { .kind = ENG_FOLD_VALUES,
                   .group = attrs->n_heads / attrs->n_kv_heads,
                   .head_dim = attrs->head_dim };

  if (take_rows (f, attention->inputs[2], &fold) && take_readers (f, attention->outputs[0], &fold)
      && fold.n == (gsize)attrs->n_kv_heads * attrs->head_dim
      && eng_model_get_tensor (f->model, fold.matrices[0])->n_cols == fold.n * fold.group)
    g_array_append_val (f->folds, fold);
}

GArray *
eng_fold_list (EngModel *model)
{
  Finder f;

  finder_init (&f, model);
  for (RtNodeId i = 0; i < rt_graph_n_nodes (f.graph); i++)
    {
      const RtNode *node = rt_graph_node (f.graph, i);

      if (node->op == &rt_op_rmsnorm)
        find_norm (&f, node);
      else if (node->op == &rt_op_mul)
        find_rows (&f, node);
      else if (node->op == &rt_op_attention)
        find_values (&f, node);
    }
  finder_clear (&f);
  return f.folds;
}
