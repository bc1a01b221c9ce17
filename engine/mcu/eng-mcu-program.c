/* A build as calls of the target's kernels: whether each can be done there. Where everything lies
 * is eng-mcu-place.c's. */
#include "eng-mcu-private.h"

#include <string.h>

#include "eng-error.h"
#include "eng-technique.h"
#include "ops/rt-int8.h"

/* ---- what can be done ---- */

static gboolean
has_symbols (const RtValue *value)
{
  for (guint i = 0; i < value->shape.n_dims; i++)
    if (value->shape.dims[i] < 0)
      return TRUE;
  return FALSE;
}

/* A state that takes the place of another one: they would have to be moved in the right order. */
static gboolean
is_shifted (const RtGraph *graph, const RtValue *value)
{
  return value->kind == RT_VALUE_STATE && value->next != RT_NONE
         && rt_graph_value (graph, value->next)->kind == RT_VALUE_STATE;
}

static gboolean
has_int8_product (const RtGraph *graph)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    if (g_str_has_suffix (rt_graph_node (graph, n)->op->name, "_int8"))
      return TRUE;
  return FALSE;
}

/* Why @node cannot be done; NULL: it can. */
static char *
refusal (const EngMcuNode *node)
{
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);

  if (op == NULL)
    return g_strdup ("no kernel for it");
  for (guint i = 0; i < node->node->n_inputs; i++)
    if (eng_mcu_input (node, i) != NULL && has_symbols (eng_mcu_input (node, i)))
      return g_strdup_printf ("%s has no fixed size", eng_mcu_input (node, i)->name);
    else if (eng_mcu_input (node, i) != NULL && is_shifted (node->graph, eng_mcu_input (node, i)))
      return g_strdup_printf ("%s becomes what another value was that lives from run to run",
                              eng_mcu_input (node, i)->name);
  return op->refuse != NULL ? op->refuse (node) : NULL;
}

#define MAX_LISTED 12

static gboolean
check_nodes (const EngMcuProgram *p, GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);
  guint n_missing = 0;

  for (guint i = 0; i < p->nodes->len; i++)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, i);
      g_autofree char *why = refusal (node);

      if (why == NULL)
        continue;
      g_autofree char *name = eng_mcu_short_name (node->node->name);
      if (++n_missing <= MAX_LISTED)
        g_string_append_printf (list, "\n  layer %u, %s (%s): %s", i, name, node->node->op->title,
                                why);
    }
  if (n_missing == 0)
    return TRUE;
  if (n_missing > MAX_LISTED)
    g_string_append_printf (list, "\n  and %u more", n_missing - MAX_LISTED);
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%u of %u layers cannot run on %s:%s",
               n_missing, p->nodes->len, p->board->title, list->str);
  return FALSE;
}

/* What to do about floats: the technique that makes integers of them, or why it cannot. */
static void
refuse_floats (EngBuild *bare, const char *title, GError **error)
{
  const EngTechnique *int8 = eng_technique_find ("int8");
  g_autofree char *why = int8->applies != NULL ? int8->applies (eng_build_get_model (bare)) : NULL;

  if (why != NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%s runs networks of 8-bit integers; this one computes in floats and cannot be "
                 "quantized here (%s): choose one whose activations are 8-bit integers, too",
                 title, why);
  else
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%s runs networks of 8-bit integers and this one computes in floats: set the "
                 "technique \"%s\" (%s) and give it some inputs for its calibration",
                 title, int8->id, int8->title);
}

static gboolean
check_network (EngBuild *bare, const char *title, GError **error)
{
  const RtGraph *graph = bare != NULL ? eng_build_get_graph (bare) : NULL;

  if (graph == NULL || eng_model_get_kind (eng_build_get_model (bare)) == ENG_MODEL_LANGUAGE)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%s runs networks of 8-bit integers; language models need a board with Linux",
                 title);
  else if (!has_int8_product (graph))
    refuse_floats (bare, title, error);
  else
    return TRUE;
  return FALSE;
}

EngMcuProgram *
eng_mcu_program_new (EngBuild *bare, const char *board, GError **error)
{
  g_autoptr (EngMcuProgram) p = g_new0 (EngMcuProgram, 1);

  p->board = eng_mcu_board_load (board, error);
  if (p->board == NULL || !check_network (bare, p->board->title, error))
    return NULL;
  p->bare = g_object_ref (bare);
  p->graph = eng_build_get_graph (bare);
  p->nodes = g_array_new (FALSE, FALSE, sizeof (EngMcuNode));
  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->graph); n++)
    {
      const EngMcuNode node = eng_mcu_node (p->graph, n, p->board->isa);
      g_array_append_val (p->nodes, node);
    }
  return check_nodes (p, error) ? g_steal_pointer (&p) : NULL;
}

void
eng_mcu_program_free (EngMcuProgram *p)
{
  if (p == NULL)
    return;
  eng_mcu_program_clear_places (p);
  g_clear_pointer (&p->nodes, g_array_unref);
  eng_mcu_board_free (p->board);
  g_clear_object (&p->bare);
  g_free (p);
}

/* Board support as gcc 12 links it, and three numbers per layer. */
#define STATIC_BYTES 1536
#define TIMES_BYTES 12

guint64
eng_mcu_program_static_bytes (const EngMcuProgram *p)
{
  return STATIC_BYTES + (guint64)p->nodes->len * TIMES_BYTES;
}
