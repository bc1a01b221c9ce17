/* Technique: which text the others look at when they choose from what flows through the model. It
 * changes nothing by itself: rounding, scaling and pruning ask for the measurement
 * (eng-activations.h). */
#include "techniques/eng-techniques.h"

#include "eng-activations.h"

#define ID "calibration"

static const EngParam params[] = {
  { .id = "text",
    .title = "Calibration text",
    .summary = "A text file, or a folder of them, like what the model will see; nothing: five "
               "bundled texts.",
    .kind = ENG_PARAM_PATH },
  { .id = "tokens",
    .title = "Calibration tokens",
    .summary = "How much of the text is run, in windows spread evenly over it; more tokens tell "
               "channels apart better and take longer.",
    .unit = "tokens",
    .kind = ENG_PARAM_INT,
    .default_value = 8192,
    .min = 256,
    .max = 65280,
    .step = 256 },
};

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("a network is calibrated on inputs, not on a text: see 8-bit integers");
  if (eng_model_get_tokenizer (model) == NULL)
    return g_strdup_printf ("the model's tokenizer cannot be used: %s",
                            eng_model_get_tokenizer_error (model));
  return NULL;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  return TRUE; /* nothing until another technique asks */
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  return NULL;
}

const EngTechnique eng_technique_calibration = {
  .id = ID,
  .title = "Calibration",
  .group = "Quantization",
  .summary
  = "The text on which activations are measured once, for techniques that choose from them; "
    "a text unlike what the model will see makes their choices worse.",
  .papers = "Hubara et al. 2021, Accurate Post Training Quantization With Small Calibration Sets; "
            "Nagel et al. 2021, A White Paper on Neural Network Quantization",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE,
  .applies = applies,
  .apply = apply,
  .explain = explain,
};
