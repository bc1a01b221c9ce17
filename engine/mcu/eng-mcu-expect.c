/* The work of layers on a microcontroller, from the plan and the shapes alone. Called by
 * calibrations (eng-board-references.c, eng-board-expect.c); knows no board's times. */
#include "eng-mcu-expect.h"

#include <string.h>

#include "eng-mcu-plan.h"

/* Instructions, about, as the loops of kernels/cortex-m are written: of a multiply-add of a product
 * (SMLAD does two, with its loads; MVE sixteen), of a depthwise one (nothing is shared), of a place
 * of a pool, of an element; of bringing one sum back to 8 bits, and around each window and call.
 * That they are near is enough: the board's own figures are fitted to them. */
static const double product_macs[] = { [MC_ISA_PLAIN] = 3, [MC_ISA_DSP] = 1, [MC_ISA_MVE] = 0.125 };
static const double depthwise_macs[]
    = { [MC_ISA_PLAIN] = 6, [MC_ISA_DSP] = 3, [MC_ISA_MVE] = 0.75 };
static const double pool_places[] = { [MC_ISA_PLAIN] = 10, [MC_ISA_DSP] = 8, [MC_ISA_MVE] = 3 };
static const double elements[] = { [MC_ISA_PLAIN] = 18, [MC_ISA_DSP] = 14, [MC_ISA_MVE] = 4 };
#define REQUANTIZE 12
#define PRODUCT_WINDOW 150
#define DEPTHWISE_WINDOW 100
#define MOVED 1
#define CALL 200

static double
count (const RtValue *value)
{
  double n = 1;

  for (guint d = 0; d < value->shape.n_dims; d++)
    n *= (double)MAX (value->shape.dims[d], 1);
  return n;
}

/* Windows of a convolution: places of the result. */
static double
count_windows (const RtValue *y)
{
  return count (y) / (double)MAX (y->shape.dims[y->shape.n_dims - 1], 1);
}

static gboolean
begins (const char *name, const char *with)
{
  return g_str_has_prefix (name, with);
}

static double
instructions (const EngMcuNode *node, McIsa isa, double macs)
{
  const char *op = node->node->op->name;
  const RtValue *y = eng_mcu_output (node), *x = eng_mcu_input (node, 0);
  double n = count (y);

  if (begins (op, "depthwise"))
    return depthwise_macs[isa] * macs + REQUANTIZE * n + DEPTHWISE_WINDOW * count_windows (y)
           + CALL;
  if (macs > 0)
    return product_macs[isa] * macs + REQUANTIZE * n + PRODUCT_WINDOW * count_windows (y) + CALL;
  if (begins (op, "average_pool") || begins (op, "max_pool") || begins (op, "mean"))
    return pool_places[isa] * (x != NULL ? count (x) : n) + CALL;
  if (begins (op, "concat") || begins (op, "slice") || begins (op, "pad")
      || begins (op, "transpose") || begins (op, "reshape"))
    return MOVED * n + CALL;
  return elements[isa] * n + CALL;
}

GArray *
eng_mcu_work (EngBuild *bare, const char *board, const EngMcuOptions *options, GError **error)
{
  EngMcuReport *made = NULL;
  g_autoptr (EngMcuProgram) p = eng_mcu_plan_program (bare, board, options, NULL, &made, error);
  g_autoptr (EngMcuReport) report = made;

  if (p == NULL)
    return NULL;
  GArray *works = g_array_new (FALSE, TRUE, sizeof (EngMcuWork));
  for (RtNodeId n = 0; n < p->nodes->len; n++)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
      double macs = (double)p->macs[n];
      EngMcuWork work = { .node = n,
                          .name = node->node->name,
                          .layer = node->node->layer,
                          .work = { .op = g_intern_string (node->node->op->name),
                                    .host_ns = instructions (node, p->board->isa, macs),
                                    .n_ops = macs,
                                    .n_bytes = count (eng_mcu_output (node)),
                                    .is_int8 = TRUE } };
      g_array_append_val (works, work);
    }
  return works;
}
