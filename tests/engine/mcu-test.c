/* Networks, samples and boards for the tests of generated code. */
#include "mcu-test.h"

#include <glib/gstdio.h>
#include <string.h>

#include "data/eng-data-set.h"
#include "data/eng-picture.h"
#include "eng-telemetry.h"
#include "eng-transport.h"

/* ---- networks ---- */

static RtValueId
only_value (const RtGraph *graph, RtValueKind kind)
{
  RtValueId found = RT_NONE;

  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == kind)
      {
        g_assert_cmpuint (found, ==, RT_NONE);
        found = id;
      }
  g_assert_cmpuint (found, !=, RT_NONE);
  return found;
}

static gsize
bytes_of (const RtGraph *graph, RtValueId id)
{
  const RtValue *value = rt_graph_value (graph, id);

  return rt_shape_n (&value->shape) * rt_type_bytes (value->type);
}

gboolean
mcu_network_open (McuNetwork *network, const char *file, const char *techniques)
{
  g_autofree char *path = eng_test_data_or_skip (file);
  g_autoptr (EngModel) model = path != NULL ? eng_test_load (path) : NULL;
  g_autoptr (GError) error = NULL;

  *network = (McuNetwork){ 0 };
  if (model == NULL)
    return FALSE;
  network->build = eng_test_build (model, techniques, NULL);
  network->bare = eng_build_get_bare (network->build, &error);
  g_assert_no_error (error);
  const RtGraph *graph = eng_build_get_graph (network->bare);
  network->input = only_value (graph, RT_VALUE_INPUT);
  network->output = only_value (graph, RT_VALUE_OUTPUT);
  network->input_bytes = bytes_of (graph, network->input);
  network->output_bytes = bytes_of (graph, network->output);
  return TRUE;
}

void
mcu_network_close (McuNetwork *network)
{
  g_clear_object (&network->build);
}

GByteArray *
mcu_host_outputs (const McuNetwork *network, const McuSamples *samples)
{
  RtExec *exec = eng_build_get_exec (network->bare);
  GByteArray *outputs = g_byte_array_new ();

  for (guint i = 0; i < samples->n; i++)
    {
      RtError error;

      if (i % samples->n_steps == 0)
        rt_exec_reset_state (exec);
      rt_exec_set_input (exec, network->input, samples->bytes->data + i * network->input_bytes);
      g_assert_true (rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, &error));
      g_byte_array_append (outputs, rt_exec_value (exec, network->output),
                           (guint)network->output_bytes);
    }
  return outputs;
}

/* ---- samples ---- */

static void
begin_samples (McuSamples *samples)
{
  samples->bytes = g_byte_array_new ();
  samples->labels = g_array_new (FALSE, FALSE, sizeof (int));
  samples->n = 0;
  samples->n_steps = 1;
}

static void
add_sample (McuSamples *samples, const McuNetwork *network, const EngSample *sample)
{
  gsize n;
  const guint8 *bytes = g_bytes_get_data (sample->bytes, &n);

  if (n == network->input_bytes)
    g_byte_array_append (samples->bytes, bytes, (guint)n);
  else
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngPicture) picture = eng_picture_from_bytes (sample->bytes, sample->name, &error);

      g_assert_no_error (error);
      const guint8 *pixels = eng_picture_get_pixels (picture);
      g_assert_cmpuint ((gsize)eng_picture_get_width (picture) * eng_picture_get_height (picture)
                            * 3,
                        ==, network->input_bytes);
      for (gsize i = 0; i < network->input_bytes; i++)
        g_byte_array_append (samples->bytes, &(guint8){ pixels[i] ^ 0x80 }, 1);
    }
  g_array_append_val (samples->labels, sample->index);
  samples->n++;
}

gboolean
mcu_samples_load (McuSamples *samples, const McuNetwork *network, const char *file, guint n)
{
  g_autofree char *path = eng_test_data_or_skip (file);
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return FALSE;
  EngCard *card = eng_model_get_card (eng_build_get_model (network->build));
  const char *const *labels = eng_card_get_labels (card, (guint)network->output_bytes);
  g_autoptr (EngDataSet) set = eng_data_set_open (path, labels, NULL, &error);
  EngSample sample;

  g_assert_no_error (error);
  begin_samples (samples);
  while (samples->n < n && eng_data_set_next (set, &sample, NULL, &error))
    {
      add_sample (samples, network, &sample);
      g_bytes_unref (sample.bytes);
    }
  g_assert_no_error (error);
  return TRUE;
}

void
mcu_samples_fill (McuSamples *samples, const McuNetwork *network, guint n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  begin_samples (samples);
  samples->n = n;
  for (gsize i = 0; i < n * network->input_bytes; i++)
    g_byte_array_append (samples->bytes, &(guint8){ (guint8)g_rand_int (rand) }, 1);
}

void
mcu_samples_clear (McuSamples *samples)
{
  g_clear_pointer (&samples->bytes, g_byte_array_unref);
  g_clear_pointer (&samples->labels, g_array_unref);
}

guint
mcu_n_right (const GByteArray *outputs, const McuSamples *samples)
{
  const gsize n_classes = outputs->len / samples->n;
  guint n_right = 0;

  for (guint i = 0; i < samples->n; i++)
    {
      const gint8 *codes = (const gint8 *)outputs->data + i * n_classes;
      gsize best = 0;

      for (gsize c = 1; c < n_classes; c++)
        best = codes[c] > codes[best] ? c : best;
      n_right += (int)best == g_array_index (samples->labels, int, i);
    }
  return n_right;
}

/* ---- boards ---- */

gboolean
mcu_have_tools (void)
{
  g_autofree char *remedy = NULL;
  g_autoptr (GError) error = NULL;

  if (eng_mcu_check_tools (TRUE, &remedy, &error))
    return TRUE;
  g_test_skip_printf ("%s: %s", error->message, remedy);
  return FALSE;
}

EngDevice *
mcu_device (const char *board, const char *timeout)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  g_hash_table_insert (settings, g_strdup ("board"), g_strdup (board));
  if (timeout != NULL)
    g_hash_table_insert (settings, g_strdup ("timeout"), g_strdup (timeout));
  return eng_device_new ("virtual-test", "Board", &eng_transport_virtual, settings);
}

static void
on_line (const EngTelemetryLine *line, gpointer user_data)
{
  McuAnswer *answer = user_data;

  if (line->kind == ENG_TELEMETRY_OUTPUT)
    g_byte_array_append (answer->outputs, line->output.bytes, (guint)line->output.n_bytes);
  else if (line->kind == ENG_TELEMETRY_END)
    answer->is_complete = strcmp (line->end.status, "complete") == 0;
  else if (line->kind == ENG_TELEMETRY_ERROR)
    g_test_message ("board: %s", line->error.message);
}

static gboolean
on_bytes (const char *bytes, gsize n, gpointer user_data)
{
  g_string_append_len (user_data, bytes, (gssize)n);
  return TRUE;
}

/* The last number after "name": in the text; 0: none. */
static guint64
last_number (const char *text, const char *name)
{
  guint64 value = 0;
  g_autofree char *key = g_strdup_printf ("\"%s\":", name);

  for (const char *at = text; (at = strstr (at, key)) != NULL; at++)
    value = g_ascii_strtoull (at + strlen (key), NULL, 10);
  return value;
}

static guint64
first_number (const char *text, const char *name)
{
  g_autofree char *key = g_strdup_printf ("\"%s\":", name);
  const char *at = strstr (text, key);

  return at != NULL ? g_ascii_strtoull (at + strlen (key), NULL, 10) : 0;
}

void
mcu_board_outputs (const char *board, const char *elf, const McuSamples *samples, McuAnswer *answer)
{
  g_autoptr (EngDevice) device = mcu_device (board, NULL);
  g_autofree char *work = g_strconcat (elf, ".work", NULL);
  const RtWork what = { .kind = RT_WORK_INPUTS,
                        .n_threads = 1,
                        .outputs = RT_WORK_OUTPUTS_ALL,
                        .n_inputs = samples->n,
                        .n_steps = samples->n_steps,
                        .data = samples->bytes->data,
                        .data_bytes = samples->bytes->len };
  g_autoptr (GError) error = NULL;
  RtError rt_error;

  *answer = (McuAnswer){ .outputs = g_byte_array_new (), .text = g_string_new (NULL) };
  g_assert_true (rt_work_write (work, &what, &rt_error));
  eng_transport_virtual.run_image (device, elf, work, on_bytes, answer->text, NULL, &error);
  g_assert_no_error (error);

  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, answer);
  EngTelemetryCounts counts;
  eng_telemetry_feed (telemetry, answer->text->str, answer->text->len);
  eng_telemetry_close (telemetry);
  eng_telemetry_get_counts (telemetry, &counts);
  g_assert_cmpstr (eng_telemetry_get_complaint (telemetry), ==, NULL);
  g_assert_cmpuint (counts.n_refused + counts.n_missing + counts.n_repeated, ==, 0);
  answer->n_cycles = first_number (answer->text->str, "cycles");
  answer->stack_bytes = last_number (answer->text->str, "stack_used_bytes");
  g_unlink (work);
}

void
mcu_answer_clear (McuAnswer *answer)
{
  g_clear_pointer (&answer->outputs, g_byte_array_unref);
  if (answer->text != NULL)
    g_string_free (answer->text, TRUE);
  answer->text = NULL;
}
