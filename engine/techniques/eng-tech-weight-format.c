/* Technique: the number format that weight matrices are stored and multiplied in, for the whole
 * model, by layer or by name pattern. */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-figure.h"
#include "eng-format-speed.h"
#include "eng-recipe-private.h"
#include "eng-worth.h"

#define ID "weight-format"
#define PARAM "format"
#define SOURCE "source"

/* Bits per weight are those of the block with its scales: 18 bytes for 32 weights are 4.5 bits. */
static const EngChoice formats[] = {
  { SOURCE, "As in file", "every matrix in the format that the file has it in" },
  { "f32", "F32", "32 bits per weight, single precision" },
  { "f16", "F16", "16 bits per weight, half precision: 11 significant bits, largest value 65504" },
  { "bf16", "BF16", "16 bits per weight: the range of F32 with 8 significant bits" },
  { "q8_0", "Q8_0", "8.5 bits per weight: 8-bit codes, one scale per 32" },
  { "w8a8", "W8A8",
    "8 bits per weight, one scale per row, activations in 8 bits with one scale per token: the "
    "fastest prompts; a single large activation coarsens its whole token" },
  { "f8_e4m3", "FP8 E4M3",
    "8.5 bits per weight: 8-bit floats of 4 significant bits, one scale per 32; multiplied as "
    "floats" },
  { "f8_e5m2", "FP8 E5M2",
    "8.5 bits per weight: 8-bit floats of 3 significant bits, one scale per 32; multiplied as "
    "floats" },
  { "q6_k", "Q6_K", "6.6 bits per weight: 6-bit codes, 8-bit scales per 16 in blocks of 256" },
  { "q5_k", "Q5_K",
    "5.5 bits per weight: 5-bit codes, 6-bit scales and minima per 32 in blocks of 256" },
  { "q5_1", "Q5_1", "6 bits per weight: 5-bit codes, one scale and one minimum per 32" },
  { "q5_0", "Q5_0", "5.5 bits per weight: 5-bit codes, one scale per 32" },
  { "q4_k", "Q4_K",
    "4.5 bits per weight: 4-bit codes, 6-bit scales and minima per 32 in blocks of 256" },
  { "q4_1", "Q4_1", "5 bits per weight: 4-bit codes, one scale and one minimum per 32" },
  { "q4_0", "Q4_0", "4.5 bits per weight: 4-bit codes, one scale per 32" },
  { "w4a8", "W4A8",
    "4 bits per weight, one scale per row, activations in 8 bits with one scale per token: small "
    "and fast, and much coarser than Q4_0: round it by importance, and equalize" },
  { "mxfp4", "MXFP4", "4.25 bits per weight: 4-bit floats, a power of two per 32" },
  { "q3_k", "Q3_K", "3.4 bits per weight: 3-bit codes, 6-bit scales per 16 in blocks of 256" },
  { "q3_64", "Q3_64", "3.5 bits per weight: 3-bit codes, 4-bit scales per 16 in blocks of 64" },
  { "q2_64", "Q2_64",
    "3 bits per weight: 2-bit codes, 4-bit scales and minima per 16 in blocks of 64" },
  { "q2_k", "Q2_K",
    "2.6 bits per weight: 2-bit codes, 4-bit scales and minima per 16 in blocks of 256" },
  { "tq2_0", "TQ2_0",
    "2.1 bits per weight: minus, zero or plus one scale per 256; exact for ternary models" },
  { "tq1_0", "TQ1_0",
    "1.7 bits per weight in files, as TQ2_0 in memory; exact for ternary models" },
  { "q1_64", "Q1_64",
    "1.25 bits per weight: signs and one scale per 64; exact for models trained to be binary, of "
    "any other it loses nearly everything: for those and for teaching" },
  { NULL },
};

static const EngParam params[] = {
  { .id = PARAM,
    .title = "Weight format",
    .summary = "Number format of the weight matrices, embedding and output included.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = formats,
    .default_choice = SOURCE },
};

int
eng_fit_dtype (int wanted, guint64 n_cols)
{
  int dtype = wanted;

  if (n_cols % kn_dtype_info (dtype)->block_len == 0)
    return dtype;
  if (dtype == KN_Q2_K || dtype == KN_TQ1_0 || dtype == KN_TQ2_0)
    dtype = KN_Q2_64;
  else if (dtype == KN_Q3_K)
    dtype = KN_Q3_64;
  else if (dtype == KN_Q4_K)
    dtype = KN_Q4_1;
  else if (dtype == KN_Q5_K)
    dtype = KN_Q5_1;
  else if (dtype == KN_Q6_K)
    dtype = KN_Q8_0;
  if (n_cols % kn_dtype_info (dtype)->block_len != 0
      && (dtype == KN_Q1_64 || dtype == KN_Q2_64 || dtype == KN_Q3_64))
    dtype = KN_Q4_0;
  return n_cols % kn_dtype_info (dtype)->block_len == 0 ? dtype : KN_F16;
}

/* The format asked for, before it is fitted to the row length. */
static int
wanted_dtype (EngRecipe *recipe, const EngTensor *tensor)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, PARAM, tensor->name);
  return strcmp (choice, SOURCE) == 0 ? tensor->dtype : kn_dtype_from_name (choice);
}

static int
packed_dtype (EngRecipe *recipe, const EngTensor *tensor)
{
  return eng_fit_dtype (wanted_dtype (recipe, tensor), tensor->n_cols);
}

static char *
applies (EngModel *model)
{
  return eng_model_get_n_tensors (model) > 0
             ? NULL
             : g_strdup ("no operator of this model reads a matrix of floats");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  guint n = eng_model_get_n_tensors (lowering->model);

  for (guint i = 0; i < n; i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      int wanted = wanted_dtype (lowering->recipe, tensor);
      gsize n_rows, n_cols;
      if (!eng_lowering_tensor_shape (lowering, i, &n_rows, &n_cols))
        continue;
      int dtype = eng_fit_dtype (wanted, n_cols);
      if (dtype != wanted)
        eng_lowering_note (lowering,
                           "%s: rows of %" G_GSIZE_FORMAT
                           " do not fill blocks of %u: %s instead of %s",
                           tensor->name, n_cols, kn_dtype_info (wanted)->block_len,
                           kn_dtype_info (dtype)->name, kn_dtype_info (wanted)->name);
      lowering->dtypes[i] = dtype;
    }
  return TRUE;
}

static double
tensor_bytes (const EngTensor *tensor, int dtype)
{
  return (double)kn_row_bytes ((KnDtype)dtype, tensor->n_cols) * (double)tensor->n_rows;
}

static void
estimate (EngModel *model, EngRecipe *recipe, int layer, EngEstimate *estimate)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer == layer)
        estimate->weight_bytes += tensor_bytes (tensor, packed_dtype (recipe, tensor));
    }
}

/* "Q4_1" or, where they differ, "Q4_1, Q8_0". */
static void
add_format (GString *list, int dtype)
{
  const char *name = kn_dtype_info (dtype)->name;
  if (strstr (list->str, name) == NULL)
    g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", name);
}

/* Whether the formats' bits are speed on this machine, from what was measured here: " Decoding:
 * ...". Two formats at most: a layer with more has no one sentence. */
static void
add_speeds (GString *text, const int *dtypes, guint n)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngFormatSpeeds) speeds
      = eng_format_speeds_load (machine, MAX (eng_machine_get_n_cpus (machine), 1));

  for (guint i = 0; i < n && n <= 2; i++)
    {
      g_autofree char *verdict = eng_format_speeds_verdict (speeds, dtypes[i]);
      g_string_append_printf (text, "\n%s. %s", kn_dtype_info (dtypes[i])->name, verdict);
    }
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  double n_weights = 0, before = 0, after = 0;
  guint n = 0, n_changed = 0, n_dtypes = 0;
  int dtypes[3];
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) from = g_string_new (NULL);
  g_autoptr (GString) to = g_string_new (NULL);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer != layer)
        continue;
      int dtype = packed_dtype (recipe, tensor);
      n++;
      n_changed += dtype != tensor->dtype;
      n_weights += (double)tensor->n_rows * (double)tensor->n_cols;
      before += tensor_bytes (tensor, tensor->dtype);
      after += tensor_bytes (tensor, dtype);
      add_format (from, tensor->dtype);
      add_format (to, dtype);
      gboolean is_new = n_dtypes < G_N_ELEMENTS (dtypes);
      for (guint k = 0; k < n_dtypes; k++)
        is_new &= dtypes[k] != dtype;
      if (is_new)
        dtypes[n_dtypes++] = dtype;
    }
  if (n == 0)
    return NULL;

  g_autofree char *size_before = eng_format_value (before, "B");
  g_autofree char *size_after = eng_format_value (after, "B");
  g_autofree char *bits = eng_format_value (after * 8 / n_weights, NULL);
  if (n_changed == 0)
    g_string_append_printf (text, "%u %s as in the file (%s): %s, %s bits per weight.", n,
                            n == 1 ? "matrix" : "matrices", from->str, size_before, bits);
  else
    g_string_append_printf (
        text, "%u of %u %s changed from %s to %s: %s become %s, %s bits per weight.%s", n_changed,
        n, n == 1 ? "matrix" : "matrices", from->str, to->str, size_before, size_after, bits,
        after > before
            ? " A wider format does not bring back what the file's format has rounded away."
            : "");
  add_speeds (text, dtypes, n_dtypes);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Of a block: what its products take in the recipe's formats and in the file's. */
static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  g_autoptr (GString) from = g_string_new (NULL);
  g_autoptr (GString) to = g_string_new (NULL);
  guint n_changed = 0;

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || layer < 0
      || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      int dtype = packed_dtype (recipe, tensor);
      if (tensor->layer != layer || dtype == tensor->dtype)
        continue;
      n_changed++;
      add_format (from, tensor->dtype);
      add_format (to, dtype);
    }
  if (n_changed == 0)
    return NULL;
  g_autoptr (EngRecipe) as_in_file = eng_recipe_without (recipe, &eng_technique_weight_format);
  g_autofree char *than = g_strdup_printf ("%s as in the file", from->str);
  EngWorth worth = eng_worth (model, recipe, as_in_file, run, layer, ENG_WORTH_ANY);
  g_autofree char *words = eng_worth_dup_speedup (&worth, than);
  return g_strdup_printf ("%s: %s.", to->str, words);
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, PARAM, NULL);
  guint n_rules = eng_recipe_n_rules (recipe, ID);
  g_autoptr (GString) text = g_string_new (NULL);

  for (const EngChoice *format = formats; format->id != NULL; format++)
    if (strcmp (format->id, choice) == 0)
      g_string_append (text, strcmp (choice, SOURCE) == 0 ? "weights as in file" : format->title);
  if (strcmp (choice, SOURCE) != 0)
    g_string_append (text, " weights");
  if (n_rules > 0)
    g_string_append_printf (text, " with %u rule%s", n_rules, n_rules == 1 ? "" : "s");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const EngTechnique eng_technique_weight_format = {
  .id = ID,
  .title = "Weight format",
  .group = "Quantization",
  .summary = "Fewer bits per weight mean fewer bytes to read and less memory; every weight "
             "is rounded more coarsely.",
  .papers = "Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
            "Integer-Arithmetic-Only Inference; "
            "Nagel et al. 2021, A White Paper on Neural Network Quantization",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .lossy = TRUE,
  .in_file = TRUE,
  .estimate = estimate,
  .applies = applies,
  .apply = apply,
  .verdict = verdict,
  .explain = explain,
  .describe = describe,
};
