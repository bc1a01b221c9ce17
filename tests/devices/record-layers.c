/* What layers take here and on a device, beside each other: data for choosing reference layers and
 * for judging what is predicted from them.
 *
 *     record-layers DEVICE FILE[:RECIPE]... > layers.json
 *
 * The reference network is "reference". Run by hand; the recorded*.json files are from it. Times
 * are medians of a second of repeats. LATHE_BOARD_CPU: what LATHE_CPU is for the device's runner
 * alone: this computer with another instruction set is another board. */
#include <stdio.h>

#include <glib/gstdio.h>

#include "devices/eng-board-references.h"
#include "devices/eng-reference-network.h"
#include "eng-json.h"

#define BUDGET_S 0.5
#define N_DECODED 24
#define WINDOW 64

static const char prompt[]
    = "It was a bright cold day in April, and the clocks of the town hall had been stopped for as "
      "long as anybody could remember. The keeper went up once a week, wound what was left to "
      "wind, "
      "and wrote into his book that all was as it should be, which it had never been before or ";

/* -1: it does not run there (inputs are prepared here). */
static int
find_node (EngProfile *profile, const char *name)
{
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    if (g_str_equal (eng_profile_get_node_name (profile, i), name))
      return (int)i;
  return -1;
}

static void
add_phase (JsonBuilder *builder, const char *name, EngProfile *here, EngProfile *there,
           RtPhase phase)
{
  static const char *const phases[] = { "prompt", "token", "inference" };
  const EngPhaseProfile *a = eng_profile_get_phase (here, phase);
  const EngPhaseProfile *b = eng_profile_get_phase (there, phase);

  if (a->clean.n == 0 || b->clean.n == 0)
    return;
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  g_autofree char *title = g_strdup_printf ("%s %s", name, phases[phase]);
  json_builder_add_string_value (builder, title);
  eng_json_add_double (builder, "host_step_ns", a->clean.median_ns);
  eng_json_add_double (builder, "step_ns", b->clean.median_ns);
  eng_json_add_double (builder, "step_p5_ns", b->clean.p5_ns);
  eng_json_add_double (builder, "step_p95_ns", b->clean.p95_ns);
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (guint i = 0; i < eng_profile_get_n_nodes (here); i++)
    {
      EngBoardLayer layer;
      int k = find_node (there, eng_profile_get_node_name (here, i));
      eng_board_layer_init (&layer, here, phase, i);
      if (k < 0 || a->nodes[i].n == 0 || b->nodes[k].n == 0)
        continue;
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "op", layer.op);
      eng_json_add_string (builder, "name", eng_profile_get_node_signature (here, i));
      eng_json_add_double (builder, "host_ns", layer.host_ns);
      eng_json_add_double (builder, "board_ns", b->nodes[k].median_ns);
      eng_json_add_double (builder, "host_p5_ns", a->nodes[i].p5_ns);
      eng_json_add_double (builder, "board_p5_ns", b->nodes[k].p5_ns);
      eng_json_add_double (builder, "ops", layer.n_ops);
      eng_json_add_double (builder, "bytes", layer.n_bytes);
      eng_json_add_bool (builder, "int8", layer.is_int8);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static EngRun *
run_on (EngDevice *device, EngBuild *build, GError **error)
{
  g_autoptr (EngWorkload) workload = NULL;
  EngPushOptions options = { 0 };

  if (eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_LANGUAGE)
    {
      workload = eng_workload_new (prompt);
      workload->n_predict = N_DECODED;
      workload->ignore_end = TRUE;
    }
  else
    workload = eng_workload_new_input (NULL);
  workload->budget_s = BUDGET_S;
  EngProfiler *profiler = eng_profiler_new (build, WINDOW);
  EngRun *run = device == NULL ? eng_run_new (build, workload, profiler, NULL, NULL, error)
                               : eng_push_run (device, build, workload, profiler, NULL, NULL,
                                               &options, NULL, NULL, error);
  eng_profiler_free (profiler);
  return run;
}

static gboolean
record (JsonBuilder *builder, EngDevice *device, const char *path, const char *recipe_json,
        const char *name, GError **error)
{
  g_autoptr (EngModel) model = eng_model_load (path, NULL, error);
  g_autoptr (EngRecipe) recipe
      = recipe_json != NULL ? eng_recipe_from_json (recipe_json, error) : eng_recipe_new ();
  g_autoptr (EngBuild) build
      = model != NULL && recipe != NULL ? eng_build_new (model, recipe, NULL, NULL, error) : NULL;
  g_autoptr (EngRun) here = build != NULL ? run_on (NULL, build, error) : NULL;
  const char *cpu = g_getenv ("LATHE_BOARD_CPU");
  if (cpu != NULL) /* this process has its kernels by now */
    g_setenv ("LATHE_CPU", cpu, TRUE);
  g_autoptr (EngRun) there = here != NULL ? run_on (device, build, error) : NULL;
  g_unsetenv ("LATHE_CPU");

  if (there == NULL)
    return FALSE;
  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    add_phase (builder, name, eng_run_get_profile (here), eng_run_get_profile (there),
               (RtPhase)phase);
  return TRUE;
}

static void
record_argument (JsonBuilder *builder, EngDevice *device, const char *argument)
{
  const char *colon = strchr (argument, ':');
  g_autofree char *path
      = g_strndup (argument, colon != NULL ? (gsize)(colon - argument) : strlen (argument));
  g_autofree char *name = g_path_get_basename (argument), *folder = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (path, "reference"))
    {
      folder = g_dir_make_tmp ("lathe-references-XXXXXX", NULL);
      g_free (path);
      path = g_build_filename (folder, "reference-layers.onnx", NULL);
      if (!eng_reference_network_write (path, &error))
        g_printerr ("%s\n", error->message);
      g_clear_error (&error);
    }
  if (!record (builder, device, path, colon != NULL ? colon + 1 : NULL, name, &error))
    g_printerr ("%s: %s\n", argument, error->message);
  if (folder != NULL)
    {
      g_unlink (path);
      g_rmdir (folder);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = argc > 2 ? eng_devices_find (devices, argv[1]) : NULL;
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (device == NULL)
    {
      g_printerr ("record-layers DEVICE FILE[:RECIPE]...\n");
      return 2;
    }
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "models");
  json_builder_begin_array (builder);
  for (int i = 2; i < argc; i++)
    record_argument (builder, device, argv[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  g_autofree char *json = eng_json_builder_finish (g_steal_pointer (&builder), FALSE);
  puts (json);
  return 0;
}
