/* See tflite-case.h. */
#include "tflite-case.h"

#include "eng-tflite.h"

EngImported *
tfl_case_import (TflBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize n;
  guint8 *data = tfl_bytes_finish (bytes, &n);
  g_autoptr (GBytes) file = g_bytes_new_take (data, n);
  EngImported *imported = eng_tflite_import (file, NULL, 0, NULL, &error);

  g_assert_no_error (error);
  return imported;
}

EngImported *
tfl_case_import_supported (TflBytes *bytes)
{
  EngImported *imported = tfl_case_import (bytes);

  if (imported->report[0])
    g_error ("%s", imported->report[0]);
  return imported;
}

static void
check_one (NetRunner *net, const char *input, guint n_runs, guint index, const char *expected,
           gsize n_bytes)
{
  RtValueId x = net_runner_value (net, &net->imported->inputs[0]);
  RtValueId y = net_runner_value (net, &net->imported->outputs[index]);
  RtError error = { 0 };

  for (guint run = 0; run < n_runs; run++)
    {
      rt_exec_set_input (net->exec, x, input + run * net_runner_bytes (net, x));
      if (!rt_exec_infer (net->exec, NULL, RT_PHASE_INFERENCE, &error))
        g_error ("%s", error.message);
      g_assert_cmpmem (rt_exec_value (net->exec, y), net_runner_bytes (net, y),
                       expected + run * n_bytes / n_runs, n_bytes / n_runs);
    }
}

void
tfl_case_check (TflBytes *bytes, const void *input, guint n_runs, guint index, const void *expected,
                gsize n_bytes)
{
  g_autoptr (EngImported) imported = tfl_case_import_supported (bytes);

  for (guint i = 0; i < 3; i++)
    {
      NetRunner net;
      RtError error = { 0 };
      if (!net_runner_init (&net, imported, i == 1 ? 3 : 1, i == 2, FALSE, &error))
        g_error ("%s", error.message);
      check_one (&net, input, n_runs, index, expected, n_bytes);
      net_runner_clear (&net);
    }
}
