/* `lathe formats`: bits against speed of every weight format on this machine, and why a format is
 * not faster where it is not. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-format-speed.h"
#include "kn-types.h"

static gboolean as_json, fresh;
static int n_threads;

static const GOptionEntry entries[] = {
  { "measure", 0, 0, G_OPTION_ARG_NONE, &fresh,
    "Measure again (a quarter of a second per format; nothing else should run)", NULL },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads,
    "Number of threads (default: one per processor)", "N" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

/* Weights a second, and what of memory that reads. */
static void
print_row (const EngFormatSpeed *speed)
{
  double per_s = 1e15 / speed->decode.value;
  double low = 1e15 / speed->decode.high, high = 1e15 / speed->decode.low;
  g_autofree char *read = eng_format_value (per_s * speed->memory_bits / 8, "B/s");
  g_autofree char *ops = eng_format_value (2e15 / speed->prompt.value, "op/s");

  g_print ("%-9s %6.2f %6.2f   %6.2f (%.2f to %.2f)  %10s   %12s\n",
           kn_dtype_info (speed->dtype)->name, speed->file_bits, speed->memory_bits, per_s / 1e9,
           low / 1e9, high / 1e9, read, ops);
}

static void
print_text (const EngFormatSpeeds *speeds, EngMachine *machine)
{
  g_print ("%s, %s, %u threads. Decoding: one token, weights from memory, median (95 %% interval). "
           "Prompt: %d tokens.\n\n"
           "format      bits in          decoding\n"
           "            file memory   Gweights/s              reads          prompt\n",
           eng_machine_get_cpu (machine), eng_machine_get_isa (machine), speeds->n_threads,
           ENG_FORMAT_PROMPT_TOKENS);
  for (guint i = 0; i < speeds->n; i++)
    print_row (&speeds->formats[i]);
  g_print ("\n");
  for (guint i = 0; i < speeds->n; i++)
    {
      g_autofree char *verdict = eng_format_speeds_verdict (speeds, speeds->formats[i].dtype);
      g_print ("%s: %s\n", kn_dtype_info (speeds->formats[i].dtype)->name, verdict);
    }
}

static void
print_json (const EngFormatSpeeds *speeds, EngMachine *machine)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "cpu", eng_machine_get_cpu (machine));
  app_cli_json_string (builder, "isa", eng_machine_get_isa (machine));
  app_cli_json_int (builder, "n_threads", speeds->n_threads);
  app_cli_json_int (builder, "time_unix_s", speeds->time);
  app_cli_json_int (builder, "prompt_tokens", ENG_FORMAT_PROMPT_TOKENS);
  json_builder_set_member_name (builder, "formats");
  json_builder_begin_array (builder);
  for (guint i = 0; i < speeds->n; i++)
    {
      const EngFormatSpeed *speed = &speeds->formats[i];
      g_autofree char *verdict = eng_format_speeds_verdict (speeds, speed->dtype);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "format", kn_dtype_info (speed->dtype)->name);
      app_cli_json_number (builder, "file_bits", speed->file_bits);
      app_cli_json_number (builder, "memory_bits", speed->memory_bits);
      app_cli_json_figure (builder, "decode_ns_per_million_weights", &speed->decode);
      app_cli_json_figure (builder, "prompt_ns_per_million_weights_and_token", &speed->prompt);
      app_cli_json_string (builder, "verdict", verdict);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (AppCliProgress) progress = NULL;
  g_autoptr (EngFormatSpeeds) speeds = NULL;

  if (!app_cli_parse (&app_command_formats, entries, &argc, &argv, 0, error))
    return FALSE;
  if (n_threads < 0 || n_threads > 64)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "-t %d: 1 to 64 threads",
                   n_threads);
      return FALSE;
    }
  guint n = n_threads > 0 ? (guint)n_threads : MAX (eng_machine_get_n_cpus (machine), 1);
  progress = app_cli_progress_new ("Measuring formats");
  if (!eng_format_speeds_measure (machine, n, fresh, INFINITY, app_cli_progress_get_job (progress),
                                  error))
    return FALSE;
  speeds = eng_format_speeds_load (machine, n);
  if (as_json)
    print_json (speeds, machine);
  else
    print_text (speeds, machine);
  return TRUE;
}

const AppCommand app_command_formats
    = { "formats", "[--measure] [-t N] [--json]",
        "Weight formats: bits against speed on this machine, and why one is not faster.", run };
