/* A network in the engine, ready for one script that times several programs in turn
 * (tests/peers/bench_onnx_runtime.py).
 *
 *   build-bench -t THREADS MODEL [INPUT.raw...]
 *
 * Builds the network under the default recipe, without front end and task: what comes in and goes
 * out are the file's own tensors. Prints one JSON object about the build and the machine's roofs,
 * then reads commands from stdin, each answered by one line:
 *
 *   run N         N inferences: their nanoseconds, one number each
 *   write FOLDER  the outputs of the last inference as FOLDER/0.raw, 1.raw, ...: "ok"
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eng-build.h"
#include "eng-machine.h"
#include "rt-clock.h"

#define MAX_RUNS 100000

static int n_threads = 1;
static char **arguments;

static GOptionEntry entries[] = {
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "threads", "N" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments, NULL, NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

G_NORETURN static void
fail (const char *message)
{
  fprintf (stderr, "%s\n", message);
  exit (2);
}

static EngBuild *
make_build (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text
      = g_strdup_printf ("{\"lathe-recipe\":1,\"techniques\":{\"threads\":{\"count\":%d}}}",
                         n_threads);
  g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);
  g_autoptr (EngRecipe) recipe = model ? eng_recipe_from_json (text, &error) : NULL;
  EngBuild *build = recipe ? eng_build_new (model, recipe, NULL, NULL, &error) : NULL;

  if (!build)
    fail (error->message);
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    fail ("not a network");
  return build;
}

static gsize
value_bytes (EngBuild *build, RtValueId id)
{
  int64_t symbols[RT_N_SYMBOLS];

  eng_build_get_max_symbols (build, symbols);
  return rt_value_bytes (rt_graph_value (eng_build_get_graph (build), id), symbols);
}

static void
set_inputs (EngBuild *build, char **paths)
{
  const char *const *names = eng_model_get_graph_inputs (eng_build_get_model (build), TRUE);

  if (g_strv_length (paths) != g_strv_length ((char **)names))
    fail ("the network has another number of inputs");
  for (guint i = 0; names[i]; i++)
    {
      RtValueId id = rt_graph_find_value (eng_build_get_graph (build), names[i]);
      g_autofree char *data = NULL;
      g_autoptr (GError) error = NULL;
      gsize n;

      if (!g_file_get_contents (paths[i], &data, &n, &error))
        fail (error->message);
      if (id == RT_NONE || n != value_bytes (build, id))
        fail ("an input has another size");
      rt_exec_set_input (eng_build_get_exec (build), id, data);
    }
}

static void
run (EngBuild *build, int n)
{
  RtError error = { 0 };

  for (int i = 0; i < n; i++)
    {
      const guint64 begin = rt_now_ns ();

      if (!rt_exec_infer (eng_build_get_exec (build), NULL, RT_PHASE_INFERENCE, &error))
        fail (error.message);
      printf ("%s%" G_GUINT64_FORMAT, i ? " " : "", rt_now_ns () - begin);
    }
  printf ("\n");
}

static void
write_outputs (EngBuild *build, const char *folder)
{
  const char *const *names = eng_model_get_graph_outputs (eng_build_get_model (build), TRUE);

  for (guint i = 0; names[i]; i++)
    {
      RtValueId id = rt_graph_find_value (eng_build_get_graph (build), names[i]);
      g_autofree char *path = g_strdup_printf ("%s/%u.raw", folder, i);
      g_autoptr (GError) error = NULL;

      if (id == RT_NONE)
        fail ("an output was lost");
      if (!g_file_set_contents (path, rt_exec_value (eng_build_get_exec (build), id),
                                (gssize)value_bytes (build, id), &error))
        fail (error->message);
    }
  printf ("ok\n");
}

static void
print_about (EngBuild *build)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (GError) error = NULL;
  EngRoof roof;

  if (!eng_machine_measure_roof (machine, eng_build_get_n_threads (build), FALSE, &roof, NULL,
                                 &error))
    fail (error->message);
  printf ("{\"isa\": \"%s\", \"f32_flops\": %.6g, \"read_bytes_per_s\": %.6g}\n",
          eng_build_get_isa (build), roof.f32_flops, roof.read_bytes_per_s);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("MODEL [INPUT.raw...]");
  g_autoptr (GError) error = NULL;
  char line[4096];

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fail (error->message);
  if (!arguments || n_threads < 1)
    fail ("usage: build-bench -t THREADS MODEL [INPUT.raw...]");
  EngBuild *whole = make_build (arguments[0]);
  EngBuild *build = eng_build_get_bare (whole, &error);
  if (!build)
    fail (error->message);
  set_inputs (build, arguments + 1);
  print_about (build);
  fflush (stdout);
  while (fgets (line, sizeof line, stdin))
    {
      g_strchomp (line);
      if (g_str_has_prefix (line, "run ") && atoi (line + 4) > 0 && atoi (line + 4) <= MAX_RUNS)
        run (build, atoi (line + 4));
      else if (g_str_has_prefix (line, "write "))
        write_outputs (build, line + 6);
      else
        fail ("a command that is not known");
      fflush (stdout);
    }
  g_object_unref (whole);
  g_strfreev (arguments);
  return 0;
}
