/* Graphs as bytes. Called by files of builds. Knows operators only through their table: attributes
 * are fields (rt-fields.h). */
#include "rt-graph-file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kn-matmul.h"
#include "rt-fields.h"
#include "rt-op.h"

void
rt_blobs_clear (RtBlobs *blobs)
{
  free (blobs->blobs);
  *blobs = (RtBlobs){ 0 };
}

static uint64_t
align_up (uint64_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* ---- Writing ---- */

typedef struct
{
  const RtGraph *graph;
  RtWeight *const *weights;
  RtBytes *out;
  RtBlobs *blobs;
  uint32_t *ids; /* [n_values] in the file */
} Writing;

static uint64_t
add_blob (Writing *w, const void *bytes, uint64_t n_bytes)
{
  RtBlobs *blobs = w->blobs;
  uint64_t offset = blobs->n_bytes;

  if (blobs->n_blobs == blobs->n_allocated)
    {
      uint32_t n = blobs->n_allocated > 0 ? 2 * blobs->n_allocated : 64;
      RtBlob *grown = realloc (blobs->blobs, n * sizeof *grown);
      if (grown == NULL)
        {
          w->out->failed = true;
          return 0;
        }
      blobs->blobs = grown;
      blobs->n_allocated = n;
    }
  blobs->blobs[blobs->n_blobs++] = (RtBlob){ bytes, n_bytes, offset };
  blobs->n_bytes = align_up (offset + n_bytes);
  return offset;
}

static void
add_shape (RtBytes *out, const RtShape *shape)
{
  rt_bytes_add_u32 (out, shape->n_dims);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    rt_bytes_add_u64 (out, (uint64_t)shape->dims[i]);
}

static void
add_quant (RtBytes *out, const RtQuant *quant)
{
  rt_bytes_add_u32 (out, quant != NULL ? quant->n : 0);
  if (quant == NULL)
    return;
  rt_bytes_add_u32 (out, (uint32_t)quant->axis);
  for (uint32_t i = 0; i < quant->n; i++)
    rt_bytes_add_f32 (out, quant->scales[i]);
  for (uint32_t i = 0; i < quant->n; i++)
    rt_bytes_add_u32 (out, (uint32_t)quant->zero_points[i]);
}

/* Whether a node reads @id otherwise than as a packed matrix. */
static bool
is_read_plain (const RtGraph *graph, RtValueId id)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] == id
            && !rt_op_input_is (node->op->matrix_inputs | node->op->table_inputs, i))
          return true;
    }
  return false;
}

static void
add_packed (Writing *w, const RtWeight *weight)
{
  const uint64_t *offsets = rt_weight_offsets (weight);
  uint32_t n = offsets != NULL ? (uint32_t)rt_weight_n_panels (weight) + 1 : 0;

  rt_bytes_add_u32 (w->out, (uint32_t)rt_weight_dtype (weight));
  rt_bytes_add_u64 (w->out, add_blob (w, rt_weight_panels (weight), rt_weight_bytes (weight)));
  rt_bytes_add_u64 (w->out, rt_weight_bytes (weight));
  rt_bytes_add_u32 (w->out, n);
  for (uint32_t i = 0; i < n; i++)
    rt_bytes_add_u64 (w->out, offsets[i]);
}

static void
add_value (Writing *w, RtValueId id)
{
  const RtValue *value = rt_graph_value (w->graph, id);
  const RtWeight *weight = w->weights != NULL ? w->weights[id] : NULL;
  bool plain = value->data != NULL && (weight == NULL || is_read_plain (w->graph, id));
  static const int64_t no_symbols[RT_N_SYMBOLS] = { 0 };
  uint64_t n_bytes = rt_value_bytes (value, no_symbols);

  rt_bytes_add_string (w->out, value->name);
  rt_bytes_add_u8 (w->out, (uint8_t)value->kind);
  rt_bytes_add_u32 (w->out, (uint32_t)value->type);
  add_shape (w->out, &value->shape);
  add_quant (w->out, value->quant);
  rt_bytes_add_u8 (w->out, (uint8_t)((plain ? RT_GRAPH_PLAIN : 0)
                                     | (weight != NULL ? RT_GRAPH_PACKED : 0)));
  if (plain)
    {
      rt_bytes_add_u64 (w->out, add_blob (w, value->data, n_bytes));
      rt_bytes_add_u64 (w->out, n_bytes);
    }
  if (weight != NULL)
    add_packed (w, weight);
}

static void
add_fields (RtBytes *out, const RtNode *node)
{
  size_t n = rt_fields_bytes (node->op);
  uint8_t *bytes = malloc (n + 1);

  if (bytes == NULL)
    {
      out->failed = true;
      return;
    }
  rt_fields_write (node->op, node->attrs, bytes);
  rt_bytes_add (out, bytes, n);
  free (bytes);
}

static void
add_node (Writing *w, const RtNode *node)
{
  rt_bytes_add_string (w->out, node->name);
  rt_bytes_add_string (w->out, node->op->name);
  rt_bytes_add_u32 (w->out, (uint32_t)node->layer);
  rt_bytes_add_u32 (w->out, node->n_inputs);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    rt_bytes_add_u32 (w->out, node->inputs[i] == RT_NONE ? RT_NONE : w->ids[node->inputs[i]]);
  add_fields (w->out, node);
  rt_bytes_add_u32 (w->out, node->n_sources);
  for (uint32_t i = 0; i < node->n_sources; i++)
    rt_bytes_add_string (w->out, node->sources[i]);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (w->graph, node->outputs[i]);
      rt_bytes_add_u32 (w->out, (uint32_t)value->type);
      add_shape (w->out, &value->shape);
      add_quant (w->out, value->quant);
      rt_bytes_add_u8 (w->out, value->kind == RT_VALUE_OUTPUT);
    }
}

static void
add_states (Writing *w)
{
  uint32_t n = 0;

  for (int pass = 0; pass < 2; pass++)
    {
      if (pass == 1)
        rt_bytes_add_u32 (w->out, n);
      for (RtValueId id = 0; id < rt_graph_n_values (w->graph); id++)
        {
          RtValueId next = rt_graph_value (w->graph, id)->next;
          if (next == RT_NONE)
            continue;
          n++;
          if (pass == 1)
            {
              rt_bytes_add_u32 (w->out, w->ids[id]);
              rt_bytes_add_u32 (w->out, w->ids[next]);
            }
        }
    }
}

bool
rt_graph_write (const RtGraph *graph, RtWeight *const *weights, RtBytes *out, RtBlobs *blobs,
                RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph), n_before = 0, next;
  Writing w = { .graph = graph, .weights = weights, .out = out, .blobs = blobs };

  w.ids = calloc (n_values + 1, sizeof *w.ids);
  if (w.ids == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory to write a graph");
  for (RtValueId id = 0; id < n_values; id++)
    if (rt_graph_value (graph, id)->producer == RT_NONE)
      w.ids[id] = n_before++;
  next = n_before;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    for (uint32_t i = 0; i < rt_graph_node (graph, n)->n_outputs; i++)
      w.ids[rt_graph_node (graph, n)->outputs[i]] = next++;

  rt_bytes_add_u32 (out, (uint32_t)rt_graph_n_layers (graph));
  rt_bytes_add_u32 (out, n_before);
  rt_bytes_add_u32 (out, rt_graph_n_nodes (graph));
  for (RtValueId id = 0; id < n_values; id++)
    if (rt_graph_value (graph, id)->producer == RT_NONE)
      add_value (&w, id);
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    add_node (&w, rt_graph_node (graph, n));
  add_states (&w);
  free (w.ids);
  return !out->failed || rt_fail (error, RT_ERROR_MEMORY, "No memory to write a graph");
}

/* ---- Reading ---- */

typedef struct
{
  RtReader r;
  const uint8_t *data;
  uint64_t n_data;
  RtGraph *graph;
  RtWeight **weights; /* [n_values] */
  bool *is_plain;     /* [n_before] its bytes are the file's, or it has none */
  uint32_t n_before, n_nodes, n_values;
  RtError *error;
} Reading;

/* Everything that follows from bytes that are not there. */
static bool
fail_short (Reading *in, const char *what)
{
  return rt_fail (in->error, RT_ERROR_FORMAT,
                  "The build's graph ends early or has a count that it has no room for, at %s",
                  what);
}

static bool
read_shape (Reading *in, const char *name, RtShape *shape)
{
  *shape = (RtShape){ .n_dims = rt_reader_u32 (&in->r) };
  if (in->r.failed || shape->n_dims > RT_MAX_DIMS)
    return rt_fail (in->error, RT_ERROR_FORMAT, "%s has %u dimensions, expected at most %d", name,
                    shape->n_dims, RT_MAX_DIMS);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      shape->dims[i] = (int64_t)rt_reader_u64 (&in->r);
      if (shape->dims[i] < -RT_N_SYMBOLS || shape->dims[i] > INT32_MAX)
        return rt_fail (in->error, RT_ERROR_FORMAT,
                        "%s: dimension %u is %" PRId64 ", expected 0 to %d or a symbol", name, i,
                        shape->dims[i], INT32_MAX);
    }
  return !in->r.failed || fail_short (in, name);
}

/* What @value is quantized by, if it is. */
static bool
read_quant (Reading *in, RtValueId id, const char *name)
{
  uint32_t n = rt_reader_count (&in->r, 8);
  if (n == 0)
    return !in->r.failed || fail_short (in, name);

  int32_t axis = (int32_t)rt_reader_u32 (&in->r);
  const RtShape *shape = &rt_graph_value (in->graph, id)->shape;
  bool fits
      = n == 1 || (axis >= 0 && axis < (int32_t)shape->n_dims && shape->dims[axis] == (int64_t)n);
  float *scales = malloc (n * sizeof *scales);
  int32_t *zero_points = malloc (n * sizeof *zero_points);
  bool ok = scales != NULL && zero_points != NULL;

  for (uint32_t i = 0; ok && i < n; i++)
    scales[i] = rt_reader_f32 (&in->r);
  for (uint32_t i = 0; ok && i < n; i++)
    zero_points[i] = (int32_t)rt_reader_u32 (&in->r);
  if (!ok)
    rt_fail (in->error, RT_ERROR_MEMORY, "No memory for the scales of %s", name);
  else if (in->r.failed)
    ok = fail_short (in, name);
  else if (!fits)
    ok = rt_fail (in->error, RT_ERROR_FORMAT, "%s: %u scales along dimension %d do not fit it",
                  name, n, axis);
  else
    ok = rt_graph_set_quant (in->graph, id, &(RtQuant){ n, axis, scales, zero_points }, in->error);
  free (scales);
  free (zero_points);
  return ok;
}

/* [@n_bytes] of the data; NULL when it has not so much there. */
static const uint8_t *
find_data (Reading *in, uint64_t offset, uint64_t n_bytes, const char *name)
{
  if (offset % KN_ALIGN == 0 && offset <= in->n_data && n_bytes <= in->n_data - offset)
    return in->data + offset;
  rt_fail (in->error, RT_ERROR_FORMAT,
           "%s: its %" PRIu64 " bytes at %" PRIu64 " do not lie in the build's data of %" PRIu64,
           name, n_bytes, offset, in->n_data);
  return NULL;
}

static RtWeight *
read_packed (Reading *in, const char *name, const RtShape *shape)
{
  int dtype = (int)rt_reader_u32 (&in->r);
  uint64_t offset = rt_reader_u64 (&in->r), n_bytes = rt_reader_u64 (&in->r), n_cols = 1;
  uint32_t n_offsets = rt_reader_count (&in->r, 8);
  const uint8_t *list = rt_reader_take (&in->r, 8 * (size_t)n_offsets);

  if (in->r.failed)
    return fail_short (in, name), NULL;
  for (uint32_t i = 1; i < shape->n_dims; i++)
    if (shape->dims[i] < 0 || __builtin_mul_overflow (n_cols, (uint64_t)shape->dims[i], &n_cols))
      n_cols = UINT64_MAX;
  if (shape->n_dims < 2 || shape->dims[0] < 0 || n_cols > INT32_MAX)
    {
      rt_fail (in->error, RT_ERROR_FORMAT, "%s: its shape is not that of a packed matrix", name);
      return NULL;
    }
  const uint8_t *panels = find_data (in, offset, n_bytes, name);
  uint64_t *offsets = n_offsets > 0 ? malloc (n_offsets * sizeof *offsets) : NULL;
  if (panels == NULL || (n_offsets > 0 && offsets == NULL))
    {
      free (offsets);
      return NULL;
    }
  RtReader numbers = { list, list + 8 * (size_t)n_offsets, false };
  for (uint32_t i = 0; i < n_offsets; i++)
    offsets[i] = rt_reader_u64 (&numbers);
  RtWeight *weight = rt_weight_copy (dtype, (uint64_t)shape->dims[0], n_cols, panels, n_bytes,
                                     offsets, n_offsets, in->error);
  free (offsets);
  if (weight == NULL)
    rt_fail_prefix (in->error, "%s", name);
  return weight;
}

static bool
add_read_value (Reading *in, RtValueId index, const char *name)
{
  uint8_t kind = rt_reader_u8 (&in->r);
  int type = (int)rt_reader_u32 (&in->r);
  uint64_t offset = 0, n_bytes = 0;
  const void *bytes = NULL;
  RtShape shape;
  RtValueId id;

  if (!read_shape (in, name, &shape))
    return false;
  /* Scales are kept until the value is there. */
  RtReader at_quant = in->r;
  uint32_t n_quant = rt_reader_count (&in->r, 8);
  rt_reader_take (&in->r, n_quant > 0 ? 4 + 8 * (size_t)n_quant : 0);
  uint8_t holds = rt_reader_u8 (&in->r);
  if (holds & RT_GRAPH_PLAIN)
    {
      offset = rt_reader_u64 (&in->r);
      n_bytes = rt_reader_u64 (&in->r);
    }
  if (in->r.failed)
    return fail_short (in, name);
  if ((holds & RT_GRAPH_PLAIN) != 0 && (bytes = find_data (in, offset, n_bytes, name)) == NULL)
    return false;
  if ((holds & RT_GRAPH_PACKED) != 0
      && (in->weights[index] = read_packed (in, name, &shape)) == NULL)
    return false;

  in->is_plain[index] = (holds & RT_GRAPH_PACKED) == 0 || bytes != NULL;
  if (kind == RT_VALUE_WEIGHT && bytes == NULL && in->weights[index] != NULL)
    {
      /* Never read: nodes that would are refused below. */
      RtValue would = { .kind = RT_VALUE_ACTIVATION, .type = type, .shape = shape };
      bytes = rt_weight_panels (in->weights[index]);
      n_bytes = rt_value_bytes (&would, (int64_t[RT_N_SYMBOLS]){ 0 });
    }
  switch (kind)
    {
    case RT_VALUE_INPUT:
      id = rt_graph_add_input (in->graph, name, type, &shape, in->error);
      break;
    case RT_VALUE_WEIGHT:
      id = rt_graph_add_weight (in->graph, name, type, &shape, bytes, n_bytes, in->error);
      break;
    case RT_VALUE_STATE:
      {
        RtValue like = { .kind = RT_VALUE_STATE, .type = type, .shape = shape };
        for (uint32_t i = 0; i < shape.n_dims; i++)
          if (shape.dims[i] < 0)
            return rt_fail (in->error, RT_ERROR_FORMAT, "%s: a state cannot have a symbol", name);
        if (bytes != NULL && n_bytes != rt_value_bytes (&like, (int64_t[RT_N_SYMBOLS]){ 0 }))
          return rt_fail (in->error, RT_ERROR_FORMAT,
                          "%s: a state that begins with %" PRIu64 " bytes, which is not its size",
                          name, n_bytes);
        id = rt_graph_add_state (in->graph, name, type, &shape, bytes, in->error);
        break;
      }
    default:
      return rt_fail (in->error, RT_ERROR_FORMAT, "%s: no value is of kind %u", name, kind);
    }
  if (id == RT_NONE)
    return false;
  Reading quant = *in;
  quant.r = at_quant;
  return read_quant (&quant, id, name);
}

static bool
same_shape (const RtShape *a, const RtShape *b)
{
  return a->n_dims == b->n_dims && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

/* What was written of an output must be what the operator says of it here. */
static bool
check_output (Reading *in, const RtNode *node, RtValueId id)
{
  int type = (int)rt_reader_u32 (&in->r);
  const RtValue *value = rt_graph_value (in->graph, id);
  char written[128], found[128];
  RtShape shape;

  if (!read_shape (in, node->name, &shape) || !read_quant (in, id, node->name))
    return false;
  if (type != value->type || !same_shape (&shape, &value->shape))
    return rt_fail (in->error, RT_ERROR_FORMAT,
                    "%s: the build's file says %s %s, and %s makes %s %s of its inputs", node->name,
                    rt_type_name (type), rt_shape_text (&shape, written, sizeof written),
                    node->op->title, rt_type_name (value->type),
                    rt_shape_text (&value->shape, found, sizeof found));
  if (rt_reader_u8 (&in->r) != 0)
    rt_graph_set_output (in->graph, id);
  return !in->r.failed || fail_short (in, node->name);
}

static bool
read_sources (Reading *in, RtNodeId id, const char *name)
{
  uint32_t n = rt_reader_count (&in->r, 4);
  char **names = calloc ((size_t)n + 1, sizeof *names);
  bool ok = names != NULL;

  for (uint32_t i = 0; ok && i < n; i++)
    ok = (names[i] = rt_reader_string (&in->r)) != NULL;
  ok = ok && !in->r.failed
           ? rt_graph_set_source_names (in->graph, id, (const char *const *)names, n, in->error)
           : fail_short (in, name);
  for (uint32_t i = 0; names != NULL && i < n; i++)
    free (names[i]);
  free (names);
  return ok;
}

static bool
read_inputs (Reading *in, const RtOp *op, const char *name, uint32_t n, RtValueId *inputs)
{
  for (uint32_t i = 0; i < n; i++)
    {
      inputs[i] = rt_reader_u32 (&in->r);
      if (inputs[i] == RT_NONE)
        continue;
      if (inputs[i] >= rt_graph_n_values (in->graph))
        return rt_fail (in->error, RT_ERROR_FORMAT, "%s: input %u is value %u, and there are %u",
                        name, i + 1, inputs[i], rt_graph_n_values (in->graph));
      if (inputs[i] < in->n_before && !in->is_plain[inputs[i]]
          && !rt_op_input_is (op->matrix_inputs | op->table_inputs, i))
        return rt_fail (in->error, RT_ERROR_FORMAT,
                        "%s: input %u is packed, and %s does not read "
                        "packed matrices there",
                        name, i + 1, op->title);
    }
  return true;
}

static bool
add_read_node (Reading *in, const char *name, const RtOp *op)
{
  int32_t layer = (int32_t)rt_reader_u32 (&in->r);
  uint32_t n_inputs = rt_reader_count (&in->r, 4);
  RtValueId *inputs = malloc (((size_t)n_inputs + 1) * sizeof *inputs);
  void *attrs = calloc (1, (size_t)op->attrs_bytes + 1);
  bool ok = (inputs != NULL && attrs != NULL)
            || rt_fail (in->error, RT_ERROR_MEMORY, "No memory for %s", name);
  RtNodeId id = RT_NONE;

  if (ok && read_inputs (in, op, name, n_inputs, inputs))
    {
      const uint8_t *fields = rt_reader_take (&in->r, rt_fields_bytes (op));
      if (fields == NULL && in->r.failed)
        fail_short (in, name);
      else if (!rt_fields_read (op, fields, rt_fields_bytes (op), attrs, in->error))
        rt_fail_prefix (in->error, "%s", name);
      else
        id = rt_graph_add_node (in->graph, name, layer, op, inputs, n_inputs, attrs, in->error);
    }
  free (inputs);
  free (attrs);
  if (id == RT_NONE || !read_sources (in, id, name))
    return false;
  const RtNode *node = rt_graph_node (in->graph, id);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!check_output (in, node, node->outputs[i]))
      return false;
  return true;
}

static bool
read_node (Reading *in)
{
  char *name = rt_reader_string (&in->r), *op_name = rt_reader_string (&in->r);
  const RtOp *op = op_name != NULL ? rt_op_find (op_name) : NULL;
  bool ok;

  if (name == NULL || op_name == NULL)
    ok = fail_short (in, "the name of a node");
  else if (op == NULL)
    ok = rt_fail (in->error, RT_ERROR_UNSUPPORTED,
                  "%s needs the operator %s, which this runner does not have: build it anew with "
                  "the version of Lathe that made the build",
                  name, op_name);
  else
    ok = add_read_node (in, name, op);
  free (name);
  free (op_name);
  return ok;
}

static bool
read_states (Reading *in)
{
  uint32_t n = rt_reader_count (&in->r, 8), n_values = rt_graph_n_values (in->graph);

  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t state = rt_reader_u32 (&in->r), value = rt_reader_u32 (&in->r);
      if (state >= n_values || value >= n_values)
        return rt_fail (in->error, RT_ERROR_FORMAT, "State %u becomes value %u, and there are %u",
                        state, value, n_values);
      if (!rt_graph_set_next (in->graph, state, value, in->error))
        return false;
    }
  if (in->r.failed || in->r.next != in->r.end)
    return rt_fail (in->error, RT_ERROR_FORMAT, "The build's graph is %s than what it holds",
                    in->r.failed ? "shorter" : "longer");
  return true;
}

static bool
read_all (Reading *in)
{
  int32_t n_layers = (int32_t)rt_reader_u32 (&in->r);

  in->n_before = rt_reader_count (&in->r, 14);
  in->n_nodes = rt_reader_u32 (&in->r);
  if (in->r.failed || n_layers < 0 || in->n_nodes > (size_t)(in->r.end - in->r.next) / 20)
    return fail_short (in, "its beginning");
  in->n_values = in->n_before + RT_MAX_OUTPUTS * in->n_nodes;
  in->weights = calloc ((size_t)in->n_values + 1, sizeof *in->weights);
  in->is_plain = calloc ((size_t)in->n_before + 1, sizeof *in->is_plain);
  if (in->weights == NULL || in->is_plain == NULL)
    return rt_fail (in->error, RT_ERROR_MEMORY, "No memory for %u values", in->n_values);
  for (uint32_t i = 0; i < in->n_before; i++)
    {
      char *name = rt_reader_string (&in->r);
      bool ok
          = name != NULL ? add_read_value (in, i, name) : fail_short (in, "the name of a value");
      free (name);
      if (!ok)
        return false;
    }
  for (uint32_t i = 0; i < in->n_nodes; i++)
    if (!read_node (in))
      return false;
  rt_graph_set_n_layers (in->graph, n_layers);
  return read_states (in) && rt_graph_validate (in->graph, in->error);
}

RtGraph *
rt_graph_read (const uint8_t *bytes, size_t n_bytes, const uint8_t *data, uint64_t n_data,
               RtWeight ***weights, RtError *error)
{
  Reading in = { .r = { bytes, bytes + n_bytes, false },
                 .data = data,
                 .n_data = n_data,
                 .graph = rt_graph_new (error),
                 .error = error };
  bool ok = in.graph != NULL && read_all (&in);

  free (in.is_plain);
  if (ok)
    {
      *weights = in.weights;
      return in.graph;
    }
  rt_graph_weights_free (in.weights, in.n_values);
  rt_graph_free (in.graph);
  return NULL;
}

void
rt_graph_weights_free (RtWeight **weights, uint32_t n_values)
{
  for (uint32_t i = 0; weights != NULL && i < n_values; i++)
    rt_weight_unref (weights[i]);
  free (weights);
}
