/* The custom operators of TFLite Micro's signal library: fixed-point sound front ends. */
#include "eng-tflite-private.h"

#include <string.h>

#include "eng-flexbuffer.h"
#include "ops/rt-ops-sound.h"

/* Option @key as a whole number from 0 to @max. FALSE with a reason. */
static gboolean
get_option (EngTflite *self, const EngTfliteOp *op, const char *key, gint64 max, uint32_t *value)
{
  EngFlex flex;
  gint64 number = -1;

  if (!eng_flex_init (&flex, op->custom_options, op->n_custom_options)
      || !eng_flex_int (&flex, key, &number))
    return eng_import_refuse (self->import, "it has no option “%s”", key);
  if (number < 0 || number > max)
    return eng_import_refuse (self->import,
                              "its option “%s” is %" G_GINT64_FORMAT
                              ", which is not 0 to %" G_GINT64_FORMAT,
                              key, number, max);
  *value = (uint32_t)number;
  return TRUE;
}

/* All inputs of @op into @node, all outputs of it out. */
static gboolean
add_node (EngTflite *self, const EngTfliteOp *op, const RtOp *node, gconstpointer attrs)
{
  RtValueId inputs[8], outputs[RT_MAX_OUTPUTS];

  if (op->n_inputs > G_N_ELEMENTS (inputs))
    return eng_import_refuse (self->import, "it has %u inputs", op->n_inputs);
  for (guint i = 0; i < op->n_inputs; i++)
    {
      inputs[i] = eng_tflite_input (self, op, i);
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  if (!eng_import_node (self->import, node, attrs, inputs, op->n_inputs, outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs; i++)
    if (!eng_tflite_output (self, op, i, outputs[i]))
      return FALSE;
  return TRUE;
}

static gboolean
emit_window (EngTflite *self, const EngTfliteOp *op)
{
  RtFixedWindowAttrs attrs = { 0 };

  return get_option (self, op, "shift", 31, &attrs.shift)
         && add_node (self, op, &rt_op_fixed_window, &attrs);
}

static gboolean
emit_auto_scale (EngTflite *self, const EngTfliteOp *op)
{
  return add_node (self, op, &rt_op_fixed_auto_scale, NULL);
}

static gboolean
emit_rfft (EngTflite *self, const EngTfliteOp *op)
{
  RtFixedRfftAttrs attrs = { 0 };

  return get_option (self, op, "fft_length", G_MAXINT32, &attrs.fft_length)
         && add_node (self, op, &rt_op_fixed_rfft, &attrs);
}

static gboolean
emit_energy (EngTflite *self, const EngTfliteOp *op)
{
  RtFixedEnergyAttrs attrs = { 0 };

  return get_option (self, op, "start_index", G_MAXINT32, &attrs.first)
         && get_option (self, op, "end_index", G_MAXINT32, &attrs.last)
         && add_node (self, op, &rt_op_fixed_energy, &attrs);
}

static gboolean
emit_filter_bank (EngTflite *self, const EngTfliteOp *op)
{
  return add_node (self, op, &rt_op_fixed_filter_bank, NULL);
}

static gboolean
emit_square_root (EngTflite *self, const EngTfliteOp *op)
{
  return add_node (self, op, &rt_op_fixed_sqrt, NULL);
}

/* The noise estimate is a state: 0 at the beginning, then what the last run found. */
static gboolean
emit_spectral_subtraction (EngTflite *self, const EngTfliteOp *op)
{
  RtSpectralSubtractionAttrs attrs = { 0 };
  RtValueId inputs[2], outputs[RT_MAX_OUTPUTS];
  const struct
  {
    const char *key;
    gint64 max;
    uint32_t *value;
  } options[] = {
    { "smoothing", G_MAXINT32, &attrs.smoothing },
    { "one_minus_smoothing", G_MAXINT32, &attrs.one_minus_smoothing },
    { "alternate_smoothing", G_MAXINT32, &attrs.alternate_smoothing },
    { "alternate_one_minus_smoothing", G_MAXINT32, &attrs.alternate_one_minus_smoothing },
    { "smoothing_bits", 31, &attrs.smoothing_bits },
    { "min_signal_remaining", G_MAXINT32, &attrs.min_remaining },
    { "spectral_subtraction_bits", 63, &attrs.bits },
    { "clamping", 1, &attrs.clamp },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (!get_option (self, op, options[i].key, options[i].max, options[i].value))
      return FALSE;
  inputs[0] = eng_tflite_input (self, op, 0);
  if (inputs[0] == RT_NONE)
    return FALSE;
  const RtShape shape = eng_import_value (self->import, inputs[0])->shape;
  inputs[1] = eng_import_state (self->import, "noise", RT_TYPE_U32, &shape, NULL);
  return inputs[1] != RT_NONE
         && eng_import_node (self->import, &rt_op_spectral_subtraction, &attrs, inputs, 2, outputs)
         && eng_import_set_next (self->import, inputs[1], outputs[1])
         && eng_tflite_output (self, op, 0, outputs[0])
         && eng_tflite_output (self, op, 1, outputs[1]);
}

static gboolean
emit_pcan (EngTflite *self, const EngTfliteOp *op)
{
  RtPcanAttrs attrs = { 0 };

  return get_option (self, op, "snr_shift", 63, &attrs.snr_shift)
         && add_node (self, op, &rt_op_pcan, &attrs);
}

static gboolean
emit_log (EngTflite *self, const EngTfliteOp *op)
{
  RtFixedLogAttrs attrs = { 0 };

  return get_option (self, op, "input_correction_bits", 31, &attrs.correction_bits)
         && get_option (self, op, "output_scale", G_MAXINT32, &attrs.scale)
         && add_node (self, op, &rt_op_fixed_log, &attrs);
}

const EngTfliteRow eng_tflite_rows_sound[] = {
  { ENG_TFLITE_CUSTOM, emit_window, "SignalWindow" },
  { ENG_TFLITE_CUSTOM, emit_auto_scale, "SignalFftAutoScale" },
  { ENG_TFLITE_CUSTOM, emit_rfft, "SignalRfft" },
  { ENG_TFLITE_CUSTOM, emit_energy, "SignalEnergy" },
  { ENG_TFLITE_CUSTOM, emit_filter_bank, "SignalFilterBank" },
  { ENG_TFLITE_CUSTOM, emit_square_root, "SignalFilterBankSquareRoot" },
  { ENG_TFLITE_CUSTOM, emit_spectral_subtraction, "SignalFilterBankSpectralSubtraction" },
  { ENG_TFLITE_CUSTOM, emit_pcan, "SignalPCAN" },
  { ENG_TFLITE_CUSTOM, emit_log, "SignalFilterBankLog" },
  { 0, NULL, NULL },
};
