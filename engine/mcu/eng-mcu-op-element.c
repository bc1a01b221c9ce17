/* Element by element, and rows: sums and products of two tensors, functions as tables, to and from
 * real numbers, softmax, means. Tables are made here, by the runtime's own operators, so that the
 * board needs no exponentials and has the same bits. */
#include "eng-mcu-private.h"

#include <math.h>
#include <string.h>

#include "kn-table.h"
#include "ops/rt-int8.h"
#include "ops/rt-math.h"
#include "ops/rt-ops-int8.h"

static gsize
n_of (const RtValue *value)
{
  return (gsize)rt_shape_n (&value->shape);
}

static gsize
channels_of (const RtValue *value)
{
  return value->shape.n_dims > 0 ? (gsize)value->shape.dims[value->shape.n_dims - 1] : 1;
}

/* ---- runs: what a call does to one operand, row by row ----
 *
 * Whole tensors are one run. In a patch every row of @out is one, and each operand has its own
 * distance from row to row. */
typedef struct
{
  gsize n_runs, n; /* elements of a run */
  guint64 x[2], y; /* where the first begins in the arena */
  gsize x_step[2], y_step;
} Runs;

static void
place_run (McPart held, McPart out, gsize n_channels, guint64 *offset, gsize *step)
{
  *step = (gsize)held.w * n_channels;
  *offset += ((guint64)(out.y - held.y) * (guint64)held.w + (guint64)(out.x - held.x)) * n_channels;
}

static Runs
runs_of (const EngMcuNode *node, const EngMcuCall *call)
{
  const RtValue *y = eng_mcu_output (node);
  Runs r = { .n_runs = 1, .n = n_of (y), .y = call->y_offset };

  for (guint i = 0; i < MIN (node->node->n_inputs, 2u); i++)
    r.x[i] = call->x_offset[i];
  if (call->out == NULL)
    return r;

  const gsize n_channels = channels_of (y);
  r.n_runs = (gsize)call->out->h;
  r.n = (gsize)call->out->w * n_channels;
  for (guint i = 0; i < MIN (node->node->n_inputs, 2u); i++)
    if (r.x[i] != G_MAXUINT64)
      place_run (call->in[i], *call->out, n_channels, &r.x[i], &r.x_step[i]);
  place_run (call->into_whole ? eng_mcu_whole (y) : *call->out, *call->out, n_channels, &r.y,
             &r.y_step);
  return r;
}

/* "AT (12)", or of every run "AT (12 + i * 96)"; constants by name. */
static char *
run_at (const Runs *r, guint64 offset, gsize step)
{
  if (r->n_runs == 1)
    return eng_mcu_at (offset);
  return g_strdup_printf ("AT (%" G_GUINT64_FORMAT " + i * %" G_GSIZE_FORMAT ")", offset, step);
}

static void
begin_runs (EngMcuSource *source, const Runs *r)
{
  if (r->n_runs > 1)
    eng_mcu_source_line (source, "for (int32_t i = 0; i < %d; i++)\n   ", (int)r->n_runs);
}

/* ---- two operands ---- */

/* Which operand is the dense one, and how the other one repeats. */
typedef struct
{
  guint dense, other;
  gsize n_rows, n;
  gsize row_step, step;
  gboolean ok;
} Pairing;

static Pairing
pair (const EngMcuNode *node)
{
  const RtShape *a = &eng_mcu_input (node, 0)->shape, *b = &eng_mcu_input (node, 1)->shape;
  RtBroadcast loops;
  Pairing p = { .other = 1 };

  rt_broadcast_init (&loops, &eng_mcu_output (node)->shape, a, b);
  if (loops.n_outer > 1)
    return p;
  if (rt_shape_n (a) < rt_shape_n (b))
    {
      p.dense = 1;
      p.other = 0;
    }
  p.n_rows = loops.n_rows;
  p.n = loops.n;
  p.step = loops.n > 1 ? loops.step[p.other] : 1;
  p.row_step = loops.n_outer > 0 ? loops.stride[p.other][0] : 0;
  p.ok = rt_shape_n (&eng_mcu_input (node, p.dense)->shape)
         == rt_shape_n (&eng_mcu_output (node)->shape);
  return p;
}

static char *
refuse_binary (const EngMcuNode *node)
{
  const Pairing p = pair (node);

  if (!p.ok || (eng_mcu_is_constant (eng_mcu_input (node, p.dense))))
    return g_strdup ("its inputs are broadcast in a way that the kernels do not know");
  return NULL;
}

static KnQbinaryArgs
binary_args (const EngMcuNode *node)
{
  const RtValue *a = eng_mcu_input (node, 0), *b = eng_mcu_input (node, 1);
  const RtValue *y = eng_mcu_output (node);
  RtTensor inputs[RT_INPUT_SLOTS]
      = { { .type = a->type, .quant = a->quant }, { .type = b->type, .quant = b->quant } };
  RtTensor outputs[RT_MAX_OUTPUTS] = { { .type = y->type, .quant = y->quant } };
  KnQbinaryArgs args = rt_binary_int8_constants (&(RtOpContext){
      .node = node->node, .attrs = node->node->attrs, .inputs = inputs, .outputs = outputs });

  /* Codes that are 128 less. */
  args.bias += a->type == RT_TYPE_U8 ? 128 * args.a_factor : 0;
  args.bias += b->type == RT_TYPE_U8 ? 128 * args.b_factor : 0;
  args.a_zero = eng_mcu_zero (a);
  args.b_zero = eng_mcu_zero (b);
  return args;
}

static void
binary_constants (EngMcuSource *source, const EngMcuNode *node)
{
  const RtValue *other = eng_mcu_input (node, pair (node).other);
  const gsize n = n_of (other);

  if (!eng_mcu_is_constant (other))
    return;
  g_autofree gint8 *codes = g_memdup2 (other->data, n);
  for (gsize i = 0; other->type == RT_TYPE_U8 && i < n; i++)
    codes[i] = (gint8)((guint8)codes[i] ^ 0x80);
  eng_mcu_source_i8 (source, "operand", node->id, codes, 1, n, n, other->name);
}

static guint64
binary_constant_bytes (const EngMcuNode *node)
{
  const RtValue *other = eng_mcu_input (node, pair (node).other);

  return eng_mcu_is_constant (other) ? n_of (other) : 0;
}

static char *
binary_text (const EngMcuNode *node, const Pairing *p, gsize n_rows, gsize n)
{
  const KnQbinaryArgs args = binary_args (node);
  const gboolean turned = p->dense == 1;
  const McRequant requant
      = { args.requant.low, args.requant.high, eng_mcu_zero (eng_mcu_output (node)) };
  g_autofree char *scale = eng_mcu_f32 (args.scale), *r = eng_mcu_requant_text (&requant);

  return g_strdup_printf ("  .n_rows = %d,\n"
                          "  .n = %d,\n"
                          "  .b_row_step = %d,\n"
                          "  .b_step = %d,\n"
                          "  .a_factor = %d,\n"
                          "  .b_factor = %d,\n"
                          "  .bias = %d,\n"
                          "  .shift = %u,\n"
                          "  .a_zero = %d,\n"
                          "  .b_zero = %d,\n"
                          "  .scale = %s,\n"
                          "  .requant = %s,\n",
                          (int)n_rows, (int)n, (int)p->row_step, (int)p->step,
                          turned ? args.b_factor : args.a_factor,
                          turned ? args.a_factor : args.b_factor, args.bias, args.shift,
                          turned ? args.b_zero : args.a_zero, turned ? args.a_zero : args.b_zero,
                          scale, r);
}

static void
binary_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const Pairing p = pair (node);
  const Runs r = runs_of (node, call);
  g_autofree char *text
      = call->out == NULL ? binary_text (node, &p, p.n_rows, p.n) : binary_text (node, &p, 1, r.n);
  const char *name = eng_mcu_source_struct (source, "McBinary", "binary", node->id, text);
  g_autofree char *a = run_at (&r, r.x[p.dense], r.x_step[p.dense]);
  g_autofree char *b = eng_mcu_is_constant (eng_mcu_input (node, p.other))
                           ? g_strdup_printf ("operand_%u", node->id)
                           : run_at (&r, r.x[p.other], r.x_step[p.other]);
  g_autofree char *y = run_at (&r, r.y, r.y_step);

  begin_runs (source, &r);
  eng_mcu_source_line (source, "%s (&%s, %s, %s, %s);",
                       node->node->op == &rt_op_mul_int8 ? "mc_mul" : "mc_add", name, a, b, y);
}

#define BINARY(which)                                                                              \
  {                                                                                                \
    .op = &which, .in_place = 3, .is_pixel = TRUE, .refuse = refuse_binary,                        \
    .constants = binary_constants, .constant_bytes = binary_constant_bytes, .call = binary_call    \
  }

const EngMcuOp eng_mcu_op_add = BINARY (rt_op_add_int8);
const EngMcuOp eng_mcu_op_sub = BINARY (rt_op_sub_int8);
const EngMcuOp eng_mcu_op_mul = BINARY (rt_op_mul_int8);

/* ---- tables ---- */

static char *
refuse_wide (const EngMcuNode *node)
{
  if (!rt_type_is_8bit (eng_mcu_input (node, 0)->type)
      || !rt_type_is_8bit (eng_mcu_output (node)->type))
    return g_strdup_printf ("it goes from %s to %s, the kernels know codes of 8 bits",
                            rt_type_name (eng_mcu_input (node, 0)->type),
                            rt_type_name (eng_mcu_output (node)->type));
  return NULL;
}

/* The operator's table is by codes as they are; the board's are signed ones. */
static void
table_constants (EngMcuSource *source, const EngMcuNode *node)
{
  const guint8 x_flip = eng_mcu_input (node, 0)->type == RT_TYPE_U8 ? 0x80 : 0;
  const guint8 y_flip = eng_mcu_output (node)->type == RT_TYPE_U8 ? 0x80 : 0;
  g_autofree guint8 *table = eng_mcu_prepare (node, 256);
  gint8 codes[256];

  for (guint i = 0; i < 256; i++)
    codes[i] = (gint8)(table[i ^ x_flip] ^ y_flip);
  eng_mcu_source_i8 (source, "table", node->id, codes, 1, 256, 256, NULL);
}

static guint64
table_bytes (const EngMcuNode *node)
{
  return 256;
}

static void
table_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const Runs r = runs_of (node, call);
  g_autofree char *x = run_at (&r, r.x[0], r.x_step[0]), *y = run_at (&r, r.y, r.y_step);

  begin_runs (source, &r);
  eng_mcu_source_line (source, "mc_lookup (table_%u, %d, %s, %s);", node->id, (int)r.n, x, y);
}

const EngMcuOp eng_mcu_op_unary = {
  .op = &rt_op_unary_int8,
  .in_place = 1,
  .is_pixel = TRUE,
  .refuse = refuse_wide,
  .constants = table_constants,
  .constant_bytes = table_bytes,
  .call = table_call,
};

const EngMcuOp eng_mcu_op_requantize = {
  .op = &rt_op_requantize,
  .in_place = 1,
  .is_pixel = TRUE,
  .refuse = refuse_wide,
  .constants = table_constants,
  .constant_bytes = table_bytes,
  .call = table_call,
};

/* ---- real numbers ---- */

static char *
refuse_quantize (const EngMcuNode *node)
{
  const gboolean back = node->node->op == &rt_op_dequantize;
  const RtValue *codes = back ? eng_mcu_input (node, 0) : eng_mcu_output (node);
  const RtValue *real = back ? eng_mcu_output (node) : eng_mcu_input (node, 0);

  if (codes->type != RT_TYPE_I8 || real->type != RT_TYPE_F32
      || (codes->quant != NULL && codes->quant->n > 1))
    return g_strdup_printf ("it goes from %s to %s, the kernels know f32 and i8 of one scale",
                            rt_type_name (eng_mcu_input (node, 0)->type),
                            rt_type_name (eng_mcu_output (node)->type));
  return NULL;
}

static void
quantize_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtValue *y = eng_mcu_output (node);
  const McRequant requant = eng_mcu_requant (y, -INFINITY, INFINITY);
  g_autofree char *text = eng_mcu_requant_text (&requant), *scale = eng_mcu_f32 (eng_mcu_scale (y));
  g_autofree char *from = eng_mcu_at (call->x_offset[0]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_quantize (%s, &(const McRequant)%s, %d, %s, %s);", scale, text,
                       (int)n_of (y), from, to);
}

static void
dequantize_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtValue *x = eng_mcu_input (node, 0);
  g_autofree char *scale = eng_mcu_f32 (eng_mcu_scale (x));
  g_autofree char *from = eng_mcu_at (call->x_offset[0]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_dequantize (%s, %d, %d, %s, %s);", scale, eng_mcu_zero (x),
                       (int)n_of (x), from, to);
}

const EngMcuOp eng_mcu_op_quantize = {
  .op = &rt_op_quantize,
  .refuse = refuse_quantize,
  .call = quantize_call,
};

const EngMcuOp eng_mcu_op_dequantize = {
  .op = &rt_op_dequantize,
  .refuse = refuse_quantize,
  .call = dequantize_call,
};

/* ---- rows ---- */

static void
softmax_constants (EngMcuSource *source, const EngMcuNode *node)
{
  g_autofree float *table = eng_mcu_prepare (node, 256 * sizeof (float));

  eng_mcu_source_f32 (source, "table", node->id, table, 256, NULL);
}

static guint64
softmax_bytes (const EngMcuNode *node)
{
  return 256 * sizeof (float);
}

static void
softmax_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtValue *y = eng_mcu_output (node);
  const gsize n = channels_of (y);
  g_autofree char *scale = eng_mcu_f32 (eng_mcu_scale (y));
  g_autofree char *text
      = g_strdup_printf ("  .n_rows = %d,\n"
                         "  .n = %d,\n"
                         "  .table = table_%u,\n"
                         "  .y_scale = %s,\n"
                         "  .y_zero = %d,\n",
                         (int)(n_of (y) / n), (int)n, node->id, scale, eng_mcu_zero (y));
  const char *name = eng_mcu_source_struct (source, "McSoftmax", "softmax", node->id, text);
  g_autofree char *from = eng_mcu_at (call->x_offset[0]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_softmax (&%s, %s, %s);", name, from, to);
}

const EngMcuOp eng_mcu_op_softmax = {
  .op = &rt_op_softmax_int8,
  .in_place = 1,
  .constants = softmax_constants,
  .constant_bytes = softmax_bytes,
  .call = softmax_call,
};

/* Elements before, of and behind the named dimensions, which are neighbours. */
static void
mean_parts (const EngMcuNode *node, gsize parts[3])
{
  const RtReduceAttrs *a = node->node->attrs;
  const RtShape *x = &eng_mcu_input (node, 0)->shape;

  parts[0] = parts[1] = parts[2] = 1;
  for (guint d = 0; d < x->n_dims; d++)
    {
      gboolean named = a->n_axes == 0;

      for (guint i = 0; i < a->n_axes; i++)
        named |= (a->axes[i] < 0 ? a->axes[i] + (gint)x->n_dims : a->axes[i]) == (gint)d;
      parts[named ? 1 : parts[1] > 1 ? 2 : 0] *= (gsize)x->dims[d];
    }
}

static void
mean_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtValue *x = eng_mcu_input (node, 0), *y = eng_mcu_output (node);
  const McRequant requant = eng_mcu_requant (y, -INFINITY, INFINITY);
  gsize parts[3];

  mean_parts (node, parts);
  g_autofree char *scale = eng_mcu_f32 (eng_mcu_scale (x) / eng_mcu_scale (y) / (float)parts[1]);
  g_autofree char *r = eng_mcu_requant_text (&requant);
  g_autofree char *text
      = g_strdup_printf ("  .n_outer = %d,\n"
                         "  .n = %d,\n"
                         "  .n_inner = %d,\n"
                         "  .scale = %s,\n"
                         "  .x_zero = %d,\n"
                         "  .requant = %s,\n",
                         (int)parts[0], (int)parts[1], (int)parts[2], scale, eng_mcu_zero (x), r);
  const char *name = eng_mcu_source_struct (source, "McMean", "mean", node->id, text);
  g_autofree char *from = eng_mcu_at (call->x_offset[0]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_mean (&%s, %s, %s);", name, from, to);
}

const EngMcuOp eng_mcu_op_mean = {
  .op = &rt_op_mean_int8,
  .call = mean_call,
};
