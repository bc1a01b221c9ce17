/* The facts of a network in words. Called by app-model-info.c; reads the model and, where there is
 * one, its build. No widgets. */
#include "app-network-info.h"

#include "app-config.h"
#include "plot-format.h"
#include "rt-op.h"
#include "tasks/eng-task.h"

#include <glib/gi18n.h>

static int
by_count (gconstpointer a, gconstpointer b, gpointer counts)
{
  guint x = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(const gpointer *)a));
  guint y = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(const gpointer *)b));

  return x != y ? (x < y) - (x > y) : g_strcmp0 (*(char *const *)a, *(char *const *)b);
}

char *
app_network_info_dup_operators (const RtGraph *graph)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree gpointer *names = NULL;
  GString *text = g_string_new (NULL);
  guint n;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      gpointer name = (gpointer)rt_graph_node (graph, i)->op->title;
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, name));

      g_hash_table_insert (counts, name, GUINT_TO_POINTER (count + 1));
    }
  names = g_hash_table_get_keys_as_array (counts, &n);
  g_qsort_with_data (names, (int)n, sizeof *names, by_count, counts);
  for (guint i = 0; i < n; i++)
    {
      guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, names[i]));

      g_string_append_printf (text, "%s%s × %u", i > 0 ? ", " : "", (char *)names[i], count);
    }
  return g_string_free (text, FALSE);
}

char *
app_network_info_dup_ports (const EngImported *imported, const EngPort *ports, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    {
      const RtValue *value = rt_graph_value (imported->graph, ports[i].value);
      char shape[256];

      g_string_append_printf (text, "%s%s: %s %s", i > 0 ? "\n" : "", ports[i].name,
                              rt_type_name (value->type),
                              rt_shape_text (&value->shape, shape, sizeof shape));
    }
  return g_string_free (text, FALSE);
}

char *
app_network_info_dup_arithmetic (EngBuild *build)
{
  double n_operations = 0.0;
  g_autofree char *operations = NULL;
  g_autofree char *multiply_adds = NULL;

  if (build == NULL)
    return NULL;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (eng_build_get_graph (build)); i++)
    {
      RtCost cost;

      rt_exec_cost (eng_build_get_exec (build), i, 1, 0, &cost);
      n_operations += (double)cost.flops;
    }
  operations = plot_format_value (&PLOT_UNIT_COUNT, n_operations, 3);
  multiply_adds = plot_format_value (&PLOT_UNIT_COUNT, n_operations / 2.0, 3);
  /* Translators: both are numbers, "602 M" */
  return g_strdup_printf (_ ("%s operations per inference (%s multiply-adds, counted as two each)"),
                          operations, multiply_adds);
}

char *
app_network_info_dup_origin (EngCard *card)
{
  const char *origin = eng_card_get_origin (card);
  g_autofree char *base = NULL;

  if (g_strcmp0 (origin, "none") == 0)
    return g_strdup (_ ("none: it takes tensors, and its outputs are shown as numbers"));
  if (!g_path_is_absolute (origin))
    return g_strdup_printf (_ ("%s, built in"), origin);
  base = g_path_get_basename (origin);
  return g_strdup_printf (_ ("%s, beside the model"), base);
}

static char *
dup_graph (EngModel *model)
{
  const EngImported *imported = eng_model_get_imported (model);
  guint n_nodes = rt_graph_n_nodes (eng_model_get_graph (model));
  guint n_blocks = eng_model_get_n_layers (model);

  /* Translators: operators in the file; operators here, with what surrounds the network; blocks */
  return g_strdup_printf (_ ("%u operators in the file, %u here, in %u blocks"),
                          imported->n_source_nodes, n_nodes, n_blocks);
}

void
app_network_info_foreach (EngModel *model, EngBuild *build,
                          void (*add) (const char *name, const char *value, gpointer data),
                          gpointer data)
{
  const EngImported *imported = eng_model_get_imported (model);
  EngCard *card = eng_model_get_card (model);
  const EngFront *front = eng_front_find (eng_card_get_front (card));
  const EngTask *task = eng_task_find (eng_card_get_task (card));
  g_autofree char *inputs
      = app_network_info_dup_ports (imported, imported->inputs, imported->n_inputs);
  g_autofree char *outputs
      = app_network_info_dup_ports (imported, imported->outputs, imported->n_outputs);
  g_autofree char *dims
      = imported->dims != NULL ? g_strjoinv (", ", imported->dims) : g_strdup ("");
  g_autofree char *operators = app_network_info_dup_operators (imported->graph);
  g_autofree char *arithmetic = app_network_info_dup_arithmetic (build);
  g_autofree char *origin = app_network_info_dup_origin (card);
  g_autofree char *graph = dup_graph (model);

  add (_ ("Name in the file"), imported->name, data);
  add (_ ("Description"), imported->description, data);
  add (_ ("Takes"), front != NULL ? front->title : NULL, data);
  add (_ ("Gives"), task != NULL ? task->title : NULL, data);
  add (_ ("Network card"), origin, data);
  add (_ ("Inputs"), inputs, data);
  add (_ ("Outputs"), outputs, data);
  add (_ ("Open sizes"), dims, data);
  add (_ ("Graph"), graph, data);
  add (_ ("Operators"), operators, data);
  add (_ ("Arithmetic"), arithmetic, data);
  add (_ ("Written by"), imported->producer, data);
}
