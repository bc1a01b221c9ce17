/* Rules of advice on the numbers that weights are stored and multiplied in. Each is one function
 * that proposes; the weighing is in eng-advice.c. */
#include "eng-advice-private.h"

#include <math.h>
#include <string.h>

#include "eng-technique.h"

/* A layer must take so much of a step to be named by itself. */
#define LEAST_OUTPUT_SHARE 0.10
/* A wider format must be that much faster in a layer to be advised there. */
#define LEAST_WIDER_GAIN 0.03
/* Matrices that weigh less than this share together are taken along, so that the recipe stays one
 * line. */
#define TAKE_ALONG 0.10

/* ---- What waits for weights ---- */

/* A product of floats whose arithmetic takes longer than its bytes: in a format of integers it is
 * another roof that counts. */
static gboolean
waits_for_floats (EngAdvisor *self, guint node)
{
  const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, node);

  return self->node_tensors[node] != NULL && point->bound == ENG_BOUND_ARITHMETIC
         && point->arithmetic == ENG_ARITHMETIC_F32;
}

static gboolean
waits_for_bytes (EngAdvisor *self, guint node)
{
  const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, node);

  if (self->node_tensors[node] == NULL || !point->time.available
      || point->weight_bytes < point->bytes / 2)
    return FALSE;
  /* Without roofs only a forecast can tell: it does. */
  return point->bound == ENG_BOUND_MEMORY
         || (eng_roofline_get_roof (self->roofline) == NULL && self->now != NULL);
}

static gboolean
waits_for_weights (EngAdvisor *self, guint node)
{
  return waits_for_bytes (self, node) || waits_for_floats (self, node);
}

static void
add_once (GPtrArray *tensors, const EngTensor *tensor)
{
  if (!g_ptr_array_find (tensors, tensor, NULL))
    g_ptr_array_add (tensors, (gpointer)tensor);
}

static void
add_layer (GArray *layers, int layer)
{
  guint i = 0;

  while (i < layers->len && g_array_index (layers, int, i) < layer)
    i++;
  if (i == layers->len || g_array_index (layers, int, i) != layer)
    g_array_insert_val (layers, i, layer);
}

static double
sum_bytes (GPtrArray *tensors, EngRecipe *recipe)
{
  double bytes = 0;

  for (guint i = 0; i < tensors->len; i++)
    bytes += eng_advice_tensor_bytes (g_ptr_array_index (tensors, i), recipe);
  return bytes;
}

/* Of a node whose matrices are packed as @recipe says. */
static double
least_time (EngAdvisor *self, guint node, EngRecipe *recipe)
{
  const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, node);
  double before = sum_bytes (self->node_tensors[node], self->in->recipe);
  double ratio = sum_bytes (self->node_tensors[node], recipe) / before;
  EngArithmetic arithmetic = point->arithmetic;

  for (guint i = 0; i < self->node_tensors[node]->len; i++)
    if (eng_advice_is_int8 (g_ptr_array_index (self->node_tensors[node], i), recipe))
      arithmetic = ENG_ARITHMETIC_INT8;
  return fmax (point->memory_ms * (1 - point->weight_bytes / point->bytes * (1 - ratio)),
               1e3 * point->ops / eng_roof_get_ops (self->in->roof, arithmetic));
}

/* What one step gains when nodes keep the share of the roof that they reach. */
static double
gain_from_format (EngAdvisor *self, EngRecipe *recipe, int only_layer)
{
  double gain = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    {
      const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, i);

      if (!waits_for_weights (self, i) || isnan (point->roof_ms)
          || (only_layer != G_MININT
              && eng_profile_get_node_layer (self->in->profile, i) != only_layer))
        continue;
      gain += point->time.value * (1 - least_time (self, i, recipe) / point->roof_ms);
    }
  return gain;
}

/* The matrices that would shrink in @format. */
static GPtrArray *
keep_shrinking (EngAdvisor *self, GPtrArray *tensors, const char *format)
{
  g_autoptr (EngRecipe) all = NULL;
  GPtrArray *kept = g_ptr_array_new ();

  all = eng_advice_with_format (self->in->model, self->in->recipe, tensors, format);
  for (guint i = 0; all != NULL && i < tensors->len; i++)
    {
      const EngTensor *tensor = g_ptr_array_index (tensors, i);

      if (eng_advice_tensor_bytes (tensor, all)
          < 0.99 * eng_advice_tensor_bytes (tensor, self->in->recipe))
        g_ptr_array_add (kept, (gpointer)tensor);
    }
  return kept;
}

static char *
dup_upper (const char *format)
{
  return g_ascii_strup (format, -1);
}

static gboolean
has_layer (GArray *layers, int layer)
{
  for (guint i = 0; i < layers->len; i++)
    if (g_array_index (layers, int, i) == layer)
      return TRUE;
  return FALSE;
}

/* "Blocks 0–29: 74 % of the time of one token goes by waiting for 52.1 MB of weights from DRAM." */
static char *
dup_cause (EngAdvisor *self, GArray *layers, GPtrArray *tensors)
{
  const EngRoof *roof = eng_roofline_get_roof (self->roofline);
  const char *step = eng_advice_step_name (self->phase);
  g_autofree char *names
      = eng_advice_name_layers (self->in->model, (const int *)(void *)layers->data, layers->len);
  g_autofree char *size = eng_format_value (sum_bytes (tensors, self->in->recipe), "B");
  double bytes_ms = 0, floats_ms = 0;
  int level = -1;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    {
      const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, i);

      if (!has_layer (layers, eng_profile_get_node_layer (self->in->profile, i)))
        continue;
      if (waits_for_floats (self, i))
        floats_ms += point->time.value;
      else if (waits_for_bytes (self, i))
        {
          bytes_ms += point->time.value;
          level = MAX (level, point->level);
        }
    }
  if (g_str_has_prefix (names, "all "))
    names[0] = 'A'; /* names of modules are as in the file */
  if (roof == NULL)
    return g_strdup_printf ("%s: %.0f %% of the time of one %s goes by reading %s of weights.",
                            names, 100 * bytes_ms / self->nodes_ms, step, size);
  if (floats_ms > bytes_ms)
    return g_strdup_printf ("%s: %.0f %% of the time of one %s goes by multiplying floats; 8-bit "
                            "products are %.1f times as fast here.",
                            names, 100 * (floats_ms + bytes_ms) / self->nodes_ms, step,
                            roof->int8_ops / roof->f32_flops);
  return g_strdup_printf (
      "%s: %.0f %% of the time of one %s goes by waiting for %s of weights from %s.", names,
      100 * (floats_ms + bytes_ms) / self->nodes_ms, step, size, eng_roof_level_name (roof, level));
}

static void
propose_format (EngAdvisor *self, GPtrArray *tensors, GArray *layers, const char *format,
                int only_layer)
{
  g_autoptr (GPtrArray) shrinking = keep_shrinking (self, tensors, format);
  g_autofree char *name = dup_upper (format);
  g_autofree char *where = NULL;
  EngRecipe *recipe;
  double gain;

  if (shrinking->len == 0)
    return;
  recipe = eng_advice_with_format (self->in->model, self->in->recipe, shrinking, format);
  if (recipe == NULL)
    return;
  gain = gain_from_format (self, recipe, only_layer);
  where = eng_advice_name_layers (self->in->model, (const int *)(void *)layers->data, layers->len);
  eng_advisor_propose (self, recipe,
                       shrinking->len == eng_model_get_n_tensors (self->in->model)
                           ? g_strdup_printf ("%s weights in all layers", name)
                           : g_strdup_printf ("%s weights in %s", name, where),
                       dup_cause (self, layers, shrinking), layers, gain);
}

/* Everything that waits for its weights, or all when the rest weighs next to nothing. */
static GPtrArray *
find_waiting (EngAdvisor *self, GArray *layers)
{
  GPtrArray *tensors = g_ptr_array_new ();
  double waiting, all = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    if (waits_for_weights (self, i))
      {
        add_layer (layers, eng_profile_get_node_layer (self->in->profile, i));
        for (guint k = 0; k < self->node_tensors[i]->len; k++)
          add_once (tensors, g_ptr_array_index (self->node_tensors[i], k));
      }
  waiting = sum_bytes (tensors, self->in->recipe);
  for (guint t = 0; t < eng_model_get_n_tensors (self->in->model); t++)
    all += eng_advice_tensor_bytes (eng_model_get_tensor (self->in->model, t), self->in->recipe);
  if (tensors->len > 0 && waiting > (1 - TAKE_ALONG) * all)
    for (guint t = 0; t < eng_model_get_n_tensors (self->in->model); t++)
      add_once (tensors, eng_model_get_tensor (self->in->model, t));
  return tensors;
}

static gboolean
has_waiting (EngAdvisor *self)
{
  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    if (waits_for_weights (self, i))
      return TRUE;
  return FALSE;
}

/* ---- narrow-weights, 8-bit-weights ---- */

static void
propose_formats (EngAdvisor *self, const char *const *formats)
{
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GPtrArray) tensors = find_waiting (self, layers);

  for (guint i = 0; formats[i] != NULL; i++)
    propose_format (self, tensors, layers, formats[i], G_MININT);
}

static void
propose_narrow (EngAdvisor *self)
{
  static const char *const formats[] = { "q6_k", "q5_k", "q4_k", "q4_0", NULL };

  propose_formats (self, formats);
}

static void
propose_8_bit (EngAdvisor *self)
{
  static const char *const formats[] = { "q8_0", NULL };

  propose_formats (self, formats);
}

/* ---- narrow-output ---- */

static gboolean
output_dominates (EngAdvisor *self)
{
  const EngLatency *output = &self->data->layers[self->n_layers + 1];

  return self->phase == RT_PHASE_DECODE && output->n > 0
         && output->median_ns / 1e6 >= LEAST_OUTPUT_SHARE * self->nodes_ms;
}

static void
propose_output (EngAdvisor *self)
{
  static const char *const formats[] = { "q8_0", "q6_k", "q4_k", "q4_0", NULL };
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    if (eng_profile_get_node_layer (self->in->profile, i) == self->n_layers
        && waits_for_weights (self, i))
      for (guint k = 0; k < self->node_tensors[i]->len; k++)
        add_once (tensors, g_ptr_array_index (self->node_tensors[i], k));
  if (tensors->len == 0)
    return;
  add_layer (layers, self->n_layers);
  for (guint i = 0; formats[i] != NULL; i++)
    propose_format (self, tensors, layers, formats[i], self->n_layers);
}

/* ---- widen-weights ---- */

static gboolean
has_layer_forecast (EngAdvisor *self)
{
  return self->now != NULL && self->now->layers_ms != NULL
         && eng_model_get_n_tensors (self->in->model) > 0;
}

/* Matrices of the layers where @format is wider than now and expected to be faster. */
static GPtrArray *
find_faster_wider (EngAdvisor *self, const char *format, GArray *layers, double *gain_ms)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  g_autoptr (EngRecipe) recipe = NULL;
  g_autoptr (EngAdviceForecast) then = NULL;
  GPtrArray *tensors = g_ptr_array_new ();

  for (guint t = 0; t < eng_model_get_n_tensors (self->in->model); t++)
    g_ptr_array_add (all, (gpointer)eng_model_get_tensor (self->in->model, t));
  recipe = eng_advice_with_format (self->in->model, self->in->recipe, all, format);
  if (recipe != NULL)
    then = self->in->forecast (self->in->model, recipe, self->in->forecast_data);
  if (then == NULL || then->layers_ms == NULL)
    return tensors;
  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      double before = self->now->layers_ms[layer + 1], after = then->layers_ms[layer + 1];
      guint n = tensors->len;

      if (!(after < before * (1 - LEAST_WIDER_GAIN))) /* false for NaN */
        continue;
      for (guint t = 0; t < all->len; t++)
        {
          const EngTensor *tensor = g_ptr_array_index (all, t);

          if (tensor->layer == layer
              && eng_advice_tensor_bytes (tensor, recipe)
                     > 1.01 * eng_advice_tensor_bytes (tensor, self->in->recipe))
            g_ptr_array_add (tensors, (gpointer)tensor);
        }
      if (tensors->len > n)
        {
          add_layer (layers, layer);
          *gain_ms += before - after;
        }
    }
  return tensors;
}

static void
propose_wider (EngAdvisor *self)
{
  static const char *const formats[] = { "q4_0", "q4_1", "q8_0", "f16", NULL };

  for (guint i = 0; formats[i] != NULL; i++)
    {
      g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (int));
      double gain = 0;
      g_autoptr (GPtrArray) tensors = find_faster_wider (self, formats[i], layers, &gain);
      g_autofree char *name = dup_upper (formats[i]);
      g_autofree char *where
          = eng_advice_name_layers (self->in->model, (const int *)(void *)layers->data,
                                    layers->len);
      EngRecipe *recipe
          = eng_advice_with_format (self->in->model, self->in->recipe, tensors, formats[i]);

      if (recipe == NULL)
        continue;
      eng_advisor_propose (
          self, recipe, g_strdup_printf ("Wider weights, %s, in %s", name, where),
          g_strdup_printf (
              "The narrower format is slower there on this machine: unpacking it costs "
              "more than the bytes it saves."),
          layers, gain);
    }
}

/* ---- int8 ---- */

static gboolean
is_float_network (EngAdvisor *self)
{
  const EngTechnique *technique = eng_technique_find ("int8");
  g_autofree char *precision = NULL;
  g_autofree char *why = NULL;

  if (self->phase != RT_PHASE_INFERENCE || technique == NULL)
    return FALSE;
  why = technique->applies (self->in->model);
  precision = eng_recipe_get_string (self->in->recipe, "int8", "precision", NULL);
  return why == NULL && strcmp (precision, "float") == 0
         && (self->in->roof == NULL || self->in->roof->int8_ops > self->in->roof->f32_flops);
}

/* Convolutions and products in floats, and what they would gain at the same share of the integer
 * roof with a quarter of the bytes. */
static double
gain_from_int8 (EngAdvisor *self, GArray *layers, double *share)
{
  double gain = 0, ms = 0;

  for (guint i = 0; i < eng_profile_get_n_nodes (self->in->profile); i++)
    {
      const EngRooflinePoint *point = eng_roofline_get_node (self->roofline, i);
      double least;

      if (!point->time.available || point->arithmetic != ENG_ARITHMETIC_F32
          || !(point->weight_bytes > 0) || !(point->ops > 0))
        continue;
      ms += point->time.value;
      add_layer (layers, eng_profile_get_node_layer (self->in->profile, i));
      if (point->bound != ENG_BOUND_ARITHMETIC && point->bound != ENG_BOUND_MEMORY)
        continue;
      least = fmax (point->memory_ms / 4, 1e3 * point->ops / self->in->roof->int8_ops);
      gain += fmax (0, point->time.value * (1 - least / point->roof_ms));
    }
  *share = ms / self->nodes_ms;
  return self->in->roof != NULL ? gain : NAN;
}

static EngRecipe *
with_int8 (EngAdvisor *self)
{
  g_autofree char *samples = eng_recipe_get_string (self->in->recipe, "int8", "calibration", NULL);
  g_autoptr (EngRecipe) calibrated = NULL;

  if (samples[0] != '\0')
    calibrated = eng_recipe_ref (self->in->recipe);
  else if (self->in->samples != NULL)
    calibrated = eng_advice_with (self->in->recipe, "int8", "calibration",
                                  g_variant_new_string (self->in->samples));
  return calibrated != NULL
             ? eng_advice_with (calibrated, "int8", "precision", g_variant_new_string ("int8"))
             : NULL;
}

static void
propose_int8 (EngAdvisor *self)
{
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (int));
  double share, gain = gain_from_int8 (self, layers, &share);
  EngRecipe *recipe = with_int8 (self);
  g_autofree char *cause = NULL;
  EngAdviceDraft *draft;

  if (layers->len == 0)
    {
      g_clear_pointer (&recipe, eng_recipe_unref);
      return;
    }
  if (self->in->roof != NULL)
    cause
        = g_strdup_printf ("Convolutions and products in floats take %.0f %% of an inference; this "
                           "machine's 8-bit arithmetic is %.1f times as fast.",
                           100 * share, self->in->roof->int8_ops / self->in->roof->f32_flops);
  else
    cause = g_strdup_printf ("Convolutions and products in floats take %.0f %% of an inference.",
                             100 * share);
  draft = eng_advisor_propose (self, recipe, g_strdup ("Compute in 8-bit integers"),
                               g_steal_pointer (&cause), layers, gain);
  if (recipe == NULL)
    draft->action = g_strdup ("It needs samples to calibrate with: choose a folder of inputs under "
                              "8-bit integers in the recipe.");
}

const EngAdviceRule eng_advice_weight_rules[] = {
  { { "narrow-weights", "layers that wait for their weights: a format of fewer bits" },
    has_waiting,
    propose_narrow },
  { { "8-bit-weights", "the same in 8 bits, which changes results least" },
    has_waiting,
    propose_8_bit },
  { { "narrow-output", "the output matrix takes much of a token: fewer bits for it alone" },
    output_dominates,
    propose_output },
  { { "widen-weights", "layers in which a narrower format is slower than a wider one here" },
    has_layer_forecast,
    propose_wider },
  { { "int8", "a float network on a machine whose integer arithmetic is faster" },
    is_float_network,
    propose_int8 },
};
const guint eng_advice_n_weight_rules = G_N_ELEMENTS (eng_advice_weight_rules);
