/* The tables of fields of all operators: they describe the whole of every struct of attributes,
 * bytes and back are the same numbers, and what lies outside of the limits is refused by name. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"
#include "random-model.h"
#include "rt-fields.h"
#include "rt-model.h"

#define MAX_ATTRS_BYTES 4096

static size_t
element_bytes (const RtField *field)
{
  return field->type == RT_FIELD_I64 || field->type == RT_FIELD_F64 ? 8 : 4;
}

static size_t
field_bytes (const RtField *field)
{
  return field->n * element_bytes (field);
}

/* ---- what the tables say of the structs ---- */

static void
check_limits (const RtOp *op, const RtField *field)
{
  const gboolean is_float = field->type == RT_FIELD_F32 || field->type == RT_FIELD_F64;
  const double lowest[] = { 0, INT32_MIN, -INFINITY, -0x1p63, -INFINITY };
  const double highest[] = { UINT32_MAX, INT32_MAX, INFINITY, 0x1p63, INFINITY };

  g_test_message ("%s: %s", op->name, field->name);
  g_assert_cmpfloat (field->min, <=, field->max);
  g_assert_cmpfloat (field->min, >=, lowest[field->type]);
  g_assert_cmpfloat (field->max, <=, highest[field->type]);
  if (!is_float)
    {
      g_assert_cmpfloat (field->min, ==, floor (field->min));
      g_assert_cmpfloat (field->max, ==, floor (field->max));
    }
  else if (field->type == RT_FIELD_F32)
    {
      /* Limits that are no floats would not be met. */
      g_assert_cmpfloat (field->min, ==, (double)(float)field->min);
      g_assert_cmpfloat (field->max, ==, (double)(float)field->max);
    }
  if (field->n > 1) /* what is not used is 0 */
    {
      g_assert_cmpfloat (field->min, <=, 0);
      g_assert_cmpfloat (field->max, >=, 0);
    }
}

/* Fields follow each other in the struct; between two is no more than the alignment of the second
 * (of an RtShape in the struct it is 8), behind the last no more than that of
 * the struct. */
static void
check_table (const RtOp *op)
{
  size_t end = 0, align = 4;

  g_assert_cmpuint (op->attrs_bytes, <=, MAX_ATTRS_BYTES);
  g_assert_true ((op->fields != NULL) == (op->attrs_bytes > 0));
  g_assert_true ((op->n_fields > 0) == (op->attrs_bytes > 0));
  for (uint32_t f = 0; f < op->n_fields; f++)
    {
      const RtField *field = &op->fields[f];
      const size_t size = element_bytes (field);
      const size_t unit = g_str_has_suffix (field->name, ".n_dims") ? 8 : size;

      check_limits (op, field);
      g_assert_cmpuint (field->n, >, 0);
      g_assert_cmpuint (field->offset, ==, (end + unit - 1) / unit * unit);
      end = field->offset + field_bytes (field);
      align = MAX (align, MAX (size, unit));
      for (uint32_t other = 0; other < f; other++)
        g_assert_cmpstr (field->name, !=, op->fields[other].name);
    }
  g_assert_cmpuint (op->attrs_bytes, ==, (end + align - 1) / align * align);
}

static void
test_tables (void)
{
  uint32_t n_ops;
  const RtOp *const *ops = rt_op_list (&n_ops);

  for (uint32_t i = 0; i < n_ops; i++)
    check_table (ops[i]);
}

/* ---- numbers ---- */

static void
put (const RtField *field, uint32_t i, double x, int64_t i64, void *attrs)
{
  uint8_t *at = (uint8_t *)attrs + field->offset + i * element_bytes (field);
  const uint32_t u32 = field->type == RT_FIELD_U32 ? (uint32_t)x : 0;
  const int32_t i32 = field->type == RT_FIELD_I32 ? (int32_t)x : 0;
  const float f32 = (float)x;

  switch (field->type)
    {
    case RT_FIELD_U32:
      memcpy (at, &u32, sizeof u32);
      break;
    case RT_FIELD_I32:
      memcpy (at, &i32, sizeof i32);
      break;
    case RT_FIELD_F32:
      memcpy (at, &f32, sizeof f32);
      break;
    case RT_FIELD_I64:
      memcpy (at, &i64, sizeof i64);
      break;
    case RT_FIELD_F64:
      memcpy (at, &x, sizeof x);
      break;
    }
}

static int64_t
lowest_i64 (const RtField *field)
{
  return field->min <= -0x1p63 ? INT64_MIN : (int64_t)field->min;
}

static int64_t
highest_i64 (const RtField *field)
{
  return field->max >= 0x1p63 ? INT64_MAX : (int64_t)field->max;
}

/* Both limits now and then, else what lies between. */
static void
put_random (const RtField *field, uint32_t i, GRand *rand, void *attrs)
{
  const double low = MAX (field->min, -DBL_MAX / 4), high = MIN (field->max, DBL_MAX / 4);
  const int choice = g_rand_int_range (rand, 0, 8);
  int64_t i64 = (int64_t)((uint64_t)g_rand_int (rand) << 32 | g_rand_int (rand));
  double x = low + g_rand_double (rand) * (high - low);

  if (i64 < lowest_i64 (field) || i64 > highest_i64 (field))
    i64 = (int64_t)CLAMP (x, -0x1p62, 0x1p62);
  if (choice == 0)
    {
      x = field->min;
      i64 = lowest_i64 (field);
    }
  else if (choice == 1)
    {
      x = field->max;
      i64 = highest_i64 (field);
    }
  else if (field->type == RT_FIELD_U32 || field->type == RT_FIELD_I32)
    x = floor (x);
  else if (field->type == RT_FIELD_F32)
    x = (double)(float)CLAMP (x, MAX (field->min, (double)-FLT_MAX),
                              MIN (field->max, (double)FLT_MAX));
  put (field, i, x, i64, attrs);
}

static void
fill_random (const RtOp *op, GRand *rand, void *attrs)
{
  memset (attrs, 0, op->attrs_bytes);
  for (uint32_t f = 0; f < op->n_fields; f++)
    for (uint32_t i = 0; i < op->fields[f].n; i++)
      put_random (&op->fields[f], i, rand, attrs);
}

static void
check_round_trip (const RtOp *op, GRand *rand)
{
  uint64_t attrs[MAX_ATTRS_BYTES / 8], back[MAX_ATTRS_BYTES / 8];
  uint8_t bytes[MAX_ATTRS_BYTES + 1];
  const size_t n = rt_fields_bytes (op);
  RtError error = { 0 };

  fill_random (op, rand, attrs);
  bytes[n] = 0xa5;
  rt_fields_write (op, attrs, bytes);
  g_assert_cmpuint (bytes[n], ==, 0xa5);
  memset (back, 0xff, sizeof back);
  if (!rt_fields_read (op, bytes, n, back, &error))
    g_error ("%s", error.message);
  g_assert_cmpmem (attrs, op->attrs_bytes, back, op->attrs_bytes);
  g_assert_true (rt_fields_check (op, attrs, &error));

  g_assert_false (rt_fields_read (op, bytes, n + 1, back, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_FORMAT);
  if (n > 0)
    g_assert_false (rt_fields_read (op, bytes, n - 1, back, &error));
}

static void
test_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  uint32_t n_ops;
  const RtOp *const *ops = rt_op_list (&n_ops);

  for (uint32_t i = 0; i < n_ops; i++)
    for (int round = 0; round < 20; round++)
      check_round_trip (ops[i], rand);
}

/* Bytes as the format says, whatever machine this is. */
static void
test_bytes (void)
{
  typedef struct
  {
    uint32_t a;
    int64_t b[2];
    float c;
    double d;
    int32_t e;
  } Attrs;
  static const RtField fields[] = {
    RT_FIELD_FINITE (Attrs, a), RT_FIELD_FINITE (Attrs, b), RT_FIELD_REAL (Attrs, c),
    RT_FIELD_REAL (Attrs, d),   RT_FIELD_FINITE (Attrs, e),
  };
  const RtOp op = { .name = "invented", .attrs_bytes = sizeof (Attrs), RT_FIELDS (fields) };
  const Attrs attrs = { 0x01020304, { -2, INT64_C (0x1122334455667788) }, 1.5f, -0.0, -3 };
  const uint8_t expected[] = {
    4,    3,    2,    1,                            /* a */
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* b */
    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* b */
    0,    0,    0xc0, 0x3f,                         /* c */
    0,    0,    0,    0,    0,    0,    0,    0x80, /* d */
    0xfd, 0xff, 0xff, 0xff,                         /* e */
  };
  uint8_t bytes[sizeof expected];

  g_assert_cmpuint (rt_fields_bytes (&op), ==, sizeof expected);
  rt_fields_write (&op, &attrs, bytes);
  g_assert_cmpmem (bytes, sizeof bytes, expected, sizeof expected);
}

/* ---- outside of the limits ---- */

/* @attrs is good but for element @i of @field: the reader says so. */
static void
check_refused (const RtOp *op, const RtField *field, const void *attrs)
{
  uint64_t back[MAX_ATTRS_BYTES / 8];
  uint8_t bytes[MAX_ATTRS_BYTES];
  RtError error = { 0 };

  rt_fields_write (op, attrs, bytes);
  g_assert_false (rt_fields_read (op, bytes, rt_fields_bytes (op), back, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_nonnull (strstr (error.message, op->name));
  g_assert_nonnull (strstr (error.message, field->name));
}

/* The next numbers beyond both limits, where the type has one, and NaN. */
static uint32_t
outside (const RtField *field, double *x, int64_t *i64)
{
  const gboolean is_float = field->type == RT_FIELD_F32 || field->type == RT_FIELD_F64;
  const double lowest[] = { 0, INT32_MIN, -INFINITY, -0x1p63, -INFINITY };
  const double highest[] = { UINT32_MAX, INT32_MAX, INFINITY, 0x1p63, INFINITY };
  uint32_t n = 0;

  if (field->min > lowest[field->type])
    {
      i64[n] = field->type == RT_FIELD_I64 ? lowest_i64 (field) - 1 : 0;
      x[n++] = field->type == RT_FIELD_F32   ? (double)nextafterf ((float)field->min, -INFINITY)
               : field->type == RT_FIELD_F64 ? nextafter (field->min, -INFINITY)
                                             : field->min - 1;
    }
  if (field->max < highest[field->type])
    {
      i64[n] = field->type == RT_FIELD_I64 ? highest_i64 (field) + 1 : 0;
      x[n++] = field->type == RT_FIELD_F32   ? (double)nextafterf ((float)field->max, INFINITY)
               : field->type == RT_FIELD_F64 ? nextafter (field->max, INFINITY)
                                             : field->max + 1;
    }
  if (is_float)
    {
      i64[n] = 0;
      x[n++] = (double)NAN;
    }
  return n;
}

static void
test_outside (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  uint32_t n_ops, n_refused = 0;
  const RtOp *const *ops = rt_op_list (&n_ops);

  for (uint32_t o = 0; o < n_ops; o++)
    for (uint32_t f = 0; f < ops[o]->n_fields; f++)
      {
        const RtField *field = &ops[o]->fields[f];
        uint64_t attrs[MAX_ATTRS_BYTES / 8];
        double x[3];
        int64_t i64[3];
        const uint32_t n = outside (field, x, i64);

        for (uint32_t k = 0; k < n; k++)
          {
            fill_random (ops[o], rand, attrs);
            put (field, k % 2 == 0 ? field->n - 1 : 0, x[k], i64[k], attrs);
            check_refused (ops[o], field, attrs);
            n_refused++;
          }
      }
  g_assert_cmpuint (n_refused, >, 500); /* of about as many fields */
}

static void
test_message (void)
{
  const RtOp *op = rt_op_find ("transpose");
  uint32_t perm[RT_MAX_DIMS] = { 0, 1, 9 };
  RtError error = { 0 };

  g_assert_false (rt_fields_check (op, perm, &error));
  g_assert_cmpstr (error.message, ==, "transpose: attribute perm[2] is 9, expected 0 to 7");
}

/* ---- what depends on shapes ---- */

static void
add_inputs (NetCase *c, uint32_t n, const int64_t dims[][2])
{
  net_case_init (c);
  for (uint32_t i = 0; i < n; i++)
    net_case_random_input (c, RT_TYPE_F32, 2, dims[i], -1, 1);
}

static void
check_infer (uint32_t n, const int64_t dims[][2], const RtOp *op, const void *attrs,
             const char *words)
{
  NetCase c;
  add_inputs (&c, n, dims);
  g_autofree char *message = net_case_refused (&c, op, attrs);
  if (strstr (message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", message, words);
  net_case_clear (&c);
}

/* Attributes that are inside of their limits and do not fit these inputs. */
static void
test_infer (void)
{
  const int64_t square[][2] = { { 3, 3 } };
  RtEinsumAttrs twice = { .n_letters = 2, .n_dims = { 2 }, .letters = { { 0, 1 } }, .n_out = 2 };
  check_infer (1, square, &rt_op_einsum, &twice, "that of another");
  twice.out[1] = 2;
  check_infer (1, square, &rt_op_einsum, &twice, "has no letter");
  twice.letters[0][1] = 7;
  check_infer (1, square, &rt_op_einsum, &twice, "of input 0 has no letter");

  const RtAttentionAttrs attention = { .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .scale = 1 };
  check_infer (3, (const int64_t[][2]){ { 3, 8 }, { 2, 4 }, { 3, 4 } }, &rt_op_attention,
               &attention, "different tokens");
  check_infer (3, (const int64_t[][2]){ { 3, 8 }, { 3, 4 }, { 2, 4 } }, &rt_op_attention,
               &attention, "different tokens");
  const RtRopeAttrs rope = { .n_heads = 2, .head_dim = 4 };
  check_infer (2, (const int64_t[][2]){ { 3, 8 }, { 2, 4 } }, &rt_op_rope, &rope,
               "different tokens");
  check_infer (2, (const int64_t[][2]){ { 3, 8 }, { 3, 3 } }, &rt_op_rope, &rope,
               "cannot rotate 3");

  check_infer (1, (const int64_t[][2]){ { 2, 0 } }, &rt_op_group_norm,
               &(RtChannelNormAttrs){ .groups = 2 }, "2 equal groups");
  /* A sequence has no height, so windows must be at one. */
  const int64_t sequence[] = { 1, 5, 4 };
  const RtOp *const pools[] = { &rt_op_max_pool, &rt_op_max_pool_int8 };
  for (gsize i = 0; i < G_N_ELEMENTS (pools); i++)
    {
      const RtPoolAttrs pool = { 1, 1, 1, 1, 1, 1, .pad_bottom = 2, .max = INFINITY };
      NetCase c;
      net_case_init (&c);
      net_case_random_input (&c, i == 0 ? RT_TYPE_F32 : RT_TYPE_I8, 3, sequence, 0, 1);
      g_autofree char *message = net_case_refused (&c, pools[i], &pool);
      g_assert_nonnull (strstr (message, "3 heights of a sequence"));
      net_case_clear (&c);
    }

  const RtResizeAttrs resize = { .shape = { 2, { 6, 3 } }, .scales = { 1e-30f, 1 } };
  check_infer (1, square, &rt_op_resize, &resize, "the scale of dimension 0");
}

/* What does not depend on shapes is refused when a node is added as well, whoever builds it. */
static void
test_add_node (void)
{
  const int64_t square[][2] = { { 3, 3 } };

  check_infer (1, square, &rt_op_leaky_relu, &(RtUnaryAttrs){ .a = (double)NAN },
               "node (Leaky ReLU): leaky_relu: attribute a is nan");
  check_infer (1, square, &rt_op_mean_variance_norm, &(RtReduceAttrs){ .n_axes = 9 }, "9 axes");
  check_infer (1, square, &rt_op_lp_normalize, &(RtLpNormalizeAttrs){ .p = 3 },
               "attribute p is 3, expected 1 to 2");
  check_infer (1, square, &rt_op_expand, &(RtShapeAttrs){ { 2, { 3, -6 } } },
               "dimension 1 of the shape is -6");
}

/* Only references run pictures with channels first: a graph that has some left is refused. */
static void
test_channels_first (void)
{
  const int64_t dims[] = { 1, 4, 5, 6 };
  const RtPoolAttrs pool = { 2, 2, 1, 1, 1, 1, .max = INFINITY, .channels_first = 1 };
  RtPool *threads = rt_pool_new (1, NULL);
  RtError error = { 0 };
  NetCase c;

  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 4, dims, 0, 1);
  net_case_node (&c, &rt_op_max_pool, &pool, NULL);
  g_assert_null (rt_exec_new (&(RtExecConfig){ .graph = c.graph, .pool = threads }, &error));
  g_assert_nonnull (strstr (error.message, "node: pictures with channels first"));
  net_case_clear (&c);
  rt_pool_free (threads);
}

/* Limits that no integer reaches. */
static void
test_wide_clip (void)
{
  const RtUnaryAttrs limits[]
      = { { 1e30, INFINITY }, { -INFINITY, -1e30 }, { INFINITY, INFINITY } };
  const int64_t expected[] = { INT64_MAX, INT64_MIN, INT64_MAX }, x[] = { -5, 0, 7 };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      NetResult results[RT_MAX_OUTPUTS];
      NetCase c;
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_I64, 1, (int64_t[]){ 3 }, x);
      net_case_node (&c, &rt_op_clip, &limits[i], NULL);
      net_case_run_threads (&c, results);
      for (int k = 0; k < 3; k++)
        g_assert_cmpint (((const int64_t *)(const void *)results[0].data)[k], ==, expected[i]);
      net_results_clear (results);
      net_case_clear (&c);
    }
}

/* ---- limits are not too narrow ---- */

static void
check_graph (const RtGraph *graph)
{
  RtError error = { 0 };

  for (RtNodeId id = 0; id < rt_graph_n_nodes (graph); id++)
    {
      const RtNode *node = rt_graph_node (graph, id);
      if (!rt_fields_check (node->op, node->attrs, &error))
        g_error ("%s: %s", node->name, error.message);
    }
}

static void
check_model (const char *path)
{
  RtModel model = { 0 };
  RtError error = { 0 };

  if (!rt_model_open (&model,
                      &(RtModelConfig){ .path = path,
                                        .format = -1,
                                        .fusions = UINT32_MAX,
                                        .n_threads = 1,
                                        .kv_capacity = 64 },
                      &error))
    g_error ("%s: %s", path, error.message);
  check_graph (model.source);
  check_graph (model.graph);
  rt_model_close (&model);
}

static void
test_models (void)
{
  static const RandomModel plain = { .n_layers = 2,
                                     .n_embd = 64,
                                     .n_ff = 96,
                                     .n_heads = 2,
                                     .n_kv_heads = 1,
                                     .head_dim = 32,
                                     .n_vocab = 64,
                                     .dtype = KN_Q8_0,
                                     .tied = true };
  RandomModel models[] = { plain, plain, plain };
  static const char *const archs[] = { NULL, "qwen3", "gemma2" };

  for (gsize i = 0; i < G_N_ELEMENTS (models); i++)
    {
      RtError error = { 0 };
      models[i].arch = archs[i];
      models[i].head_norms = i == 1;
      models[i].post_norms = i == 2;
      models[i].window = i == 2 ? 16 : 0;
      models[i].attention_softcap = i == 2 ? 50 : 0;
      models[i].logit_softcap = i == 2 ? 30 : 0;
      models[i].rope_factors = i == 0;
      models[i].scaling_type = i == 0 ? "linear" : NULL;
      char *path = random_model_write (&models[i], i + 1, &error);
      if (path == NULL)
        g_error ("%s", error.message);
      check_model (path);
      g_remove (path);
      free (path);
    }
}

static void
test_default_model (void)
{
  const char *source = g_getenv ("LATHE_SOURCE_ROOT");
  g_autofree char *path = g_build_filename (source ? source : ".", "data", "default-model",
                                            "lathe-default-f16.gguf", NULL);
  check_model (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fields/tables", test_tables);
  g_test_add_func ("/fields/round-trip", test_round_trip);
  g_test_add_func ("/fields/bytes", test_bytes);
  g_test_add_func ("/fields/outside", test_outside);
  g_test_add_func ("/fields/message", test_message);
  g_test_add_func ("/fields/infer", test_infer);
  g_test_add_func ("/fields/add-node", test_add_node);
  g_test_add_func ("/fields/channels-first", test_channels_first);
  g_test_add_func ("/fields/wide-clip", test_wide_clip);
  g_test_add_func ("/fields/models", test_models);
  g_test_add_func ("/fields/default-model", test_default_model);
  return g_test_run ();
}
