/* Lowering: the recipe's techniques decide, the graph is fused, weights are packed, memory is
 * planned. Called by the session (on a worker), the command line and tests; knows nothing of any
 * particular technique. Saving lives in eng-build-save.c, what a layer takes in memory in
 * eng-build-memory.c. */
#include "eng-build-private.h"

#include <stdatomic.h>
#include <string.h>

#include "eng-draft.h"
#include "eng-error.h"
#include "eng-model-private.h"
#include "kn-cpu.h"
#include "kn-attn.h"
#include "kn-matmul.h"
#include "kn-sparse.h"
#include "kn-table.h"
#include "ops/rt-ops.h"
#include "rt-layout.h"

/* Rows of one executor run: enough to reuse each expanded weight panel many times, few enough that
 * activations stay in cache. */
#define MAX_TOKENS 128

/* The largest picture and the longest sound that a front end takes at once. They are borrowed, not
 * copied: only what depends on their size is planned for it. */
#define MAX_SIDE 16384
#define MAX_SAMPLES (1 << 26)

G_DEFINE_FINAL_TYPE (EngBuild, eng_build, G_TYPE_OBJECT)

static void
eng_build_finalize (GObject *object)
{
  EngBuild *self = ENG_BUILD (object);

  g_clear_object (&self->bare); /* runs on our threads */
  g_clear_object (&self->drafter);
  g_mutex_clear (&self->mutex);
  rt_exec_free (self->exec);
  if (self->owns_pool)
    rt_pool_free (self->pool);
  for (guint i = 0; self->weights != NULL && i < self->n_tensors; i++)
    rt_weight_unref (self->weights[i]);
  g_free (self->weights);
  g_free (self->dtypes);
  g_free (self->densities);
  for (guint i = 0; self->keys != NULL && i < self->n_tensors; i++)
    g_free (self->keys[i]);
  g_free (self->keys);
  g_clear_pointer (&self->graphs, g_ptr_array_unref);
  g_clear_pointer (&self->extra, g_ptr_array_unref);
  rt_tokenizer_free (self->tokenizer);
  g_strfreev (self->notes);
  g_free (self->hash);
  g_free (self->layer_memory);
  g_free (self->node_memory);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (eng_build_parent_class)->finalize (object);
}

static void
eng_build_class_init (EngBuildClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_build_finalize;
}

static void
eng_build_init (EngBuild *self)
{
  g_mutex_init (&self->mutex);
  self->graphs = g_ptr_array_new_with_free_func ((GDestroyNotify)rt_graph_free);
}

/* ---- Making ---- */

static void
raise_flag (GCancellable *cancellable, gpointer flag)
{
  atomic_store ((atomic_int *)flag, 1);
}

typedef struct
{
  EngBuild *build;
  EngLowering *lowering;
  EngBuild *reuse;
  EngJob *job;
  atomic_int cancel;
  guint64 bytes_done, bytes_total;
  gboolean *is_used; /* [n_tensors] */
} Packing;

static void
report (EngJob *job, const char *stage, double progress)
{
  if (job != NULL)
    eng_job_report (job, stage, progress);
}

/* Whether @value (nullable) is the model's tensor @index: its name and its numbers. */
static gboolean
is_source_tensor (EngBuild *self, guint index, const RtValue *value)
{
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  return value != NULL && value->kind == RT_VALUE_WEIGHT && strcmp (tensor->name, value->name) == 0
         && value->data == rt_graph_value (eng_model_get_graph (self->model), tensor->value)->data;
}

static RtWeight *
find_reusable (Packing *packing, guint index)
{
  EngBuild *reuse = packing->reuse;
  if (reuse == NULL || reuse->model != packing->build->model
      || reuse->dtypes[index] != packing->build->dtypes[index] || reuse->weights[index] == NULL
      || g_strcmp0 (reuse->keys[index], packing->build->keys[index]) != 0)
    return NULL;
  return rt_weight_ref (reuse->weights[index]);
}

static RtWeight *
pack_file (Packing *packing, guint index, RtError *rt_error)
{
  EngBuild *self = packing->build;
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  const RtValue *value = rt_graph_value (eng_model_get_graph (self->model), tensor->value);

  return rt_weight_pack (self->dtypes[index], tensor->dtype, value->data, value->data_bytes,
                         tensor->n_rows, tensor->n_cols, self->pool, &packing->cancel, rt_error);
}

/* With the numbers that techniques make of the file's. */
static RtWeight *
pack_changed (Packing *packing, guint index, RtError *rt_error, GError **error)
{
  int dtype = packing->build->dtypes[index];
  /* Formats of ours are made of the rows of another. */
  int rows = (int)kn_rows_dtype ((KnDtype)dtype);
  gsize n_rows, n_cols;
  g_autofree guint8 *blocks
      = eng_lowering_make_blocks (packing->lowering, index, rows, &n_rows, &n_cols, error);

  if (blocks == NULL)
    return NULL;
  return rt_weight_pack (dtype, rows, blocks, kn_row_bytes ((KnDtype)rows, n_cols) * n_rows,
                         n_rows, n_cols, packing->build->pool, &packing->cancel, rt_error);
}

static gboolean
pack_one (Packing *packing, guint index, GError **error)
{
  EngBuild *self = packing->build;
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  GError *local = NULL;
  RtError rt_error = { 0 };

  self->weights[index] = find_reusable (packing, index);
  if (self->weights[index] == NULL)
    {
      self->weights[index] = self->keys[index] == NULL
                                 ? pack_file (packing, index, &rt_error)
                                 : pack_changed (packing, index, &rt_error, &local);
      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (self->weights[index] == NULL)
        {
          if (rt_error.status != RT_ERROR_CANCELLED)
            rt_fail_prefix (&rt_error, "%s", tensor->name);
          return eng_error_take_rt (&rt_error, error);
        }
      /* The packed copy is what runs: let the file's pages go. */
      const RtGguf *gguf = eng_model_get_gguf (self->model);
      const RtGgufTensor *in_file = gguf != NULL ? rt_gguf_find_tensor (gguf, tensor->name) : NULL;
      if (in_file != NULL)
        rt_gguf_forget_tensor (gguf, in_file);
    }
  packing->bytes_done += tensor->bytes;
  report (packing->job, "Packing weights",
          (double)packing->bytes_done / (double)packing->bytes_total);
  return TRUE;
}

/* Which tensors the graph still reads as they are in the file: of others a pass has made its own. */
static gboolean *
find_used (EngBuild *self)
{
  gboolean *is_used = g_new0 (gboolean, MAX (self->n_tensors, 1));
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->graph, i);
      if (value->kind == RT_VALUE_WEIGHT)
        g_hash_table_insert (by_name, (gpointer)value->name, (gpointer)value);
    }
  for (guint i = 0; i < self->n_tensors; i++)
    is_used[i]
        = is_source_tensor (self, i,
                            g_hash_table_lookup (by_name,
                                                 eng_model_get_tensor (self->model, i)->name));
  return is_used;
}

static gboolean
pack_weights (EngBuild *self, EngLowering *lowering, EngBuild *reuse, EngJob *job, GError **error)
{
  g_autofree gboolean *is_used = find_used (self);
  Packing packing = {
    .build = self, .lowering = lowering, .reuse = reuse, .job = job, .is_used = is_used
  };
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  gulong handler
      = cancellable != NULL
            ? g_cancellable_connect (cancellable, G_CALLBACK (raise_flag), &packing.cancel, NULL)
            : 0;
  gboolean ok = TRUE;

  for (guint i = 0; i < self->n_tensors; i++)
    packing.bytes_total += is_used[i] ? eng_model_get_tensor (self->model, i)->bytes : 0;
  for (guint i = 0; ok && i < self->n_tensors; i++)
    {
      if (!is_used[i])
        continue;
      ok = !g_cancellable_set_error_if_cancelled (cancellable, error)
           && pack_one (&packing, i, error);
    }
  g_cancellable_disconnect (cancellable, handler);
  return ok;
}

static const RtGraph *
source_graph (EngBuild *self)
{
  return self->is_bare ? eng_model_get_bare_graph (self->model) : eng_model_get_graph (self->model);
}

/* Formats per value of the source graph, as rt_fuse() wants them. */
static RtGraph *
fuse (EngBuild *self, const RtGraph *source, guint32 fusions, RtError *rt_error)
{
  g_autofree int *dtypes = g_new (int, rt_graph_n_values (source));

  for (guint32 i = 0; i < rt_graph_n_values (source); i++)
    dtypes[i] = rt_graph_value (source, i)->type;
  for (guint i = 0; i < self->n_tensors; i++)
    {
      RtValueId id = rt_graph_find_value (source, eng_model_get_tensor (self->model, i)->name);
      if (id != RT_NONE)
        dtypes[id] = self->dtypes[i];
    }
  return rt_fuse (source, dtypes, fusions, rt_error);
}

int
eng_build_tensor_of_value (EngBuild *self, RtValueId id)
{
  const RtValue *value = rt_graph_value (self->graph, id);
  if (value->kind != RT_VALUE_WEIGHT)
    return -1;
  for (guint i = 0; i < self->n_tensors; i++)
    if (is_source_tensor (self, i, value))
      return (int)i;
  return -1;
}

/* Matrices of the graph that are not the model's tensors: a pass has made them. */
static gboolean
is_extra (const RtGraph *graph, const RtNode *node, guint input)
{
  RtValueId id = node->inputs[input];
  const RtValue *value = id != RT_NONE ? rt_graph_value (graph, id) : NULL;

  return value != NULL && value->kind == RT_VALUE_WEIGHT
         && rt_op_input_is (node->op->matrix_inputs, input) && value->shape.n_dims >= 2
         && kn_dtype_info (value->type) != NULL;
}

int *
eng_build_dup_value_dtypes (EngBuild *self)
{
  guint32 n_values = rt_graph_n_values (self->graph);
  g_autofree gboolean *is_used = find_used (self);
  int *dtypes = g_new (int, MAX (n_values, 1));

  for (guint32 i = 0; i < n_values; i++)
    dtypes[i] = -1;
  for (guint i = 0; i < self->n_tensors; i++)
    if (is_used[i])
      dtypes[rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)]
          = self->dtypes[i];
  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        if (is_extra (self->graph, node, k) && dtypes[node->inputs[k]] < 0)
          dtypes[node->inputs[k]] = rt_graph_value (self->graph, node->inputs[k])->type;
    }
  return dtypes;
}

guint64
eng_build_weight_bytes (EngBuild *self, guint tensor, guint64 n_rows, guint64 n_cols)
{
  if (self->weights[tensor] != NULL)
    return rt_weight_bytes (self->weights[tensor]);
  if (kn_sparse_base (self->dtypes[tensor]) < 0)
    return rt_weight_packed_bytes (self->dtypes[tensor], n_rows, n_cols);
  return (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS
         * kn_sparse_expected_bytes ((KnDtype)self->dtypes[tensor], n_cols,
                                     (double)self->densities[tensor]);
}

guint64 *
eng_build_dup_value_bytes (EngBuild *self)
{
  guint64 *bytes = g_new0 (guint64, MAX (rt_graph_n_values (self->graph), 1));

  for (guint i = 0; i < self->n_tensors; i++)
    {
      RtValueId id = kn_sparse_base (self->dtypes[i]) >= 0
                         ? rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)
                         : RT_NONE;
      if (id == RT_NONE)
        continue;
      const RtShape *shape = &rt_graph_value (self->graph, id)->shape;
      bytes[id] = eng_build_weight_bytes (self, i, (guint64)shape->dims[0], (guint64)shape->dims[1]);
    }
  return bytes;
}

/* A matrix that a pass made (a constant in another order) is packed as it is. */
static RtWeight *
pack_extra (EngBuild *self, const RtValue *value, RtError *rt_error)
{
  guint64 n_cols = 1;
  for (guint d = 1; d < value->shape.n_dims; d++)
    n_cols *= (guint64)value->shape.dims[d];
  RtWeight *weight
      = rt_weight_pack (value->type, value->type, value->data, value->data_bytes,
                        (guint64)value->shape.dims[0], n_cols, self->pool, NULL, rt_error);
  if (weight == NULL)
    {
      rt_fail_prefix (rt_error, "%s", value->name);
      return NULL;
    }
  if (self->extra == NULL)
    self->extra = g_ptr_array_new_with_free_func ((GDestroyNotify)rt_weight_unref);
  g_ptr_array_add (self->extra, weight);
  return weight;
}

static gboolean
find_extra (EngBuild *self, RtWeight **by_value, RtError *rt_error)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        {
          RtValueId id = node->inputs[k];
          if (!is_extra (self->graph, node, k) || by_value[id] != NULL)
            continue;
          by_value[id] = pack_extra (self, rt_graph_value (self->graph, id), rt_error);
          if (by_value[id] == NULL)
            return FALSE;
        }
    }
  return TRUE;
}

static RtExec *
make_exec (EngBuild *self, const EngLowering *lowering, RtError *rt_error)
{
  guint32 n_values = rt_graph_n_values (self->graph);
  g_autofree RtWeight **by_value = g_new0 (RtWeight *, MAX (n_values, 1));

  for (guint i = 0; i < self->n_tensors; i++)
    if (self->weights[i] != NULL)
      by_value[rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)]
          = self->weights[i];

  if (!find_extra (self, by_value, rt_error))
    return NULL;
  RtExecConfig config = { .graph = self->graph,
                          .weights = by_value,
                          .pool = self->pool,
                          .max_symbols = { self->max_tokens, MIN (lowering->n_outputs, self->max_tokens), MAX_SIDE,
                                           MAX_SIDE, MAX_SAMPLES },
                          .kv_format = lowering->kv_format,
                          .planner = lowering->planner,
                          .kv_capacity = lowering->n_ctx };
  return rt_exec_new (&config, rt_error);
}

/* Constants that passes have made are part of what is built; those of the file are in its identity. */
static void
add_made_constant (EngBuild *self, RtValueId id, GString *text)
{
  const RtValue *value = rt_graph_value (self->graph, id);
  const RtGraph *source = source_graph (self);

  if (value->kind != RT_VALUE_WEIGHT || source == self->graph)
    return;
  RtValueId from = rt_graph_find_value (source, value->name);
  if (from != RT_NONE && rt_graph_value (source, from)->data == value->data)
    return;
  g_autofree char *sum
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, value->data, value->data_bytes);
  g_string_append_printf (text, "constant %s %s\n", value->name, sum);
}

/* What transforms made of the weights' shapes; other shapes are in the model's identity. */
static void
add_shapes (EngBuild *self, GString *text)
{
  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->graph, i);
      char shape[64];
      if (value->kind == RT_VALUE_WEIGHT)
        g_string_append_printf (text, "shape %s %s\n", value->name,
                                rt_shape_text (&value->shape, shape, sizeof shape));
    }
}

/* Attributes that techniques set to numbers; all others follow from the recipe's formats and fusions. */
static void
add_softmax (const RtAttentionAttrs *attrs, GString *text)
{
  if (attrs->softmax_levels == 0)
    return;
  g_string_append_printf (text, " softmax %a", (double)attrs->softmax_levels);
  for (guint i = 0; i < MIN (attrs->n_heads, RT_ATTENTION_MAX_HEADS); i++)
    g_string_append_printf (text, " %a", (double)attrs->softmax_bias[i]);
}

/* The same inputs give the same text on every machine of one instruction set, and so the same hash.
 */
static void
make_hash (EngBuild *self, const EngLowering *lowering)
{
  g_autoptr (GString) text = g_string_new ("lathe build 1\n");
  char cache[KN_KV_NAME_BYTES];

  g_string_append_printf (text, "engine %s\nisa %s\nmodel %s\n", LATHE_VERSION,
                          eng_build_get_isa (self), eng_model_get_identity (self->model));
  if (lowering->n_outputs > 1)
    {
      g_autofree char *plan = eng_draft_dup_key (self->recipe);
      g_string_append_printf (text, "outputs %u %s\n", lowering->n_outputs, plan);
    }
  if (self->drafter != NULL)
    g_string_append_printf (text, "drafter %s\n", self->drafter->hash);
  g_string_append_printf (text, "threads %u\ncache %s %u\nplanner %d\n", lowering->n_threads,
                          kn_kv_name (lowering->kv_format, cache), lowering->n_ctx,
                          (int)lowering->planner);
  for (guint i = 0; i < self->n_tensors; i++)
    g_string_append_printf (text, "weight %s %s%s%s\n",
                            eng_model_get_tensor (self->model, i)->name,
                            kn_dtype_info (self->dtypes[i])->name,
                            self->keys[i] != NULL ? " " : "",
                            self->keys[i] != NULL ? self->keys[i] : "");
  if (self->source != source_graph (self))
    add_shapes (self, text);
  for (guint32 i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      g_string_append_printf (text, "node %s %s %d", node->name, node->op->name, node->layer);
      for (guint32 k = 0; k < node->n_inputs; k++)
        g_string_append_printf (text, " %d", (int)node->inputs[k]);
      for (guint32 k = 0; k < node->op->n_outputs; k++)
        g_string_append_printf (text, " >%d", (int)node->outputs[k]);
      if (node->op == &rt_op_attention)
        add_softmax (node->attrs, text);
      g_string_append_c (text, '\n');
    }
  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtQuant *quant = rt_graph_value (self->graph, i)->quant;
      for (guint32 k = 0; quant != NULL && k < quant->n; k++)
        g_string_append_printf (text, "quant %u %a %d\n", i, (double)quant->scales[k],
                                quant->zero_points[k]);
      add_made_constant (self, i, text);
    }
  self->hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize)text->len);
}

/* What the lowering leaves to the build besides decisions. */
static void
take_notes (EngBuild *self, EngLowering *lowering)
{
  self->tokenizer = g_steal_pointer (&lowering->tokenizer);
  g_ptr_array_add (lowering->notes, NULL);
  g_ptr_array_set_free_func (lowering->notes, NULL);
  self->notes = (char **)g_ptr_array_free (g_steal_pointer (&lowering->notes), FALSE);
}

static const RtGraph *
add_graph (EngBuild *self, RtGraph *graph)
{
  g_ptr_array_add (self->graphs, graph);
  return graph;
}

/* From the source graph to the one that is executed: layout, fusion, what techniques rewrite, the
 * rest of fusion. */
static gboolean
make_graph (EngBuild *self, EngLowering *lowering, GError **error)
{
  RtError rt_error = { 0 };
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  self->graph = self->source = lowering->source;
  if (eng_model_get_kind (self->model) == ENG_MODEL_NETWORK)
    {
      RtGraph *channels_last = rt_layout (self->graph, &rt_error);
      if (channels_last == NULL)
        return eng_error_take_rt (&rt_error, error);
      self->graph = add_graph (self, channels_last);
    }
  for (guint pass = 0; pass < 2; pass++)
    {
      guint32 fusions = pass == 0 ? lowering->fusions : lowering->late_fusions;
      RtGraph *fused = fusions != 0 ? fuse (self, self->graph, fusions, &rt_error) : NULL;
      if (fusions != 0 && fused == NULL)
        return eng_error_take_rt (&rt_error, error);
      if (fused != NULL)
        self->graph = add_graph (self, fused);
      for (guint i = 0; pass == 0 && i < n; i++)
        {
          g_autoptr (GError) local = NULL;
          RtGraph *graph = techniques[i]->rewrite != NULL
                               ? techniques[i]->rewrite (lowering, self->graph, &local)
                               : NULL;
          if (local != NULL)
            {
              g_propagate_error (error, g_steal_pointer (&local));
              return FALSE;
            }
          if (graph != NULL)
            self->graph = add_graph (self, graph);
        }
    }
  return TRUE;
}

/* All that is known before anything is packed. */
static gboolean
plan (EngBuild *self, EngLowering *lowering, GError **error)
{
  if (!eng_lowering_decide (lowering, source_graph (self), error))
    return FALSE;
  self->n_tensors = eng_model_get_n_tensors (self->model);
  self->keys = g_new0 (char *, MAX (self->n_tensors, 1));
  for (guint i = 0; i < self->n_tensors; i++)
    self->keys[i] = eng_lowering_dup_key (lowering, i);
  self->dtypes = g_memdup2 (lowering->dtypes, MAX (self->n_tensors, 1) * sizeof *self->dtypes);
  self->densities
      = g_memdup2 (lowering->densities, MAX (self->n_tensors, 1) * sizeof *self->densities);
  self->weights = g_new0 (RtWeight *, MAX (self->n_tensors, 1));
  self->max_tokens = MIN (MAX_TOKENS, lowering->n_ctx);
  self->kv_format = lowering->kv_format;
  self->n_threads = lowering->n_threads;
  self->n_ctx = lowering->n_ctx;
  if (!make_graph (self, lowering, error))
    return FALSE;
  self->planner = lowering->planner;
  return TRUE;
}

static EngBuild *build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngBuild *of,
                            gboolean is_observed, gboolean is_sketch, EngJob *job, GError **error);

/* The drafter that techniques have asked for. Of the same model it shares what it does not change. */
static gboolean
make_drafter (EngBuild *self, EngLowering *lowering, EngJob *job, GError **error)
{
  gboolean own = lowering->draft_model == NULL;

  if (lowering->draft_recipe == NULL)
    return TRUE;
  self->drafter = build_new (own ? self->model : lowering->draft_model, lowering->draft_recipe,
                             own ? self : NULL, self, FALSE, FALSE, job, error);
  if (self->drafter == NULL)
    {
      g_prefix_error (error, "The drafter of Speculation: ");
      return FALSE;
    }
  if (rt_exec_n_vocab (self->drafter->exec) >= rt_exec_n_vocab (self->exec))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "Speculation: the drafter knows %u tokens and the model %u",
               rt_exec_n_vocab (self->drafter->exec), rt_exec_n_vocab (self->exec));
  return FALSE;
}

static gboolean
lower (EngBuild *self, EngLowering *lowering, EngBuild *reuse, EngJob *job, GError **error)
{
  RtError rt_error = { 0 };

  report (job, "Planning", -1);
  if (!plan (self, lowering, error))
    return FALSE;
  if (self->is_sketch)
    {
      take_notes (self, lowering);
      return TRUE;
    }
  if (self->pool == NULL)
    {
      self->pool = rt_pool_new (lowering->n_threads, &rt_error);
      self->owns_pool = TRUE;
    }
  if (self->pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  if (!pack_weights (self, lowering, reuse, job, error))
    return FALSE;

  report (job, "Allocating", 1);
  self->exec = make_exec (self, lowering, &rt_error);
  if (self->exec == NULL)
    return eng_error_take_rt (&rt_error, error);
  if (!make_drafter (self, lowering, job, error))
    return FALSE;
  take_notes (self, lowering);
  make_hash (self, lowering);
  const RtKv *kv = rt_exec_kv (self->exec);
  eng_build_measure_memory (self, rt_exec_plan (self->exec), kv != NULL ? rt_kv_bytes (kv) : 0);
  return TRUE;
}

/* What the importer could not lower cannot be built: all of it in one message, up to a screenful. */
static gboolean
check_report (EngModel *model, GError **error)
{
  const char *const *report = eng_model_get_report (model);
  guint n = g_strv_length ((GStrv)report);
  g_autoptr (GString) text = g_string_new (NULL);

  if (n == 0)
    return TRUE;
  for (guint i = 0; i < MIN (n, 10); i++)
    g_string_append_printf (text, "\n  %s", report[i]);
  if (n > 10)
    g_string_append_printf (text, "\n  and %u more", n - 10);
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "%s can be looked at but not run; not supported:%s", eng_model_get_name (model),
               text->str);
  return FALSE;
}

/* @of (nullable): the build that this is the bare one or the drafter of, and runs on the threads of. */
static EngBuild *
build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngBuild *of, gboolean is_observed,
           gboolean is_sketch, EngJob *job, GError **error)
{
  if (!check_report (model, error))
    return NULL;
  g_autoptr (EngBuild) self = g_object_new (ENG_TYPE_BUILD, NULL);
  self->model = g_object_ref (model);
  self->recipe = eng_recipe_ref (recipe);
  self->is_observed = is_observed;
  self->is_sketch = is_sketch;
  if (of != NULL)
    {
      self->is_bare = eng_model_get_kind (model) == ENG_MODEL_NETWORK;
      self->pool = of->pool;
    }

  EngLowering lowering = { .model = model,
                           .recipe = recipe,
                           .is_bare = self->is_bare,
                           .is_observed = is_observed,
                           .is_sketch = is_sketch,
                           .n_outputs = of != NULL && !self->is_bare ? ENG_DRAFT_MAX_WIDTH : 1,
                           .job = job,
                           .graphs = self->graphs };
  gboolean ok = lower (self, &lowering, reuse, job, error);
  eng_lowering_clear (&lowering);
  return ok ? g_steal_pointer (&self) : NULL;
}

EngBuild *
eng_build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);
  EngBuild *self = build_new (model, recipe, reuse, NULL, FALSE, FALSE, job, error);
  if (job != NULL)
    eng_job_finish (job);
  return self;
}

EngBuild *
eng_build_new_within (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                      GError **error)
{
  return build_new (model, recipe, reuse, NULL, FALSE, FALSE, job, error);
}

EngBuild *
eng_build_new_observed (EngModel *model, EngRecipe *recipe, EngJob *job, GError **error)
{
  return build_new (model, recipe, NULL, NULL, TRUE, FALSE, job, error);
}

EngBuild *
eng_build_new_sketch (EngModel *model, EngRecipe *recipe, GError **error)
{
  return build_new (model, recipe, NULL, NULL, FALSE, TRUE, NULL, error);
}

EngBuild *
eng_build_get_bare (EngBuild *self, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (self), NULL);

  if (eng_model_get_kind (self->model) != ENG_MODEL_NETWORK)
    return NULL;
  if (self->is_bare || eng_model_get_bare_graph (self->model) == eng_model_get_graph (self->model))
    return self;
  g_mutex_lock (&self->mutex);
  if (self->bare == NULL)
    self->bare = build_new (self->model, self->recipe, self, self, self->is_observed, FALSE, NULL, error);
  EngBuild *bare = self->bare;
  g_mutex_unlock (&self->mutex);
  return bare;
}

typedef struct
{
  EngModel *model;
  EngRecipe *recipe;
  EngBuild *reuse;
  EngJob *job;
} NewData;

static void
new_data_free (gpointer data)
{
  NewData *d = data;
  g_object_unref (d->model);
  eng_recipe_unref (d->recipe);
  g_clear_object (&d->reuse);
  g_clear_object (&d->job);
  g_free (d);
}

static void
new_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  NewData *d = data;
  GError *error = NULL;
  EngBuild *build = eng_build_new (d->model, d->recipe, d->reuse, d->job, &error);
  g_clear_object (&d->reuse); /* on this thread: the last reference frees megabytes */
  if (build != NULL)
    g_task_return_pointer (task, build, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
eng_build_new_async (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ENG_IS_MODEL (model) && recipe != NULL);

  NewData *d = g_new0 (NewData, 1);
  d->model = g_object_ref (model);
  d->recipe = eng_recipe_ref (recipe);
  g_set_object (&d->reuse, reuse);
  g_set_object (&d->job, job);
  g_autoptr (GTask) task
      = g_task_new (NULL, job != NULL ? eng_job_get_cancellable (job) : NULL, callback, user_data);
  g_task_set_source_tag (task, eng_build_new_async);
  g_task_set_task_data (task, d, new_data_free);
  g_task_run_in_thread (task, new_thread);
}

EngBuild *
eng_build_new_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Looking ---- */

EngModel *
eng_build_get_model (EngBuild *self)
{
  return self->model;
}

EngRecipe *
eng_build_get_recipe (EngBuild *self)
{
  return self->recipe;
}

const RtTokenizer *
eng_build_get_tokenizer (EngBuild *self)
{
  return self->tokenizer != NULL ? self->tokenizer : eng_model_get_tokenizer (self->model);
}

const char *
eng_build_get_hash (EngBuild *self)
{
  return self->hash;
}

const char *
eng_build_get_isa (EngBuild *self)
{
  return kn_level_name (kn_table ()->level);
}

guint
eng_build_get_n_threads (EngBuild *self)
{
  return rt_pool_n_threads (self->pool);
}

guint
eng_build_get_max_tokens (EngBuild *self)
{
  return self->max_tokens;
}

guint
eng_build_get_n_ctx (EngBuild *self)
{
  const RtKv *kv = rt_exec_kv (self->exec);
  return kv != NULL ? rt_kv_capacity (kv) : 0;
}

void
eng_build_get_max_symbols (EngBuild *self, int64_t *symbols)
{
  const int64_t maxima[RT_N_SYMBOLS] = { self->max_tokens, 1, MAX_SIDE, MAX_SIDE, MAX_SAMPLES };
  memcpy (symbols, maxima, sizeof maxima);
}

const RtGraph *
eng_build_get_graph (EngBuild *self)
{
  return self->graph;
}

EngBuild *
eng_build_get_drafter (EngBuild *self)
{
  return self->drafter;
}

RtExec *
eng_build_get_exec (EngBuild *self)
{
  return self->exec;
}

int
eng_build_get_dtype (EngBuild *self, const EngTensor *tensor)
{
  for (guint i = 0; i < self->n_tensors; i++)
    if (eng_model_get_tensor (self->model, i) == tensor)
      return self->dtypes[i];
  g_return_val_if_reached (-1);
}

const RtWeight *
eng_build_get_weight (EngBuild *self, const EngTensor *tensor)
{
  for (guint i = 0; i < self->n_tensors; i++)
    if (eng_model_get_tensor (self->model, i) == tensor)
      return self->weights[i];
  g_return_val_if_reached (NULL);
}

gboolean
eng_build_value_is_int8 (EngBuild *self, RtValueId weight)
{
  int index = eng_build_tensor_of_value (self, weight);
  return index >= 0 && kn_matmul_act ((KnDtype)self->dtypes[index]) != KN_ACT_F32;
}

const char *const *
eng_build_get_notes (EngBuild *self)
{
  return (const char *const *)self->notes;
}
