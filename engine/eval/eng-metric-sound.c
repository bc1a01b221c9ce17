/* Signal to noise of sounds that were cleaned: energy of the clean sound over energy of what the
 * result differs from it, in decibels. */
#include "eval/eng-metric.h"

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return "the model is a language model: it hears nothing";
  return truth == ENG_TRUTH_SOUNDS
             ? NULL
             : "it is measured on sounds with clean ones beside them (NAME_clean.wav)";
}

static gboolean
score (const EngScored *sample, guint which, double *sum, double *n)
{
  EngSound *result = sample->is_known && sample->result[which] != NULL
                             && eng_result_get_kind (sample->result[which]) == ENG_RESULT_SOUND
                         ? eng_result_get_sound (sample->result[which])
                         : NULL;

  if (result == NULL)
    return FALSE;
  g_autoptr (EngSound) clean
      = eng_sound_resample (sample->sound, eng_sound_get_rate (result), NULL);
  if (clean == NULL)
    return FALSE;
  gsize length = MIN (eng_sound_get_n_samples (clean), eng_sound_get_n_samples (result));
  const float *x = eng_sound_get_samples (clean), *y = eng_sound_get_samples (result);
  for (gsize i = 0; i < length; i++)
    {
      double difference = (double)x[i] - (double)y[i];
      *sum += difference * difference;
      *n += (double)x[i] * (double)x[i];
    }
  return *n > 0;
}

const EngMetric eng_metric_sound = {
  .id = "sound-snr",
  .title = "Signal to noise",
  .unit = "dB",
  .summary = "Energy of the clean sound over energy of what the result differs from it, of all "
             "sounds together",
  .fold = ENG_FOLD_DECIBEL,
  .figure = ENG_FIGURE_SOUND_SNR,
  .applies = applies,
  .score = score,
};
