/* Generated code for microcontrollers: what it takes and what is refused, the folder, and the same
 * bits on emulated boards as here. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "mcu-test.h"

#define KWS "audio/kws/kws_ref_model.tflite"
#define KWS_DATA "data/kws01.tar.gz"
#define CIFAR "vision/cifar10/pretrainedResnet_quant.tflite"
#define CIFAR_DATA "data/cifar10-test-1000.tar.gz"
#define PERSON "vision/vww/person_detect.tflite"

/* ---- boards give the host's bits ---- */

typedef struct
{
  const char *network, *data, *board;
  guint n;            /* samples */
  double least, most; /* share of right ones: what others measured of these networks, and room */
  guint64 ram_limit;  /* 0: the board's; else one that takes patches */
  const char *techniques; /* of the recipe; NULL: none. DIGITS is a folder of some */
  guint n_steps;          /* of a streaming network; 0: 1 */
} BoardCase;

static gboolean
is_patched (const EngMcuReport *report)
{
  for (guint i = 0; i < report->layers->len; i++)
    if (((EngMcuLayer *)g_ptr_array_index (report->layers, i))->is_patched)
      return TRUE;
  return FALSE;
}

static void
check_bits (const BoardCase *c, const McuNetwork *network, const McuSamples *samples)
{
  char *folder = eng_test_directory ();
  g_autofree char *elf = g_build_filename (folder, "network.elf", NULL);
  const EngMcuOptions options = { .ram_limit = c->ram_limit };
  const char *board;
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (GError) error = NULL;
  McuAnswer answer;

  board = eng_mcu_board_find (c->board, &error);
  g_assert_no_error (error);
  eng_mcu_make_image_at (network->bare, board, &options, elf, &report, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GByteArray) want = mcu_host_outputs (network, samples);
  mcu_board_outputs (c->board, elf, samples, &answer);
  g_assert_true (answer.is_complete);
  g_assert_cmpmem (answer.outputs->data, answer.outputs->len, want->data, want->len);

  /* What the linker made is what the plan said, and the stack was large enough. */
  g_assert_cmpuint (report->sizes[ENG_MCU_RAM].origin, ==, ENG_MCU_LINKED);
  g_assert_cmpuint (report->sizes[ENG_MCU_CODE].bytes, >, 4096);
  g_assert_cmpuint (answer.stack_bytes, >, 0);
  g_assert_cmpuint (answer.stack_bytes, <, report->sizes[ENG_MCU_STACK].bytes);
  g_assert_cmpuint (answer.n_cycles, >, 0);
  if (c->ram_limit > 0)
    {
      g_assert_cmpuint (report->sizes[ENG_MCU_RAM].bytes, <=, c->ram_limit);
      g_assert_true (is_patched (report));
    }
  g_test_message ("%s on %s: flash %" G_GUINT64_FORMAT " (weights %" G_GUINT64_FORMAT
                  "), RAM %" G_GUINT64_FORMAT " (arena %" G_GUINT64_FORMAT
                  ", stack used %" G_GUINT64_FORMAT "), %" G_GUINT64_FORMAT " cycles",
                  c->network, c->board, report->sizes[ENG_MCU_FLASH].bytes,
                  report->sizes[ENG_MCU_WEIGHTS].bytes, report->sizes[ENG_MCU_RAM].bytes,
                  report->sizes[ENG_MCU_ARENA].bytes, answer.stack_bytes, answer.n_cycles);
  if (c->data != NULL)
    {
      const guint n_right = mcu_n_right (answer.outputs, samples);

      g_test_message ("%u of %u right", n_right, samples->n);
      g_assert_cmpuint (n_right, ==, mcu_n_right (want, samples));
      g_assert_cmpfloat (n_right, >=, c->least * samples->n);
      g_assert_cmpfloat (n_right, <=, c->most * samples->n);
    }
  mcu_answer_clear (&answer);
  eng_test_remove (folder);
}

/* A new folder with a picture of a digit, to calibrate with; NULL: skipped. */
static char *
make_digits (void)
{
  g_autofree char *from = eng_test_data_or_skip ("vision/mnist/5.jpg"), *bytes = NULL;
  char *folder = from != NULL ? eng_test_directory () : NULL;
  g_autofree char *to = folder != NULL ? g_build_filename (folder, "5.jpg", NULL) : NULL;
  gsize n;

  if (folder != NULL)
    {
      g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
      g_assert_true (g_file_set_contents (to, bytes, (gssize)n, NULL));
    }
  return folder;
}

static void
test_board (gconstpointer data)
{
  const BoardCase *c = data;
  McuNetwork network;
  McuSamples samples = { 0 };
  char *digits = make_digits ();
  g_autoptr (GString) techniques = g_string_new (c->techniques != NULL ? c->techniques : "{}");

  if (digits == NULL)
    return;
  g_string_replace (techniques, "DIGITS", digits, 0);
  if (!mcu_have_tools () || !mcu_network_open (&network, c->network, techniques->str))
    {
      eng_test_remove (digits);
      return;
    }
  if (c->data == NULL)
    mcu_samples_fill (&samples, &network, c->n);
  if (c->n_steps > 0)
    samples.n_steps = c->n_steps;
  if (c->data == NULL || mcu_samples_load (&samples, &network, c->data, c->n))
    check_bits (c, &network, &samples);
  mcu_samples_clear (&samples);
  mcu_network_close (&network);
  eng_test_remove (digits);
}

static const BoardCase kws_m4 = { KWS, KWS_DATA, "cortex-m4", 300, 0.87, 0.94, 0, NULL, 0 };
static const BoardCase kws_m55 = { KWS, KWS_DATA, "cortex-m55", 200, 0.87, 0.94, 0, NULL, 0 };
static const BoardCase cifar_m4 = { CIFAR, CIFAR_DATA, "cortex-m4", 60, 0.65, 0.9, 0, NULL, 0 };
static const BoardCase cifar_m55 = { CIFAR, CIFAR_DATA, "cortex-m55", 30, 0.6, 0.95, 0, NULL, 0 };
/* The arena alone would be 55,296 bytes. */
static const BoardCase patches_m4 = { PERSON, NULL, "cortex-m4", 3, 0, 0, 44000, NULL, 0 };
static const BoardCase patches_m55 = { PERSON, NULL, "cortex-m55", 2, 0, 0, 44000, NULL, 0 };
/* Patches through a residual: the ResNet's first block. */
static const BoardCase residual_m4 = { CIFAR, CIFAR_DATA, "cortex-m4", 20, 0.6, 1, 44000, NULL, 0 };

/* Operators and shapes that the others lack: floats at both ends, channels first outside, maxima,
 * one row, strided windows, states, unsigned codes, weights with zero points. */
static const BoardCase breadth[] = {
  { "vision/mnist/opt-mnist.onnx", NULL, "cortex-m4", 4, 0, 0, 0,
    "{\"int8\": {\"precision\": \"int8\", \"calibration\": \"DIGITS\"}}", 0 },
  { "vision/vww/vww_96_int8.tflite", NULL, "cortex-m4", 2, 0, 0, 0, NULL, 0 },
  { "audio/anomaly/ad01_int8.tflite", NULL, "cortex-m55", 8, 0, 0, 0, NULL, 0 },
  { "vision/imagenet/mobilenet_v1_0.25_128_quant.tflite", NULL, "cortex-m4", 1, 0, 0, 0, NULL, 0 },
  { "vision/imagenet/mobilenet_v1_0.25_128_quant.tflite", NULL, "cortex-m55", 1, 0, 0, 0, NULL, 0 },
  { "audio/kws/micro_speech_quantized.tflite", NULL, "cortex-m4", 8, 0, 0, 0, NULL, 0 },
  { "audio/kws/str_ww_ref_model.tflite", NULL, "cortex-m55", 4, 0, 0, 0, NULL, 0 },
  { "audio/wake/alexa.tflite", NULL, "cortex-m4", 8, 0, 0, 0, NULL, 4 },
  { "audio/wake/hey_jarvis.tflite", NULL, "cortex-m55", 8, 0, 0, 0, NULL, 8 },
};

/* Virtual time: the same bytes, cycles included, whatever else this computer does. */
static void
test_repeats (void)
{
  McuNetwork network;
  McuSamples samples;
  g_autoptr (GError) error = NULL;
  McuAnswer first, second;

  if (!mcu_have_tools () || !mcu_network_open (&network, KWS, "{}"))
    return;
  char *folder = eng_test_directory ();
  g_autofree char *elf = g_build_filename (folder, "a, b c.elf", NULL);
  g_autoptr (EngDevice) device = mcu_device ("cortex-m4", NULL);

  mcu_samples_fill (&samples, &network, 4);
  eng_mcu_make_image (network.bare, device, elf, NULL, NULL, &error);
  g_assert_no_error (error);
  mcu_board_outputs ("cortex-m4", elf, &samples, &first);
  mcu_board_outputs ("cortex-m4", elf, &samples, &second);
  g_assert_cmpstr (first.text->str, ==, second.text->str);
  g_assert_true (first.is_complete);
  mcu_answer_clear (&first);
  mcu_answer_clear (&second);
  mcu_samples_clear (&samples);
  mcu_network_close (&network);
  eng_test_remove (folder);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/mcu/kws/cortex-m4", &kws_m4, test_board);
  g_test_add_data_func ("/mcu/kws/cortex-m55", &kws_m55, test_board);
  g_test_add_data_func ("/mcu/cifar10/cortex-m4", &cifar_m4, test_board);
  g_test_add_data_func ("/mcu/cifar10/cortex-m55", &cifar_m55, test_board);
  g_test_add_data_func ("/mcu/patches/cortex-m4", &patches_m4, test_board);
  g_test_add_data_func ("/mcu/patches/cortex-m55", &patches_m55, test_board);
  g_test_add_data_func ("/mcu/patches/residual", &residual_m4, test_board);
  for (guint i = 0; i < G_N_ELEMENTS (breadth); i++)
    {
      g_autofree char *base = g_path_get_basename (breadth[i].network);
      g_autofree char *path = g_strconcat ("/mcu/breadth/", breadth[i].board, "/", base, NULL);
      g_test_add_data_func (path, &breadth[i], test_board);
    }
  g_test_add_func ("/mcu/repeats", test_repeats);
  return g_test_run ();
}
