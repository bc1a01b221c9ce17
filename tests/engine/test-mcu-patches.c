/* First layers in patches: every choice that the plan offers gives the bits of the whole layers.
 * The generated code runs here, compiled by this computer's compiler with the plain C kernels and
 * undefined behaviour caught; boards do the same in test-mcu.c. */
#include <glib/gstdio.h>
#include <string.h>

#include "mcu-test.h"

static const char program[]
    = "#include <stdio.h>\n"
      "#include <string.h>\n"
      "#include \"mc-network.h\"\n"
      "int main (int argc, char **argv)\n"
      "{\n"
      "  FILE *in = fopen (argv[1], \"rb\"), *out = fopen (argv[2], \"wb\");\n"
      "  memset (mc_network.arena, 0x5a, mc_network.arena_bytes);\n"
      "  const McTensor *x = mc_network.inputs, *y = mc_network.outputs;\n"
      "  for (;;)\n"
      "    {\n"
      "      if (fread (x->data, 1, x->n_bytes, in) != x->n_bytes)\n"
      "        break;\n"
      "      mc_network_run (&mc_network);\n"
      "      fwrite (y->data, 1, y->n_bytes, out);\n"
      "    }\n"
      "  return fclose (out);\n"
      "}\n";

/* The compiler is not what is tested: what it wants to say goes to the test's log. */
static void
run (const char *command)
{
  g_autofree char *err = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_command_line_sync (command, NULL, &err, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s: %s", command, err);
}

/* The outputs of the exported @folder for @samples. */
static GBytes *
host_program_outputs (const char *folder, const McuSamples *samples)
{
  g_autofree char *source = g_build_filename (folder, "main.c", NULL);
  g_autofree char *in = g_build_filename (folder, "in", NULL);
  g_autofree char *out = g_build_filename (folder, "out", NULL);
  char *bytes;
  gsize n;

  g_assert_true (g_file_set_contents (source, program, -1, NULL));
  g_assert_true (g_file_set_contents (in, (const char *)samples->bytes->data,
                                      (gssize)samples->bytes->len, NULL));
  g_autofree char *compile = g_strdup_printf (
      "sh -c 'cc -std=gnu17 -O1 -w -DMC_PLAIN -ffp-contract=off -fsanitize=undefined "
      "-fno-sanitize-recover -I%s -I%s/kernels %s/main.c %s/network.c %s/kernels/*.c -o "
      "%s/program'",
      folder, folder, folder, folder, folder, folder);
  g_autofree char *start = g_strdup_printf ("%s/program %s %s", folder, in, out);
  run (compile);
  run (start);
  g_assert_true (g_file_get_contents (out, &bytes, &n, NULL));
  return g_bytes_new_take (bytes, n);
}

/* With so little RAM that nothing larger than @choice fits. */
static void
check_choice (const McuNetwork *network, const EngMcuReport *plan, const EngMcuPatches *choice,
              const McuSamples *samples, const GByteArray *want)
{
  const EngMcuOptions options
      = { .ram_limit = choice->arena_bytes + plan->sizes[ENG_MCU_STATIC].bytes
                       + plan->sizes[ENG_MCU_STACK].bytes };
  char *directory = eng_test_directory ();
  g_autofree char *folder = g_build_filename (directory, "code", NULL);
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (GError) error = NULL;
  guint n_patched = 0;

  eng_mcu_export (network->bare, plan->board, &options, folder, NULL, &report, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report->sizes[ENG_MCU_ARENA].bytes, <=, choice->arena_bytes);
  for (guint i = 0; i < report->layers->len; i++)
    n_patched += ((EngMcuLayer *)g_ptr_array_index (report->layers, i))->is_patched;
  g_assert_cmpuint (n_patched, ==, choice->n_nodes);

  g_autoptr (GBytes) got = host_program_outputs (folder, samples);
  gsize n;
  const void *bytes = g_bytes_get_data (got, &n);
  g_test_message ("%u layers in %u x %u: %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
                  " multiply-adds",
                  choice->n_nodes, choice->rows, choice->columns, choice->arena_bytes,
                  choice->macs);
  g_assert_cmpmem (bytes, n, want->data, want->len);
  eng_test_remove (directory);
}

typedef struct
{
  const char *file, *board;
  guint step; /* every so many choices */
} Case;

static void
test_choices (gconstpointer data)
{
  const Case *c = data;
  McuNetwork network;
  McuSamples samples;
  g_autoptr (GError) error = NULL;

  if (!mcu_network_open (&network, c->file, "{}"))
    return;
  g_autoptr (EngMcuReport) plan = eng_mcu_plan (network.bare, c->board, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plan->patches->len, >, 2);
  mcu_samples_fill (&samples, &network, 2);
  g_autoptr (GByteArray) want = mcu_host_outputs (&network, &samples);
  for (guint i = 0; i < plan->patches->len; i += c->step)
    check_choice (&network, plan, g_ptr_array_index (plan->patches, i), &samples, want);
  mcu_samples_clear (&samples);
  mcu_network_close (&network);
}

/* A chain of windows, padded on one side where strides are; a residual beside two of them, and one
 * with a strided convolution of its own; one row of pixels. */
static const Case chain = { "vision/vww/person_detect.tflite", "mps2-an386", 4 };
static const Case residual = { "vision/cifar10/pretrainedResnet_quant.tflite", "mps3-an547", 5 };
static const Case column = { "audio/kws/str_ww_ref_model.tflite", "mps2-an386", 2 };

/* Allowing as much RAM as a choice says that it takes brings that choice; the others stay there to
 * be chosen. A board that has more is not told to have less. */
static void
test_limits (void)
{
  McuNetwork network;
  g_autoptr (GError) error = NULL;

  if (!mcu_network_open (&network, chain.file, "{}"))
    return;
  g_autoptr (EngMcuReport) plan = eng_mcu_plan (network.bare, chain.board, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < plan->patches->len; i += 3)
    {
      const EngMcuPatches *choice = g_ptr_array_index (plan->patches, i);
      const EngMcuOptions options = { .ram_limit = choice->ram_bytes };
      g_autoptr (EngMcuReport) report = eng_mcu_plan (network.bare, chain.board, &options, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (report->patches->len, ==, plan->patches->len);
      for (guint k = 0; k < report->patches->len; k++)
        g_assert_cmpint (((EngMcuPatches *)g_ptr_array_index (report->patches, k))->is_chosen, ==,
                         k == i);
      g_assert_true (eng_mcu_report_fits (report));
      g_assert_cmpuint (report->ram_limit, ==, choice->ram_bytes);
      g_assert_cmpuint (report->board_ram, ==, plan->ram_limit);
      g_assert_cmpuint (report->sizes[ENG_MCU_RAM].bytes, <=, choice->ram_bytes);
    }
  mcu_network_close (&network);
}

/* The search for patches gives way. */
static void
test_cancelled (void)
{
  McuNetwork network;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = eng_job_new ("Planning");
  const EngMcuOptions options = { .job = job };

  if (!mcu_network_open (&network, chain.file, "{}"))
    return;
  eng_job_cancel (job);
  g_assert_null (eng_mcu_plan (network.bare, chain.board, &options, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  mcu_network_close (&network);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/mcu-patches/chain", &chain, test_choices);
  g_test_add_data_func ("/mcu-patches/residual", &residual, test_choices);
  g_test_add_data_func ("/mcu-patches/column", &column, test_choices);
  g_test_add_func ("/mcu-patches/limits", test_limits);
  g_test_add_func ("/mcu-patches/cancelled", test_cancelled);
  return g_test_run ();
}
