/* Which first stages run patch by patch: MCUNetV2 (Lin and others 2021). The peak of a network of
 * pictures is in its first layers, whose pictures are large; a patch of the last one's output needs
 * only a part of each picture before it. What neighbouring patches both need, the halo, is computed
 * twice. More stages and smaller patches: less memory, more halo.
 *
 * Every cut and every grid is planned; the least recomputation that fits is taken. */
#include "eng-mcu-private.h"

#include <string.h>

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"

#define MAX_GRID 8

static gboolean
can_be_tiled (const EngMcuNode *node)
{
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);
  const RtValue *y = eng_mcu_output (node);

  if (y->shape.n_dims != 4)
    return FALSE;
  if (op->is_window)
    return op->op != &rt_op_average_pool_int8
           || !((const RtPoolAttrs *)node->node->attrs)->count_padding;
  if (!op->is_pixel)
    return FALSE;
  for (guint i = 0; i < node->node->n_inputs; i++)
    if (memcmp (&eng_mcu_input (node, i)->shape, &y->shape, sizeof y->shape) != 0
        || eng_mcu_is_constant (eng_mcu_input (node, i)))
      return FALSE;
  return TRUE;
}

/* The last node that reads each value; outputs live to the end. [n_values] */
static guint *
last_readers (const EngMcuProgram *p)
{
  guint *last = g_new0 (guint, rt_graph_n_values (p->graph));

  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    if (rt_graph_value (p->graph, id)->is_kept)
      last[id] = G_MAXUINT;
  for (guint n = 0; n < p->nodes->len; n++)
    {
      const RtNode *node = g_array_index (p->nodes, EngMcuNode, n).node;
      for (guint i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE)
          last[node->inputs[i]] = MAX (last[node->inputs[i]], n);
    }
  return last;
}

/* Nothing that [first, last] makes is read behind it but what @last makes. */
static gboolean
is_cut (const EngMcuProgram *p, guint first, guint last, const guint *readers)
{
  for (guint n = first; n < last; n++)
    if (readers[g_array_index (p->nodes, EngMcuNode, n).node->outputs[0]] > last)
      return FALSE;
  return TRUE;
}

static guint64
fixed_bytes (const EngMcuProgram *p)
{
  return eng_mcu_program_static_bytes (p) + p->board->stack_bytes;
}

static void
free_patches (gpointer data)
{
  EngMcuPatches *patches = data;

  g_free (patches->until);
  g_free (patches);
}

/* One choice as it was placed last. */
static EngMcuPatches *
record (const EngMcuProgram *p, guint64 plain_macs, guint64 ram_limit)
{
  EngMcuPatches *choice = g_new0 (EngMcuPatches, 1);

  choice->rows = choice->columns = 1;
  if (p->is_tiled)
    {
      choice->n_nodes = p->tiling.last - p->tiling.first + 1;
      choice->until = g_strdup (rt_graph_node (p->graph, p->tiling.last)->name);
      choice->rows = p->tiling.rows;
      choice->columns = p->tiling.columns;
    }
  choice->arena_bytes = p->arena_bytes;
  choice->macs = eng_mcu_program_macs (p);
  choice->extra_macs = choice->macs - MIN (plain_macs, choice->macs);
  choice->ram_bytes = p->arena_bytes + fixed_bytes (p);
  choice->fits = choice->ram_bytes <= ram_limit;
  return choice;
}

/* Kept beside @choices when none of them has both a smaller arena and fewer multiply-adds. The
 * first, which is the one without patches, always stays. */
static void
add_if_worth (GPtrArray *choices, EngMcuPatches *choice)
{
  for (guint i = 0; i < choices->len; i++)
    {
      const EngMcuPatches *other = g_ptr_array_index (choices, i);
      if (other->arena_bytes <= choice->arena_bytes && other->macs <= choice->macs)
        {
          free_patches (choice);
          return;
        }
    }
  for (guint i = choices->len; i-- > 1;)
    {
      const EngMcuPatches *other = g_ptr_array_index (choices, i);
      if (choice->arena_bytes <= other->arena_bytes && choice->macs <= other->macs)
        g_ptr_array_remove_index (choices, i);
    }
  g_ptr_array_add (choices, choice);
}

static gboolean
try_grids (EngMcuProgram *p, RtNodeId first, RtNodeId last, guint64 plain_macs, guint64 ram_limit,
           GPtrArray *choices, GError **error)
{
  const McPart whole = eng_mcu_whole (eng_mcu_output (&g_array_index (p->nodes, EngMcuNode, last)));

  for (guint rows = 1; rows <= MIN (MAX_GRID, (guint)whole.h); rows++)
    for (guint columns = 1; columns <= MIN (MAX_GRID, (guint)whole.w); columns++)
      {
        const EngMcuTiling tiling = { first, last, rows, columns };

        if (rows * columns == 1)
          continue;
        if (!eng_mcu_program_place (p, &tiling, RT_PLANNER_GREEDY, error))
          return FALSE;
        add_if_worth (choices, record (p, plain_macs, ram_limit));
      }
  return TRUE;
}

/* FALSE: cancelled. */
static gboolean
go_on (EngJob *job, guint node, guint n_nodes, GError **error)
{
  if (job == NULL)
    return TRUE;
  eng_job_report (job, "trying patches", (double)node / (double)n_nodes);
  return !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error);
}

static gboolean
try_cuts (EngMcuProgram *p, guint64 plain_macs, guint64 ram_limit, EngJob *job, GPtrArray *choices,
          GError **error)
{
  g_autofree guint *readers = last_readers (p);
  guint first = 0;

  while (first < p->nodes->len && !can_be_tiled (&g_array_index (p->nodes, EngMcuNode, first)))
    first++;
  for (guint last = first; last < p->nodes->len; last++)
    {
      if (!can_be_tiled (&g_array_index (p->nodes, EngMcuNode, last)))
        break;
      if (!go_on (job, last, p->nodes->len, error))
        return FALSE;
      if (last > first && is_cut (p, first, last, readers)
          && !try_grids (p, first, last, plain_macs, ram_limit, choices, error))
        return FALSE;
    }
  return TRUE;
}

static gint
by_arena (gconstpointer a, gconstpointer b)
{
  const EngMcuPatches *x = *(EngMcuPatches *const *)a, *y = *(EngMcuPatches *const *)b;

  if ((x->until == NULL) != (y->until == NULL))
    return x->until == NULL ? -1 : 1;
  return x->arena_bytes != y->arena_bytes ? (x->arena_bytes > y->arena_bytes ? -1 : 1)
                                          : (x->macs > y->macs) - (x->macs < y->macs);
}

/* No patches where that fits, else the fewest multiply-adds that do, else the smallest arena. They
 * are sorted, the one without patches is the largest or as large. */
static EngMcuPatches *
choose (GPtrArray *choices)
{
  EngMcuPatches *best = NULL;

  for (guint i = 0; i < choices->len; i++)
    {
      EngMcuPatches *choice = g_ptr_array_index (choices, i);
      if (choice->fits && choice->until == NULL)
        return choice;
      if (choice->fits && (best == NULL || choice->macs < best->macs))
        best = choice;
    }
  return best != NULL ? best : g_ptr_array_index (choices, choices->len - 1);
}

static EngMcuTiling
tiling_of (const EngMcuProgram *p, const EngMcuPatches *choice)
{
  const RtNodeId last = rt_graph_find_node (p->graph, choice->until);

  return (EngMcuTiling){ last - choice->n_nodes + 1, last, choice->rows, choice->columns };
}

gboolean
eng_mcu_program_choose (EngMcuProgram *p, const EngMcuOptions *options, EngMcuReport *report,
                        GError **error)
{
  const guint64 ram_limit
      = options != NULL && options->ram_limit > 0 ? options->ram_limit : p->board->ram_bytes;
  g_autoptr (GPtrArray) choices = g_ptr_array_new_with_free_func (free_patches);

  if (!eng_mcu_program_place (p, NULL, RT_PLANNER_OPTIMAL, error))
    return FALSE;
  const guint64 plain_macs = eng_mcu_program_macs (p);
  g_ptr_array_add (choices, record (p, plain_macs, ram_limit));
  const EngMcuPatches *plain = g_ptr_array_index (choices, 0);
  const gboolean search
      = options == NULL || (!options->no_patches && !(options->quick && plain->fits));
  if (search
      && !try_cuts (p, plain_macs, ram_limit, options != NULL ? options->job : NULL, choices,
                    error))
    return FALSE;
  g_ptr_array_sort (choices, by_arena);

  EngMcuPatches *best = choose (choices);
  const EngMcuTiling tiling = best->until != NULL ? tiling_of (p, best) : (EngMcuTiling){ 0 };
  if (!eng_mcu_program_place (p, best->until != NULL ? &tiling : NULL, RT_PLANNER_OPTIMAL, error))
    return FALSE;
  best->is_chosen = TRUE;
  best->arena_bytes = p->arena_bytes; /* the search's planner is the quick one */
  best->fits = p->arena_bytes + fixed_bytes (p) <= ram_limit;
  report->ram_limit = ram_limit;
  g_clear_pointer (&report->patches, g_ptr_array_unref);
  report->patches = g_steal_pointer (&choices);
  return TRUE;
}
