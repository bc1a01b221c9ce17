/* From an RtPlan to the data of a PlotMemory. Called by the memory view; draws nothing. */
#include "app-memory-feed.h"

#include "app-config.h"
#include "app-layers.h"
#include "app-names.h"
#include "plot-format.h"

#include <glib/gi18n.h>

typedef struct
{
  GArray *buffers;    /* PlotMemoryBuffer */
  GPtrArray *strings; /* what those borrow until they are installed */
  char *path;         /* that all names begin with */
} Buffers;

static const char *
keep (Buffers *self, char *text)
{
  g_ptr_array_add (self->strings, text);
  return text;
}

static guint64
scratch_bytes (EngBuild *build, const RtPlan *plan)
{
  return plan->shared_scratch_bytes + plan->thread_scratch_bytes * eng_build_get_n_threads (build);
}

/* How many values lie in each block; what is in none counts nowhere. */
static guint *
count_members (const RtPlan *plan)
{
  guint *members = g_new0 (guint, MAX (1, plan->n_values));

  for (guint v = 0; v < plan->n_values; v++)
    {
      guint at = v;

      while (plan->entries[at].alias_of != RT_NONE)
        at = plan->entries[at].alias_of;
      if (plan->entries[v].bytes > 0)
        members[at]++;
    }
  return members;
}

static void
add_block (Buffers *self, const RtGraph *graph, const RtPlan *plan, RtValueId id, guint n_members)
{
  const RtValue *value = rt_graph_value (graph, id);
  const RtPlanEntry *entry = &plan->entries[id];
  guint n_nodes = rt_graph_n_nodes (graph);
  PlotMemoryBuffer buffer = { 0 };
  const char *op = "";
  char shape[128];

  if (value->producer != RT_NONE)
    op = rt_graph_node (graph, value->producer)->op->title;
  rt_shape_text (&value->shape, shape, sizeof shape);
  buffer.id = keep (self, g_strdup_printf ("value/%u", id));
  buffer.name
      = keep (self,
              value->producer != RT_NONE
                      && g_str_equal (value->name, rt_graph_node (graph, value->producer)->name)
                  ? app_names_dup_node (self->path, rt_graph_node (graph, value->producer))
                  : app_names_dup_short (self->path, value->name));
  buffer.detail = n_members > 1
                      ? keep (self,
                              /* Translators: operator, shape, type */
                              g_strdup_printf (_ ("%s \u00b7 %s %s, memory shared by %u values"),
                                               op, shape, rt_type_name (value->type), n_members))
                      : keep (self, g_strdup_printf ("%s \u00b7 %s %s", op, shape,
                                                     rt_type_name (value->type)));
  buffer.kind = value->kind == RT_VALUE_OUTPUT || value->is_kept ? PLOT_MEMORY_STATE
                                                                 : PLOT_MEMORY_ACTIVATION;
  buffer.first = MIN (entry->first, n_nodes - 1);
  buffer.last = CLAMP (entry->last, buffer.first, n_nodes - 1);
  buffer.offset = entry->offset;
  buffer.bytes = entry->bytes;
  g_array_append_val (self->buffers, buffer);
}

static PlotMemoryStep *
make_steps (Buffers *self, EngModel *model, const RtGraph *graph)
{
  PlotMemoryStep *steps = g_new0 (PlotMemoryStep, MAX (1, rt_graph_n_nodes (graph)));

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      int layer = CLAMP (node->layer, -1, (int)eng_model_get_n_layers (model));

      steps[i].name = keep (self, app_names_dup_node (self->path, node));
      steps[i].group = i > 0 && rt_graph_node (graph, i - 1)->layer == node->layer
                           ? steps[i - 1].group
                           : keep (self, app_layers_dup_title (model, layer));
    }
  return steps;
}

void
app_memory_feed_install (EngBuild *build, PlotMemory *memory)
{
  const RtGraph *graph = eng_build_get_graph (build);
  const RtPlan *plan = rt_exec_plan (eng_build_get_exec (build));
  guint n_nodes = rt_graph_n_nodes (graph);
  Buffers buffers = { g_array_new (FALSE, FALSE, sizeof (PlotMemoryBuffer)),
                      g_ptr_array_new_with_free_func (g_free), app_names_dup_path (graph) };
  g_autofree guint *members = count_members (plan);
  g_autofree PlotMemoryStep *steps = make_steps (&buffers, eng_build_get_model (build), graph);

  for (guint v = 0; v < plan->n_values && n_nodes > 0; v++)
    if (plan->entries[v].bytes > 0 && plan->entries[v].alias_of == RT_NONE)
      add_block (&buffers, graph, plan, v, members[v]);
  plot_memory_set_data (memory, &(PlotMemoryData){
                                    .buffers = (const PlotMemoryBuffer *)buffers.buffers->data,
                                    .n_buffers = buffers.buffers->len,
                                    .steps = steps,
                                    .n_steps = n_nodes,
                                    .total_bytes = plan->arena_bytes,
                                    .lower_bound_bytes = plan->lower_bound_bytes,
                                    .kind_names = { NULL, _ ("activation"), _ ("output"), NULL } });
  g_array_unref (buffers.buffers);
  g_ptr_array_unref (buffers.strings);
  g_free (buffers.path);
}

char *
app_memory_feed_dup_caption (EngBuild *build)
{
  const RtPlan *plan = rt_exec_plan (eng_build_get_exec (build));
  const PlotUnit unit = PLOT_UNIT_BYTES;
  g_autofree char *arena = plot_format_value (&unit, (double)plan->arena_bytes, 3);
  g_autofree char *scratch = plot_format_value (&unit, (double)scratch_bytes (build, plan), 3);
  g_autofree char *fit = NULL;

  if (plan->is_optimal || plan->arena_bytes == plan->lower_bound_bytes)
    fit = g_strdup (_ ("the least possible"));
  else if (plan->lower_bound_bytes > 0)
    fit = g_strdup_printf (_ ("%.1f %% above the lower bound"),
                           100.0
                               * ((double)plan->arena_bytes / (double)plan->lower_bound_bytes - 1));
  /* Translators: bytes of the activations, how good that is, bytes of working memory */
  return g_strdup_printf (_ ("Activations %s, %s · working memory %s"), arena,
                          fit != NULL ? fit : "", scratch);
}
