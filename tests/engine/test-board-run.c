/* Telemetry of a board becomes a run: invented passes, states and joules, whose figures are known
 * by formula. Nothing is run but the default model's tokenizer. */
#include <math.h>
#include <string.h>

#include "devices/eng-board-run.h"
#include "devices/eng-transport.h"
#include "eng-run-device.h"
#include "eng-test.h"

static EngModel *model;
static EngBuild *build;

static const EngTransport invented = { .id = "invented", .title = "Invented", .can_add = TRUE };

typedef struct
{
  EngBoardWork *work;
  EngProfiler *profiler;
  EngBoardRun *run;
  guint n; /* line number */
  GString *text;
  guint n_told;
} Stream;

static void
on_text (const char *utf8, gpointer user_data)
{
  g_string_append (((Stream *)user_data)->text, utf8);
}

static EngRunEvents events = { .text = on_text };

static void
stream_init (Stream *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngWorkload) workload = eng_workload_new ("Once upon a time");

  *self = (Stream){ .text = g_string_new (NULL) };
  workload->n_predict = 8;
  self->work = eng_board_work_new (build, workload, 0, NULL, &error);
  g_assert_no_error (error);
  self->profiler = eng_profiler_new (build, 64);
  events.user_data = self;
  self->run = eng_board_run_new (self->work, self->profiler, &events);
}

static void
stream_clear (Stream *self)
{
  eng_board_run_free (self->run);
  eng_profiler_free (self->profiler);
  eng_board_work_free (self->work);
  g_string_free (self->text, TRUE);
}

/* A line with its number and time: @members begin with a comma. */
static void
say (Stream *self, const char *kind, guint64 t_ns, const char *members)
{
  g_autofree char *line
      = g_strdup_printf ("{\"kind\":\"%s\",\"n\":%u,\"t_ns\":%" G_GUINT64_FORMAT "%s}\n", kind,
                         self->n++, t_ns, members);
  eng_telemetry_feed (eng_board_run_get_telemetry (self->run), line, strlen (line));
}

static void
say_begin (Stream *self, gboolean emulated)
{
  g_autofree char *members
      = g_strdup_printf (",\"build_sha256\":\"%s\",\"file_sha256\":\"\",\"n_nodes\":%u,\"n_"
                         "threads\":3,\"weight_bytes\":"
                         "1000,\"activation_bytes\":200,\"scratch_bytes\":30,\"kv_bytes\":4",
                         eng_build_get_hash (build),
                         rt_graph_n_nodes (eng_build_get_graph (build)));
  g_autofree char *board = g_strdup_printf (
      ",\"cpu\":\"Cortex-A99\",\"machine\":\"aarch64\",\"isa\":\"neon\",\"system\":\"Linux 9\","
      "\"n_cpus\":4,\"memory_bytes\":1000000,\"governor\":\"performance\",\"emulated\":%s,"
      "\"sensors\":"
      "[{\"what\":\"temperature\",\"name\":\"cpu-thermal\"},{\"what\":\"clock\",\"name\":"
      "\"cpufreq\"},"
      "{\"what\":\"power\",\"name\":null,\"reason\":\"none here\"}]",
      emulated ? "true" : "false");

  say (self, "hello", 0, ",\"telemetry\":1,\"machine\":\"aarch64\",\"isa\":\"neon\"");
  say (self, "board", 1, board);
  say (self, "build", 2, members);
}

/* Every node takes 10 ns more than the one before it: the first 100 ns. */
static void
say_trace (Stream *self, const char *phase, guint step, guint n_tokens, guint position)
{
  guint n = rt_graph_n_nodes (eng_build_get_graph (build));
  g_autoptr (GString) text = g_string_new (NULL);
  guint64 at = 0;

  g_string_append_printf (
      text,
      ",\"phase\":\"%s\",\"step\":%u,\"n_tokens\":%u,\"position\":%u,\"lost\":0,"
      "\"begin_ns\":%u,\"records\":[",
      phase, step, n_tokens, position, 1000 * step);
  for (guint i = 0; i < n; i++)
    {
      guint64 end = at + 100 + 10 * i;
      g_string_append_printf (text,
                              "%s[%u,0,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
                              ",%" G_GUINT64_FORMAT "]",
                              i > 0 ? "," : "", i, at, end, end);
      at = end;
    }
  g_string_append (text, "]");
  say (self, "trace", 1000 * step, text->str);
}

static double
nodes_ns (void)
{
  double n = rt_graph_n_nodes (eng_build_get_graph (build));
  return 100 * n + 10 * n * (n - 1) / 2;
}

static void
say_passes (Stream *self)
{
  guint n_prompt = eng_board_work_get_n_prompt (self->work);
  char text[300];

  say_trace (self, "prefill", 1, n_prompt, 0);
  for (guint i = 0; i < 40; i++)
    {
      g_snprintf (text, sizeof text,
                  ",\"phase\":\"prefill\",\"traced\":false,\"n_tokens\":%u,\"position\":0,\"ns\":"
                  "4000000,\"first_token_ns\":5000000,\"chunk_tokens\":%u,\"chunk_ns\":4000000",
                  n_prompt, n_prompt);
      say (self, "pass", 10000 + i, text);
    }
  for (guint i = 0; i < 40; i++)
    {
      say (self, "pass", 20000 + i,
           ",\"phase\":\"decode\",\"traced\":false,\"n_tokens\":1,\"position\":9,\"ns\":1000000,"
           "\"token_ns\":1250000");
      say_trace (self, "decode", 2 + i, 1, 9);
      g_snprintf (
          text, sizeof text,
          ",\"phase\":\"decode\",\"traced\":true,\"n_tokens\":1,\"position\":9,\"ns\":1100000,"
          "\"nodes_ns\":%.0f",
          nodes_ns ());
      say (self, "pass", 20000 + i, text);
    }
  say (self, "repeats", 30000, ",\"phase\":\"decode\",\"ended\":\"interval\",\"n_samples\":40");
  say (self, "repeats", 30000, ",\"phase\":\"prefill\",\"ended\":\"budget\",\"n_samples\":40");
}

static EngRun *
finish (Stream *self, const char *lost, GError **error)
{
  g_autoptr (EngDevice) device = eng_device_new ("id", "My board", &invented, NULL);
  return eng_board_run_finish (self->run, device, NULL, lost, NULL, error);
}

static double
value (EngRun *run, EngFigureId id)
{
  EngFigure figure = eng_run_get_figure (run, id);
  g_assert_true (figure.available);
  return figure.value;
}

static gboolean
mentions (const char *const *lines, const char *what)
{
  for (; *lines != NULL; lines++)
    if (strstr (*lines, what) != NULL)
      return TRUE;
  return FALSE;
}

static void
test_figures (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say_passes (&stream);
  for (guint i = 0; i < 8; i++) /* windows of half a second, 10 tokens, 2 J: 0.2 J a token, 4 W */
    say (&stream, "energy", 30000,
         ",\"meter\":\"ina226\",\"covers\":\"the "
         "board\",\"phase\":\"decode\",\"joules\":2,\"seconds\":"
         "0.5,\"n_units\":10");
  say (&stream, "end", 40000, ",\"status\":\"complete\",\"n_lines\":1,\"dropped\":0");
  g_autoptr (EngRun) run = finish (&stream, NULL, &error);
  g_assert_no_error (error);

  guint n_prompt = eng_board_work_get_n_prompt (stream.work);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_DECODE), 800, 1e-6);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_PREFILL), n_prompt / 0.004, 1e-6);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_FIRST_TOKEN), 5, 1e-9);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_STEP_CLEAN), 1, 1e-9);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_STEP_LAYERS), nodes_ns () * 1e-6, 1e-9);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_OVERHEAD), 100 * (nodes_ns () / 1e6 - 1),
                                  1e-6);
  g_assert_cmpfloat (value (run, ENG_FIGURE_PEAK_MEMORY), ==, 1234);
  g_assert_cmpfloat (value (run, ENG_FIGURE_WEIGHTS), ==, 1000);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_TOKEN_ENERGY), 0.2, 1e-12);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_POWER), 4, 1e-12);
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_PROMPT_ENERGY).available);
  g_assert_nonnull (strstr (eng_energy_get_meter (eng_run_get_energy (run)), "ina226"));

  /* Layers: each node's median is what its records say. */
  const EngPhaseProfile *decode
      = eng_profile_get_phase (eng_run_get_profile (run), RT_PHASE_DECODE);
  for (guint i = 0; i < eng_profile_get_n_nodes (eng_run_get_profile (run)); i++)
    {
      g_assert_cmpuint (decode->nodes[i].n, ==, 40);
      g_assert_cmpfloat (decode->nodes[i].median_ns, ==, 100 + 10 * i);
    }
  g_assert_cmpfloat (decode->total.median_ns, ==, nodes_ns ());
  g_assert_cmpfloat (decode->clean.median_ns, ==, 1000000);
  g_assert_cmpuint (decode->position, ==, 9);
  g_assert_nonnull (eng_run_get_timeline (run));
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_DECODE), ==, RT_REPEAT_NARROW);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_PREFILL), ==, RT_REPEAT_BUDGET);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_FIRST_TOKEN), ==, RT_REPEAT_BUDGET);

  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_VALID);
  g_assert_cmpstr (eng_run_get_device (run), ==, "My board");
  g_autofree char *csv = eng_run_to_csv (run);
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", 3);
  g_assert_true (g_str_has_suffix (lines[0], ",device,emulated"));
  g_assert_nonnull (strstr (lines[1], ",My board,false"));
  g_assert_cmpstr (eng_run_get_isa (run), ==, "neon");
  g_assert_cmpuint (eng_run_get_n_threads (run), ==, 3);
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *same = eng_run_to_json (again);
  g_assert_cmpstr (json, ==, same);
  stream_clear (&stream);
}

static void
test_text (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (build);
  RtError rt_error = { 0 };
  gint32 *tokens = NULL;
  gsize n = 0;
  static const char words[] = " there was a böse Überraschung";

  g_assert_true (
      rt_tokenizer_encode (tokenizer, words, strlen (words), FALSE, FALSE, &tokens, &n, &rt_error));
  stream_init (&stream);
  say_begin (&stream, TRUE);
  say_passes (&stream);
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *members
          = g_strdup_printf (",\"index\":%" G_GSIZE_FORMAT ",\"id\":%d", i, tokens[i]);
      say (&stream, "token", 50000, members);
    }
  say (&stream, "end", 60000, ",\"status\":\"complete\",\"n_lines\":1,\"dropped\":7");
  g_autoptr (EngRun) run = finish (&stream, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (eng_run_get_text (run), "there was a böse Überraschung"));
  g_assert_cmpstr (stream.text->str, ==, eng_run_get_text (run)); /* live, the same */
  g_assert_cmpuint (eng_run_get_n_generated (run), ==, n);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (mentions (eng_run_get_reasons (run), "emulator"));
  g_assert_true (eng_run_get_emulated (run));
  g_assert_true (mentions (eng_run_get_notes (run), "7 lines were left out"));
  free (tokens);
  stream_clear (&stream);
}

/* A clock that falls and a board that throttles are what makes a run degraded, as here. */
static void
test_conditions (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say_passes (&stream);
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *members = g_strdup_printf (
          ",\"rss_bytes\":1,\"peak_rss_bytes\":5000000,\"available_bytes\":1,\"clock_hz\":%g,"
          "\"temperature_c\":%u,\"own_cpus\":2.9,\"others_cpus\":0,\"throttled\":%s",
          i < 6 ? 1.8e9 : 1.0e9, 60 + 2 * i, i == 7 ? "true" : "false");
      say (&stream, "state", (guint64)i * 1000000000, members);
    }
  say (&stream, "end", G_GUINT64_CONSTANT (12000000000), ",\"status\":\"complete\"");
  g_autoptr (EngRun) run = finish (&stream, NULL, &error);
  g_assert_no_error (error);
  const EngConditions *conditions = eng_run_get_conditions (run);
  g_assert_true (conditions->known);
  g_assert_cmpuint (conditions->samples->len, ==, 12);
  g_assert_cmpfloat (conditions->wall_s, ==, 12);
  g_assert_cmpfloat (eng_conditions_hottest_c (conditions), ==, 82);
  g_assert_cmpint (conditions->n_throttled, ==, 1);
  g_assert_cmpstr (conditions->temperature_source, ==, "cpu-thermal");
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (mentions (eng_run_get_reasons (run), "the clock fell"));
  g_assert_true (mentions (eng_run_get_reasons (run), "throttled"));
  stream_clear (&stream);
}

static void
test_lost (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say_passes (&stream);
  g_autoptr (EngRun) run = finish (&stream, "the cable was pulled", &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (mentions (eng_run_get_reasons (run), "the cable was pulled"));
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_DECODE), 800, 1e-6);
  stream_clear (&stream);
}

/* A board whose clock jumps: durations are of passes, not of line times. */
static void
test_clock_jump (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say (&stream, "state", G_GUINT64_CONSTANT (9000000000), ",\"rss_bytes\":1");
  say_passes (&stream); /* at microseconds again */
  say (&stream, "end", 5, ",\"status\":\"complete\"");
  g_autoptr (EngRun) run = finish (&stream, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat_with_epsilon (value (run, ENG_FIGURE_DECODE), 800, 1e-6);
  g_assert_cmpfloat (eng_run_get_conditions (run)->wall_s, ==, 9);
  stream_clear (&stream);
}

/* Nothing measured is an error with what the board said. */
static void
test_nothing (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say (&stream, "error", 5,
       ",\"code\":\"memory\",\"where\":\"executor\",\"message\":\"needs 4 GB, has 1\"");
  say (&stream, "end", 6, ",\"status\":\"failed\"");
  g_assert_null (finish (&stream, NULL, &error));
  g_assert_nonnull (strstr (error->message, "needs 4 GB, has 1"));
  stream_clear (&stream);
}

/* What cannot be of this run makes it invalid: another build, nodes that are not there. */
static void
test_foreign (void)
{
  Stream stream;
  g_autoptr (GError) error = NULL;

  stream_init (&stream);
  say_begin (&stream, FALSE);
  say_passes (&stream);
  say (&stream, "trace", 7,
       ",\"phase\":\"decode\",\"step\":99,\"n_tokens\":1,\"position\":0,\"lost\":0,\"begin_ns\":0,"
       "\"records\":[[123456,0,0,1,2]]");
  say (&stream, "end", 8, ",\"status\":\"complete\"");
  g_autoptr (EngRun) run = finish (&stream, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_INVALID);
  g_assert_true (mentions (eng_run_get_reasons (run), "does not have"));
  stream_clear (&stream);

  stream_init (&stream);
  say (&stream, "build", 2, ",\"build_sha256\":\"of another\",\"n_nodes\":3");
  say_passes (&stream);
  g_assert_null (finish (&stream, NULL, &error));
  g_assert_nonnull (strstr (error->message, "another build"));
  stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  model = eng_test_load_default ();
  build = eng_test_build (model, "{}", NULL);
  g_test_add_func ("/board-run/figures", test_figures);
  g_test_add_func ("/board-run/text", test_text);
  g_test_add_func ("/board-run/conditions", test_conditions);
  g_test_add_func ("/board-run/lost", test_lost);
  g_test_add_func ("/board-run/clock-jump", test_clock_jump);
  g_test_add_func ("/board-run/nothing", test_nothing);
  g_test_add_func ("/board-run/foreign", test_foreign);
  int result = g_test_run ();
  g_object_unref (build);
  g_object_unref (model);
  return result;
}
