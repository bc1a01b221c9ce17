/* What the commands print of networks: inputs, outputs, the import report, and the figures of a run
 * on inputs. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-run.h"

/* ---- inspect ---- */

static void
print_ports (const EngImported *imported, const EngPort *ports, guint n, const char *title)
{
  for (guint i = 0; i < n; i++)
    {
      const RtValue *value = rt_graph_value (imported->graph, ports[i].value);
      char shape[256];

      g_print ("  %-7s %s: %s %s", title, ports[i].name, rt_type_name (value->type),
               rt_shape_text (&value->shape, shape, sizeof shape));
      if (value->quant != NULL && value->quant->n == 1)
        g_print (", %.9g * (q - %d)", (double)value->quant->scales[0],
                 value->quant->zero_points[0]);
      g_print ("\n");
    }
}

static int
by_count (gconstpointer a, gconstpointer b, gpointer counts)
{
  guint x = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(gpointer *)a));
  guint y = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(gpointer *)b));

  return x != y ? (x < y) - (x > y) : g_strcmp0 (*(char **)a, *(char **)b);
}

/* "conv x 13, add x 3" */
static char *
list_operators (const RtGraph *graph)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree gpointer *names = NULL;
  guint n;

  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      gpointer name = (gpointer)rt_graph_node (graph, i)->op->name;

      g_hash_table_insert (counts, name,
                           GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (counts, name))
                                             + 1));
    }
  names = g_hash_table_get_keys_as_array (counts, &n);
  g_qsort_with_data (names, (int)n, sizeof *names, by_count, counts);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s x %u", i > 0 ? ", " : "", (char *)names[i],
                            GPOINTER_TO_UINT (g_hash_table_lookup (counts, names[i])));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
app_cli_print_network (EngModel *model)
{
  const EngImported *imported = eng_model_get_imported (model);
  EngCard *card = eng_model_get_card (model);
  const char *const *report = eng_model_get_report (model);
  g_autofree char *formats = eng_model_dup_formats (model);
  g_autofree char *size = eng_format_value ((double)eng_model_get_file_bytes (model), "B");
  g_autofree char *n_params = eng_format_value ((double)eng_model_get_n_params (model), "");
  g_autofree char *operators = list_operators (imported->graph);

  g_print ("%s\n  %s, %s parameters in %s\n", eng_model_get_name (model),
           eng_model_get_format (model), n_params, size);
  if (imported->producer != NULL)
    g_print ("  made by %s\n", imported->producer);
  if (imported->description != NULL)
    g_print ("  %s\n", imported->description);
  print_ports (imported, imported->inputs, imported->n_inputs, "input");
  print_ports (imported, imported->outputs, imported->n_outputs, "output");
  for (guint i = 0; imported->dims != NULL && imported->dims[i] != NULL; i++)
    g_print ("  given   %s\n", imported->dims[i]);
  g_print ("  constants: %s\n", formats);
  g_print ("  graph: %u nodes of the file, %u lowered, %u blocks\n  operators: %s\n",
           imported->n_source_nodes, rt_graph_n_nodes (imported->graph),
           eng_model_get_n_layers (model), operators);
  g_print ("  card: %s; takes %s, gives %s\n", eng_card_get_origin (card),
           eng_card_get_front (card), eng_card_get_task (card));
  if (report[0] != NULL)
    g_print ("  not supported:\n");
  for (guint i = 0; report[i] != NULL; i++)
    g_print ("    %s\n", report[i]);
}

static void
add_ports (JsonBuilder *builder, const EngImported *imported, const EngPort *ports, guint n,
           const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    {
      const RtValue *value = rt_graph_value (imported->graph, ports[i].value);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", ports[i].name);
      app_cli_json_string (builder, "type", rt_type_name (value->type));
      json_builder_set_member_name (builder, "shape");
      json_builder_begin_array (builder);
      for (guint d = 0; d < value->shape.n_dims; d++)
        json_builder_add_int_value (builder, value->shape.dims[d]);
      json_builder_end_array (builder);
      if (value->quant != NULL && value->quant->n == 1)
        {
          app_cli_json_number (builder, "scale", (double)value->quant->scales[0]);
          app_cli_json_int (builder, "zero_point", value->quant->zero_points[0]);
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

void
app_cli_json_network (JsonBuilder *builder, EngModel *model)
{
  const EngImported *imported = eng_model_get_imported (model);
  EngCard *card = eng_model_get_card (model);
  const char *const *report = eng_model_get_report (model);

  app_cli_json_string (builder, "kind", "network");
  app_cli_json_string (builder, "producer", imported->producer);
  app_cli_json_string (builder, "description", imported->description);
  app_cli_json_int (builder, "source_nodes", imported->n_source_nodes);
  app_cli_json_int (builder, "blocks", eng_model_get_n_layers (model));
  app_cli_json_string (builder, "card", eng_card_get_origin (card));
  app_cli_json_string (builder, "front", eng_card_get_front (card));
  app_cli_json_string (builder, "task", eng_card_get_task (card));
  add_ports (builder, imported, imported->inputs, imported->n_inputs, "inputs");
  add_ports (builder, imported, imported->outputs, imported->n_outputs, "outputs");
  json_builder_set_member_name (builder, "not_supported");
  json_builder_begin_array (builder);
  for (guint i = 0; report[i] != NULL; i++)
    json_builder_add_string_value (builder, report[i]);
  json_builder_end_array (builder);
}

/* ---- runs ---- */

/* Those of the build were told when it was made. */
void
app_cli_print_notes (EngRun *run, EngBuild *build)
{
  for (const char *const *note = eng_run_get_notes (run); note != NULL && *note != NULL; note++)
    if (!g_strv_contains (eng_build_get_notes (build), *note))
      g_printerr ("note: %s\n", *note);
}

void
app_cli_print_figures (EngRun *run, EngBuild *build)
{
  static const EngFigureId shown[] = { ENG_FIGURE_INFERENCE,          ENG_FIGURE_INFERENCES,
                                       ENG_FIGURE_PREPROCESSING,      ENG_FIGURE_NETWORK,
                                       ENG_FIGURE_POSTPROCESSING,     ENG_FIGURE_PEAK_MEMORY,
                                       ENG_FIGURE_INFERENCE_OVERHEAD, ENG_FIGURE_READING };

  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      EngFigure figure = eng_run_get_figure (run, shown[i]);
      g_autofree char *text = eng_figure_format (&figure);

      g_printerr ("%-22s %s\n", eng_figure_id_title (shown[i]), text);
    }
  app_cli_print_notes (run, build);
  app_cli_print_energy (run, g_printerr);
  app_cli_print_conditions (run, g_printerr);
  app_cli_print_repeats (run, g_printerr);
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    g_printerr ("%s: %s\n", eng_run_get_validity (run) == ENG_RUN_INVALID ? "invalid" : "degraded",
                *reason);
}

gboolean
app_cli_save_result (EngRun *run, const char *path, GError **error)
{
  EngResult *result = eng_run_get_result (run);
  EngResultKind kind = result != NULL ? eng_result_get_kind (result) : ENG_RESULT_TENSORS;
  gboolean drawn = kind == ENG_RESULT_BOXES || kind == ENG_RESULT_POINTS || kind == ENG_RESULT_MASK;

  if (kind == ENG_RESULT_PICTURE)
    return eng_picture_save_png (eng_result_get_picture (result), path, error);
  if (kind == ENG_RESULT_SOUND)
    return eng_sound_save_wav (eng_result_get_sound (result), path, error);
  if (drawn && eng_input_get_kind (eng_result_get_input (result)) == ENG_INPUT_PICTURE)
    return app_cli_draw_result (result, path, error);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--output saves pictures and sounds, and boxes, points and masks drawn over a "
               "picture; the result is %s",
               eng_result_kind_name (kind));
  return FALSE;
}

EngWorkload *
app_cli_input_workload (char **inputs, int n_repeats, double seconds, double rate)
{
  EngWorkload *workload = eng_workload_new_input ((const char *const *)inputs);

  workload->n_repeats = (guint)MAX (n_repeats, 0);
  workload->seconds = MAX (seconds, 0);
  workload->rate_hz = MAX (rate, 0);
  app_cli_set_repeat (workload);
  return workload;
}
