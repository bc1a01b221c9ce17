/* Where everything of a program lies.
 *
 * Places come from the engine's planner (rt-plan.h), which is given a graph of the target instead
 * of the build's own: the same values in bytes, inputs that are used up like any activation,
 * kernels' scratch as values that live for one node, in place where the target's kernels can.
 * Patches are in it as well: what a patch holds is as large as in the largest patch, what it reads
 * from and writes to lives through all of them. */
#include "eng-mcu-private.h"

#include <string.h>

#include "eng-error.h"

void
eng_mcu_program_clear_places (EngMcuProgram *p)
{
  const guint n = p->is_tiled ? p->tiling.rows * p->tiling.columns : 0;

  for (guint i = 0; i < n; i++)
    g_free (p->patches[i].parts);
  g_clear_pointer (&p->patches, g_free);
  g_clear_pointer (&p->offsets, g_free);
  g_clear_pointer (&p->scratches, g_free);
  g_clear_pointer (&p->live_bytes, g_free);
  g_clear_pointer (&p->scratch_each, g_free);
  g_clear_pointer (&p->macs, g_free);
  p->is_tiled = FALSE;
}

/* ---- patches ---- */

static McPart
hull (McPart a, McPart b)
{
  if (a.h == 0 || a.w == 0)
    return b;
  const gint y = MIN (a.y, b.y), x = MIN (a.x, b.x);
  return (McPart){ y, x, MAX (a.y + a.h, b.y + b.h) - y, MAX (a.x + a.w, b.x + b.w) - x };
}

/* Backwards from output part @out of the last node: what must be held of every value. */
static void
find_parts (const EngMcuProgram *p, McPart out, McPart *parts)
{
  const EngMcuNode *last = &g_array_index (p->nodes, EngMcuNode, p->tiling.last);

  parts[last->node->outputs[0]] = out;
  for (guint n = p->tiling.last + 1; n-- > p->tiling.first;)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
      const EngMcuOp *op = eng_mcu_op_find (node->node->op);
      const McPart want = parts[node->node->outputs[0]];

      for (guint i = 0; i < (op->is_window ? 1 : node->node->n_inputs); i++)
        {
          const RtValueId id = node->node->inputs[i];
          McPart need = want;

          if (id == RT_NONE || eng_mcu_is_constant (rt_graph_value (p->graph, id)))
            continue;
          if (op->is_window)
            {
              McWindow window;
              op->window (node, &window);
              need = mc_window_inputs (&window, want);
            }
          parts[id] = hull (parts[id], need);
        }
    }
}

static gboolean
is_inside (const EngMcuProgram *p, RtNodeId n)
{
  return p->is_tiled && p->tiling.first <= n && n <= p->tiling.last;
}

/* Values from outside of the patches are whole. */
static gboolean
is_local (const EngMcuProgram *p, RtValueId id)
{
  const RtValue *value = rt_graph_value (p->graph, id);

  return value->producer != RT_NONE && is_inside (p, value->producer)
         && value->producer != p->tiling.last;
}

static void
make_patches (EngMcuProgram *p, const EngMcuTiling *tiling)
{
  const guint n_values = rt_graph_n_values (p->graph);

  p->tiling = *tiling;
  p->is_tiled = TRUE;
  p->patches = g_new0 (EngMcuPatch, tiling->rows * tiling->columns);
  const EngMcuNode *last = &g_array_index (p->nodes, EngMcuNode, tiling->last);
  const McPart whole = eng_mcu_whole (eng_mcu_output (last));

  for (guint r = 0; r < tiling->rows; r++)
    for (guint c = 0; c < tiling->columns; c++)
      {
        const gint y0 = whole.h * (gint)r / (gint)tiling->rows;
        const gint y1 = whole.h * (gint)(r + 1) / (gint)tiling->rows;
        const gint x0 = whole.w * (gint)c / (gint)tiling->columns;
        const gint x1 = whole.w * (gint)(c + 1) / (gint)tiling->columns;
        McPart *parts = g_new0 (McPart, n_values);

        find_parts (p, (McPart){ y0, x0, y1 - y0, x1 - x0 }, parts);
        for (RtValueId id = 0; id < n_values; id++)
          if (parts[id].h > 0 && !is_local (p, id) && id != last->node->outputs[0])
            parts[id] = eng_mcu_whole (rt_graph_value (p->graph, id));
        p->patches[r * tiling->columns + c].parts = parts;
      }
}

/* The window of @node in @patch. */
static McWindow
patch_window (const EngMcuNode *node, const EngMcuPatch *patch)
{
  McWindow window;

  eng_mcu_op_find (node->node->op)->window (node, &window);
  return mc_window_patch (&window, patch->parts[node->node->inputs[0]],
                          patch->parts[node->node->outputs[0]]);
}

/* What @value takes: of a local one as much as in the largest patch. */
static guint64
bytes_of (const EngMcuProgram *p, RtValueId id)
{
  const RtValue *value = rt_graph_value (p->graph, id);
  guint64 most = 0;

  if (!p->is_tiled || !is_local (p, id))
    return eng_mcu_value_bytes (value);
  for (guint i = 0; i < p->tiling.rows * p->tiling.columns; i++)
    {
      const McPart *part = &p->patches[i].parts[id];
      most = MAX (most, (guint64)part->h * (guint64)part->w
                            * (guint64)value->shape.dims[value->shape.n_dims - 1]);
    }
  return most;
}

/* Scratch and multiply-adds of node @n, over its patches. */
static void
count_node (EngMcuProgram *p, RtNodeId n)
{
  const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);
  const guint n_patches = is_inside (p, n) ? p->tiling.rows * p->tiling.columns : 1;

  for (guint i = 0; i < n_patches; i++)
    {
      McWindow window = { 0 }, *use = NULL;

      if (is_inside (p, n) && op->is_window)
        {
          window = patch_window (node, &p->patches[i]);
          use = &window;
        }
      if (op->scratch != NULL)
        p->scratch_each[n] = MAX (p->scratch_each[n], op->scratch (node, use));
      if (op->macs != NULL)
        p->macs[n] += op->macs (node, use);
    }
}

/* ---- the planner's graph ---- */

typedef struct
{
  int64_t bytes[2]; /* of output and scratch */
  uint32_t in_place;
} PlanAttrs;

static bool
plan_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const PlanAttrs *attrs = node->attrs;

  for (guint i = 0; i < node->n_outputs; i++)
    {
      shapes[i] = (RtShape){ .n_dims = 1, .dims = { attrs->bytes[i] } };
      types[i] = RT_TYPE_I8;
    }
  return true;
}

static bool
plan_in_place (const RtNode *node, uint32_t input)
{
  return input < 32 && ((const PlanAttrs *)node->attrs)->in_place >> input & 1;
}

#define PLAN_OP(outputs, view)                                                                     \
  {                                                                                                \
    .name = "target", .title = "Target", .attrs_bytes = sizeof (PlanAttrs),                        \
    .max_inputs = RT_ANY_NUMBER, .n_outputs = outputs, .infer = plan_infer,                        \
    .in_place = plan_in_place, .is_view = view                                                     \
  }

/* An output; one and scratch; a view. The last node of patches has no output of its own. */
static const RtOp plan_plain = PLAN_OP (1, false), plan_scratch = PLAN_OP (2, false),
                  plan_view = PLAN_OP (1, true);
static const RtOp plan_end = { .name = "target",
                               .title = "Target",
                               .attrs_bytes = sizeof (PlanAttrs),
                               .max_inputs = RT_ANY_NUMBER,
                               .infer = plan_infer };
static const RtOp plan_end_scratch = { .name = "target",
                                       .title = "Target",
                                       .attrs_bytes = sizeof (PlanAttrs),
                                       .max_inputs = RT_ANY_NUMBER,
                                       .n_outputs = 1,
                                       .infer = plan_infer };

typedef struct
{
  EngMcuProgram *program;
  RtGraph *graph;
  RtValueId *values; /* [n_values] -> of graph; RT_NONE: not there */
  RtNodeId *nodes;   /* [n_nodes] -> of graph */
  RtError error;
} Planning;

static RtNodeId
add (Planning *planning, const char *kind, guint number, const RtOp *op, const GArray *inputs,
     guint64 bytes, guint64 scratch, guint in_place)
{
  char name[32];
  const PlanAttrs attrs
      = { { (int64_t)MAX (bytes, 1u), (int64_t)MAX (scratch, 1u) }, (uint32_t)in_place };

  g_snprintf (name, sizeof name, "%s %u", kind, number);
  return rt_graph_add_node (planning->graph, name, 0, op, (const RtValueId *)(void *)inputs->data,
                            inputs->len, &attrs, &planning->error);
}

static gboolean
add_source (Planning *planning, const char *kind, RtValueId id)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (RtValueId));
  const RtNodeId node
      = add (planning, kind, id, &plan_plain, none, bytes_of (planning->program, id), 0, 0);

  if (node == RT_NONE)
    return FALSE;
  planning->values[id] = rt_graph_node (planning->graph, node)->outputs[0];
  return TRUE;
}

/* The last of the patches' nodes: it writes into a value that is there already, and what the
 * patches read from outside must live until then. */
static void
add_outside_inputs (const Planning *planning, GArray *inputs)
{
  const EngMcuProgram *p = planning->program;
  const EngMcuNode *last = &g_array_index (p->nodes, EngMcuNode, p->tiling.last);

  g_array_append_val (inputs, planning->values[last->node->outputs[0]]);
  for (RtNodeId n = p->tiling.first; n <= p->tiling.last; n++)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
      for (guint i = 0; i < node->node->n_inputs; i++)
        {
          const RtValueId id = node->node->inputs[i];
          if (id != RT_NONE && planning->values[id] != RT_NONE && !is_local (p, id))
            g_array_append_val (inputs, planning->values[id]);
        }
    }
}

static gboolean
add_node (Planning *planning, RtNodeId n)
{
  EngMcuProgram *p = planning->program;
  const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);
  const RtValueId y = node->node->outputs[0];
  const gboolean ends_patches = p->is_tiled && n == p->tiling.last;
  g_autoptr (GArray) inputs = g_array_new (FALSE, FALSE, sizeof (RtValueId));

  if (p->is_tiled && n == p->tiling.first
      && !add_source (planning, "whole",
                      g_array_index (p->nodes, EngMcuNode, p->tiling.last).node->outputs[0]))
    return FALSE;
  for (guint i = 0; i < node->node->n_inputs; i++)
    if (node->node->inputs[i] != RT_NONE && planning->values[node->node->inputs[i]] != RT_NONE)
      g_array_append_val (inputs, planning->values[node->node->inputs[i]]);
  if (ends_patches)
    add_outside_inputs (planning, inputs);

  /* Patches are not in place: their parts differ. */
  const guint in_place = is_inside (p, n) ? 0 : op->in_place;
  const guint64 scratch = p->scratch_each[n];
  const RtOp *plan_op = ends_patches  ? scratch > 0 ? &plan_end_scratch : &plan_end
                        : op->is_view ? &plan_view
                        : scratch > 0 ? &plan_scratch
                                      : &plan_plain;
  planning->nodes[n] = add (planning, "node", n, plan_op, inputs,
                            ends_patches ? scratch : bytes_of (p, y), scratch, in_place);
  if (planning->nodes[n] == RT_NONE)
    return FALSE;
  if (!ends_patches)
    planning->values[y] = rt_graph_node (planning->graph, planning->nodes[n])->outputs[0];
  return TRUE;
}

static gboolean
make_graph (Planning *planning)
{
  const RtGraph *graph = planning->program->graph;

  planning->graph = rt_graph_new (&planning->error);
  if (planning->graph == NULL)
    return FALSE;
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    planning->values[id] = RT_NONE;
  /* States come first: nothing may be written over them, not even inputs that nobody reads. */
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == RT_VALUE_STATE && !add_source (planning, "state", id))
      return FALSE;
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == RT_VALUE_INPUT && !add_source (planning, "input", id))
      return FALSE;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    if (!add_node (planning, n))
      return FALSE;
  /* Outputs and what becomes of states are there at the end. */
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (planning->values[id] != RT_NONE && (value->is_kept || value->kind == RT_VALUE_STATE))
        rt_graph_set_output (planning->graph, planning->values[id]);
    }
  return TRUE;
}

static void
take_places (const Planning *planning, const RtPlan *plan)
{
  EngMcuProgram *p = planning->program;

  p->arena_bytes = plan->arena_bytes;
  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    p->offsets[id] = planning->values[id] != RT_NONE ? plan->entries[planning->values[id]].offset
                                                     : G_MAXUINT64;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->graph); n++)
    {
      const RtNode *node = rt_graph_node (planning->graph, planning->nodes[n]);

      p->scratches[n] = p->scratch_each[n] > 0
                            ? plan->entries[node->outputs[node->n_outputs - 1]].offset
                            : G_MAXUINT64;
      p->live_bytes[n] = rt_plan_live_bytes (plan, planning->nodes[n]);
      p->scratch_bytes = MAX (p->scratch_bytes, p->scratch_each[n]);
    }
  p->activation_bytes = p->arena_bytes;
}

gboolean
eng_mcu_program_place (EngMcuProgram *p, const EngMcuTiling *tiling, RtPlanner planner,
                       GError **error)
{
  const guint n_values = rt_graph_n_values (p->graph), n_nodes = rt_graph_n_nodes (p->graph);
  g_autofree RtValueId *values = g_new (RtValueId, n_values);
  g_autofree RtNodeId *nodes = g_new0 (RtNodeId, n_nodes);
  Planning planning = { .program = p, .values = values, .nodes = nodes };
  const RtPlanConfig config = { .n_threads = 1, .planner = planner };

  eng_mcu_program_clear_places (p);
  p->offsets = g_new0 (guint64, n_values);
  p->scratches = g_new0 (guint64, n_nodes);
  p->live_bytes = g_new0 (guint64, n_nodes);
  p->scratch_each = g_new0 (guint64, n_nodes);
  p->macs = g_new0 (guint64, n_nodes);
  p->scratch_bytes = 0;
  if (tiling != NULL)
    make_patches (p, tiling);
  for (RtNodeId n = 0; n < n_nodes; n++)
    count_node (p, n);

  RtPlan *plan
      = make_graph (&planning) ? rt_plan_new (planning.graph, &config, &planning.error) : NULL;
  if (plan != NULL)
    take_places (&planning, plan);
  rt_graph_free (planning.graph);
  const gboolean ok = plan != NULL || eng_error_take_rt (&planning.error, error);
  rt_plan_free (plan);
  return ok;
}

guint64
eng_mcu_program_macs (const EngMcuProgram *p)
{
  guint64 macs = 0;

  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->graph); n++)
    macs += p->macs[n];
  return macs;
}
