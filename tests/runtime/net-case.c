/* See net-case.h. */
#include "net-case.h"

#include <math.h>
#include <string.h>

#include "kn-quant.h"
#include "rt-weight.h"

static const uint32_t thread_counts[] = { 1, 2, 3, 8 };

void
net_case_init (NetCase *c)
{
  memset (c, 0, sizeof *c);
  c->graph = rt_graph_new (NULL);
  c->data = g_ptr_array_new ();
  c->owned = g_ptr_array_new_with_free_func (g_free);
  c->pack_dtype = -1;
}

void
net_case_clear (NetCase *c)
{
  rt_graph_free (c->graph);
  g_ptr_array_unref (c->data);
  g_ptr_array_unref (c->owned);
}

static void
add_data (NetCase *c, RtValueId id, void *data)
{
  if (c->data->len <= id)
    g_ptr_array_set_size (c->data, (int)id + 1);
  g_ptr_array_index (c->data, id) = data;
}

static gsize
bytes_of (int type, const RtShape *shape)
{
  return rt_shape_n (shape) * rt_type_bytes (type);
}

static RtShape
make_shape (uint32_t n_dims, const int64_t *dims)
{
  RtShape shape = { .n_dims = n_dims };
  for (uint32_t i = 0; i < n_dims; i++)
    shape.dims[i] = dims[i];
  return shape;
}

uint32_t
net_case_input (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, const void *bytes)
{
  RtShape shape = make_shape (n_dims, dims);
  gsize n_bytes = bytes_of (type, &shape);
  guint8 *copy = g_malloc0 (n_bytes + 1);
  char name[16];

  memcpy (copy, bytes, n_bytes);
  g_ptr_array_add (c->owned, copy);
  g_snprintf (name, sizeof name, "in%u", c->n_inputs);
  c->inputs[c->n_inputs] = rt_graph_add_input (c->graph, name, type, &shape, NULL);
  add_data (c, c->inputs[c->n_inputs], copy);
  return c->n_inputs++;
}

uint32_t
net_case_weight (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, const void *bytes)
{
  RtShape shape = make_shape (n_dims, dims);
  gsize n_bytes = bytes_of (type, &shape);
  guint8 *copy = g_malloc0 (n_bytes + 1);
  RtError error = { 0 };
  char name[16];

  memcpy (copy, bytes, n_bytes);
  g_ptr_array_add (c->owned, copy);
  g_snprintf (name, sizeof name, "w%u", c->n_inputs);
  c->inputs[c->n_inputs]
      = rt_graph_add_weight (c->graph, name, type, &shape, copy, n_bytes, &error);
  if (c->inputs[c->n_inputs] == RT_NONE)
    g_error ("%s", error.message);
  return c->n_inputs++;
}

static void *
random_bytes (int type, uint32_t n_dims, const int64_t *dims, double low, double high)
{
  RtShape shape = make_shape (n_dims, dims);
  gsize n = rt_shape_n (&shape);
  guint8 *bytes = g_malloc0 (n * rt_type_bytes (type) + 1);

  for (gsize i = 0; i < n; i++)
    {
      double x = g_test_rand_double_range (low, high);
      guint8 *at = bytes + i * rt_type_bytes (type);
      switch (type)
        {
        case RT_TYPE_F32:
          *(float *)(void *)at = (float)x;
          break;
        case RT_TYPE_F64:
          *(double *)(void *)at = x;
          break;
        case RT_TYPE_F16:
          {
            float f = (float)x;
            kn_quantize_row (KN_F16, &f, at, 1);
            break;
          }
        case RT_TYPE_I8:
        case RT_TYPE_U8:
          *at = (guint8)(int)floor (x);
          break;
        case RT_TYPE_BOOL:
          *at = x >= (low + high) / 2;
          break;
        case RT_TYPE_I16:
        case RT_TYPE_U16:
          *(gint16 *)(void *)at = (gint16)floor (x);
          break;
        case RT_TYPE_I32:
        case RT_TYPE_U32:
          *(gint32 *)(void *)at = (gint32)floor (x);
          break;
        case RT_TYPE_I64:
        case RT_TYPE_U64:
          *(gint64 *)(void *)at = (gint64)floor (x);
          break;
        default:
          g_error ("no random numbers of type %s", rt_type_name (type));
        }
    }
  return bytes;
}

uint32_t
net_case_random_input (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, double low,
                       double high)
{
  g_autofree void *bytes = random_bytes (type, n_dims, dims, low, high);
  return net_case_input (c, type, n_dims, dims, bytes);
}

uint32_t
net_case_random_weight (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, double low,
                        double high)
{
  g_autofree void *bytes = random_bytes (type, n_dims, dims, low, high);
  return net_case_weight (c, type, n_dims, dims, bytes);
}

uint32_t
net_case_no_input (NetCase *c)
{
  c->inputs[c->n_inputs] = RT_NONE;
  return c->n_inputs++;
}

void
net_case_quant (NetCase *c, uint32_t n, int axis, const float *scales, const int32_t *zero_points)
{
  RtQuant quant = { n, axis, scales, zero_points };
  g_assert_true (rt_graph_set_quant (c->graph, c->inputs[c->n_inputs - 1], &quant, NULL));
}

void
net_case_node (NetCase *c, const RtOp *op, const void *attrs, const RtQuant *quants)
{
  RtError error = { 0 };

  c->node = rt_graph_add_node (c->graph, "node", 0, op, c->inputs, c->n_inputs, attrs, &error);
  if (c->node == RT_NONE)
    g_error ("%s: %s", op->name, error.message);
  const RtNode *node = rt_graph_node (c->graph, c->node);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      if (quants != NULL && quants[i].n > 0)
        g_assert_true (rt_graph_set_quant (c->graph, node->outputs[i], &quants[i], NULL));
      rt_graph_set_output (c->graph, node->outputs[i]);
    }
}

char *
net_case_refused (NetCase *c, const RtOp *op, const void *attrs)
{
  RtError error = { 0 };
  g_assert_cmpuint (
      rt_graph_add_node (c->graph, "node", 0, op, c->inputs, c->n_inputs, attrs, &error), ==,
      RT_NONE);
  return g_strdup (error.message);
}

/* Matrix inputs, packed. */
static RtWeight **
pack (NetCase *c)
{
  const RtNode *node = rt_graph_node (c->graph, c->node);
  RtWeight **weights = g_new0 (RtWeight *, rt_graph_n_values (c->graph));

  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      if (node->inputs[i] == RT_NONE || !rt_op_input_is (node->op->matrix_inputs, i))
        continue;
      const RtValue *value = rt_graph_value (c->graph, node->inputs[i]);
      if (value->kind != RT_VALUE_WEIGHT)
        continue;
      RtError error = { 0 };
      uint64_t n_rows = (uint64_t)value->shape.dims[0];
      int dtype = c->pack_dtype >= 0 ? c->pack_dtype : value->type;
      weights[node->inputs[i]]
          = rt_weight_pack (dtype, value->type, value->data, value->data_bytes, n_rows,
                            rt_shape_n (&value->shape) / n_rows, NULL, NULL, &error);
      if (weights[node->inputs[i]] == NULL)
        g_error ("%s", error.message);
    }
  return weights;
}

void
net_case_run (NetCase *c, uint32_t n_threads, NetResult *results)
{
  const RtNode *node = rt_graph_node (c->graph, c->node);
  RtPool *pool = rt_pool_new (MAX (n_threads, 1), NULL);
  g_autofree RtWeight **weights = pack (c);
  RtError error = { 0 };
  RtExec *exec = rt_exec_new (&(RtExecConfig){ .graph = c->graph,
                                               .weights = weights,
                                               .pool = pool,
                                               .use_reference = n_threads == 0 },
                              &error);

  if (exec == NULL)
    g_error ("%s", error.message);
  memset (results, 0, RT_MAX_OUTPUTS * sizeof *results);
  for (uint32_t i = 0; i < c->n_inputs; i++)
    if (c->inputs[i] != RT_NONE && c->inputs[i] < c->data->len
        && g_ptr_array_index (c->data, c->inputs[i]) != NULL)
      rt_exec_set_input (exec, c->inputs[i], g_ptr_array_index (c->data, c->inputs[i]));
  if (!rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, &error))
    g_error ("%s", error.message);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      NetResult *r = &results[i];
      rt_exec_value_shape (exec, node->outputs[i], &r->shape);
      r->type = rt_graph_value (c->graph, node->outputs[i])->type;
      r->n_bytes = bytes_of (r->type, &r->shape);
      r->data = g_memdup2 (rt_exec_value (exec, node->outputs[i]), r->n_bytes);
    }
  rt_exec_free (exec);
  for (RtValueId id = 0; id < rt_graph_n_values (c->graph); id++)
    rt_weight_unref (weights[id]);
  rt_pool_free (pool);
}

void
net_results_clear (NetResult *results)
{
  for (int i = 0; i < RT_MAX_OUTPUTS; i++)
    g_clear_pointer (&results[i].data, g_free);
}

void
net_case_run_threads (NetCase *c, NetResult *results)
{
  net_case_run (c, 1, results);
  for (gsize i = 1; i < G_N_ELEMENTS (thread_counts); i++)
    {
      NetResult other[RT_MAX_OUTPUTS];
      net_case_run (c, thread_counts[i], other);
      for (int k = 0; k < RT_MAX_OUTPUTS; k++)
        g_assert_cmpmem (results[k].data, results[k].n_bytes, other[k].data, other[k].n_bytes);
      net_results_clear (other);
    }
}

double
net_result_get (const NetResult *result, gsize i)
{
  const guint8 *at = result->data + i * rt_type_bytes (result->type);
  float f;

  switch (result->type)
    {
    case RT_TYPE_F32:
      return *(const float *)(const void *)at;
    case RT_TYPE_F64:
      return *(const double *)(const void *)at;
    case RT_TYPE_F16:
    case RT_TYPE_BF16:
      kn_dequantize_row (result->type, at, &f, 1);
      return f;
    case RT_TYPE_I8:
      return *(const gint8 *)at;
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      return *at;
    case RT_TYPE_I16:
      return *(const gint16 *)(const void *)at;
    case RT_TYPE_U16:
      return *(const guint16 *)(const void *)at;
    case RT_TYPE_I32:
      return *(const gint32 *)(const void *)at;
    case RT_TYPE_U32:
      return *(const guint32 *)(const void *)at;
    case RT_TYPE_I64:
      return (double)*(const gint64 *)(const void *)at;
    case RT_TYPE_U64:
      return (double)*(const guint64 *)(const void *)at;
    default:
      g_error ("type %s", rt_type_name (result->type));
    }
}

static void
check_number (double got, double expected, double relative, double absolute, gsize i)
{
  if (isnan (expected) ? isnan (got) : got == expected)
    return;
  if (!(fabs (got - expected) <= relative * fabs (expected) + absolute))
    g_error ("element %" G_GSIZE_FORMAT " is %.9g, expected %.9g within %g relative + %g", i, got,
             expected, relative, absolute);
}

void
net_result_check (const NetResult *result, const double *expected, gsize n, double relative,
                  double absolute)
{
  g_assert_cmpuint (rt_shape_n (&result->shape), ==, n);
  for (gsize i = 0; i < n; i++)
    check_number (net_result_get (result, i), expected[i], relative, absolute, i);
}

void
net_case_check (NetCase *c, double relative, double absolute)
{
  NetResult got[RT_MAX_OUTPUTS], expected[RT_MAX_OUTPUTS];

  net_case_run_threads (c, got);
  net_case_run (c, 0, expected);
  for (int k = 0; k < RT_MAX_OUTPUTS; k++)
    {
      if (got[k].data == NULL)
        continue;
      bool is_float = got[k].type == RT_TYPE_F32 || got[k].type == RT_TYPE_F64
                      || got[k].type == RT_TYPE_F16;
      if (!is_float)
        g_assert_cmpmem (got[k].data, got[k].n_bytes, expected[k].data, expected[k].n_bytes);
      for (gsize i = 0; is_float && i < rt_shape_n (&got[k].shape); i++)
        check_number (net_result_get (&got[k], i), net_result_get (&expected[k], i), relative,
                      absolute, i);
    }
  net_results_clear (got);
  net_results_clear (expected);
}

/* ---- whole graphs ---- */

static RtWeight **
pack_graph (const RtGraph *graph)
{
  RtWeight **weights = g_new0 (RtWeight *, rt_graph_n_values (graph) + 1);

  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (guint i = 0; i < node->n_inputs; i++)
        {
          RtValueId id = node->inputs[i];
          RtError error = { 0 };
          if (id == RT_NONE || !rt_op_input_is (node->op->matrix_inputs, i) || weights[id] != NULL)
            continue;
          const RtValue *value = rt_graph_value (graph, id);
          guint64 n_rows = (guint64)value->shape.dims[0];
          weights[id] = rt_weight_pack (value->type, value->type, value->data, value->data_bytes,
                                        n_rows, rt_shape_n (&value->shape) / n_rows, NULL, NULL,
                                        &error);
          if (weights[id] == NULL)
            g_error ("%s: %s", value->name, error.message);
        }
    }
  return weights;
}

void
net_exec_init (NetExec *e, const RtGraph *graph, uint32_t n_threads, RtPlanner planner,
               bool reference)
{
  RtError error = { 0 };

  *e = (NetExec){ .graph = graph,
                  .pool = rt_pool_new (n_threads, NULL),
                  .weights = pack_graph (graph) };
  e->exec = rt_exec_new (&(RtExecConfig){ .graph = graph,
                                          .weights = e->weights,
                                          .pool = e->pool,
                                          .planner = planner,
                                          .use_reference = reference },
                         &error);
  if (e->exec == NULL)
    g_error ("%s", error.message);
}

void
net_exec_clear (NetExec *e)
{
  rt_exec_free (e->exec);
  rt_pool_free (e->pool);
  for (RtValueId id = 0; id < rt_graph_n_values (e->graph); id++)
    rt_weight_unref (e->weights[id]);
  g_free (e->weights);
}

void
net_exec_run (NetExec *e)
{
  RtError error = { 0 };
  if (!rt_exec_infer (e->exec, NULL, RT_PHASE_INFERENCE, &error))
    g_error ("%s", error.message);
}

const float *
net_exec_floats (const NetExec *e, const char *name, gsize *n)
{
  RtValueId id = rt_graph_find_value (e->graph, name);
  if (id == RT_NONE || rt_graph_value (e->graph, id)->type != RT_TYPE_F32)
    g_error ("no f32 value %s", name);
  *n = rt_shape_n (&rt_graph_value (e->graph, id)->shape);
  return rt_exec_value (e->exec, id);
}

/* ---- whole graphs ---- */

void
net_init (Net *net)
{
  net->graph = rt_graph_new (NULL);
  net->owned = g_ptr_array_new_with_free_func (g_free);
  net->n_weights = 0;
}

void
net_clear (Net *net)
{
  rt_graph_free (net->graph);
  g_ptr_array_unref (net->owned);
}

RtValueId
net_weight (Net *net, guint n_dims, const int64_t *dims, double low, double high)
{
  RtShape shape = { .n_dims = n_dims };
  memcpy (shape.dims, dims, n_dims * sizeof *dims);
  guint64 n = rt_shape_n (&shape);
  float *data = g_new (float, n);
  char name[16];

  for (guint64 i = 0; i < n; i++)
    data[i] = (float)g_test_rand_double_range (low, high);
  g_ptr_array_add (net->owned, data);
  g_snprintf (name, sizeof name, "w%u", net->n_weights++);
  return rt_graph_add_weight (net->graph, name, RT_TYPE_F32, &shape, data, n * 4, NULL);
}

RtValueId
net_add (Net *net, const char *name, const RtOp *op, const void *attrs, guint n,
         const RtValueId *inputs)
{
  RtError error = { 0 };
  RtNodeId id = rt_graph_add_node (net->graph, name, 0, op, inputs, n, attrs, &error);

  if (id == RT_NONE)
    g_error ("%s: %s", name, error.message);
  return rt_graph_node (net->graph, id)->outputs[0];
}
