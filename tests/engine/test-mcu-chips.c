/* Images for chips that one can buy. One of them runs here on QEMU's model of the STM32F405, a chip
 * with its own addresses of flash and RAM; that image believes to be on hardware. The other is only
 * linked. Neither was ever on a board. */
#include <string.h>

#include "devices/eng-elf.h"
#include "eng-telemetry.h"
#include "mcu-test.h"

#define KWS "audio/kws/kws_ref_model.tflite"
#define MACHINE "netduinoplus2"

typedef struct
{
  GByteArray *outputs;
  gboolean is_complete;
} Heard;

static void
on_line (const EngTelemetryLine *line, gpointer user_data)
{
  Heard *heard = user_data;

  if (line->kind == ENG_TELEMETRY_OUTPUT)
    g_byte_array_append (heard->outputs, line->output.bytes, (guint)line->output.n_bytes);
  else if (line->kind == ENG_TELEMETRY_END)
    heard->is_complete = strcmp (line->end.status, "complete") == 0;
}

static char *
run_in_qemu (const char *elf, const char *work)
{
  g_autofree char *arguments = g_strdup_printf ("enable=on,target=native,arg=lathe,arg=%s", work);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "timeout", "60",
                          "qemu-system-arm", "-M", MACHINE, "-display", "none", "-monitor", "none",
                          "-serial", "none", "-semihosting-config", arguments, "-kernel", elf,
                          NULL);
  char *text = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, &error));
  g_assert_no_error (error);
  return text;
}

static void
test_stm32f405 (void)
{
  McuNetwork network;
  McuSamples samples;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngMcuReport) report = NULL;
  EngElf layout;
  RtError rt_error;

  if (!mcu_have_tools () || !mcu_network_open (&network, KWS, "{}"))
    return;
  char *folder = eng_test_directory ();
  g_autofree char *elf = g_build_filename (folder, "stm32.elf", NULL);
  g_autofree char *work = g_build_filename (folder, "work", NULL);
  mcu_samples_fill (&samples, &network, 4);
  eng_mcu_make_image_at (network.bare, "stm32f405", NULL, elf, &report, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (eng_mcu_report_fits (report));
  g_assert_true (eng_elf_read (elf, &layout, &error));
  g_assert_cmphex (layout.first, ==, 0x08000000);
  g_assert_false (layout.is_ram);
  g_assert_cmphex (layout.end, <=, 0x08000000 + (1 << 20));

  const RtWork what = { .kind = RT_WORK_INPUTS,
                        .n_threads = 1,
                        .outputs = RT_WORK_OUTPUTS_ALL,
                        .n_inputs = samples.n,
                        .n_steps = samples.n_steps,
                        .data = samples.bytes->data,
                        .data_bytes = samples.bytes->len };
  g_assert_true (rt_work_write (work, &what, &rt_error));
  g_autofree char *text = run_in_qemu (elf, work);
  Heard heard = { .outputs = g_byte_array_new () };
  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &heard);
  eng_telemetry_feed (telemetry, text, strlen (text));
  eng_telemetry_close (telemetry);
  g_assert_cmpstr (eng_telemetry_get_complaint (telemetry), ==, NULL);
  g_assert_true (heard.is_complete);
  g_autoptr (GByteArray) host = mcu_host_outputs (&network, &samples);
  g_assert_cmpmem (heard.outputs->data, heard.outputs->len, host->data, host->len);
  /* On hardware its times are hardware's, and it says so. */
  g_assert_nonnull (strstr (text, "\"emulated\":false"));
  g_assert_nonnull (strstr (text, "\"clock_hz\":16000000"));
  g_byte_array_unref (heard.outputs);
  mcu_samples_clear (&samples);
  mcu_network_close (&network);
  eng_test_remove (folder);
}

static void
test_nrf52840 (void)
{
  McuNetwork network;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngMcuReport) report = NULL;
  EngElf layout;

  if (!mcu_have_tools () || !mcu_network_open (&network, KWS, "{}"))
    return;
  char *folder = eng_test_directory ();
  g_autofree char *elf = g_build_filename (folder, "nrf.elf", NULL);
  eng_mcu_make_image_at (network.bare, "nrf52840", NULL, elf, &report, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (eng_mcu_report_fits (report));
  g_assert_cmpuint (report->ram_limit, ==, 256 << 10);
  g_assert_true (eng_elf_read (elf, &layout, &error));
  g_assert_cmphex (layout.first, ==, 0);
  mcu_network_close (&network);
  eng_test_remove (folder);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcu/chips/stm32f405", test_stm32f405);
  g_test_add_func ("/mcu/chips/nrf52840", test_nrf52840);
  return g_test_run ();
}
