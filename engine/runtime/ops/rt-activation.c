/* Activations of one row, for the epilogues of products and convolutions. Knows no operator. */
#include "rt-activation.h"

#include <math.h>

static const struct
{
  const char *title;
  KnMap map; /* KN_N_MAPS: none, or a kernel of another family */
} activations[RT_N_ACTIVATIONS] = {
  [RT_ACTIVATION_NONE] = { "", KN_N_MAPS },
  [RT_ACTIVATION_SILU] = { "SiLU", KN_MAP_SILU },
  [RT_ACTIVATION_GELU] = { "GELU (tanh)", KN_N_MAPS },
  [RT_ACTIVATION_GELU_ERF] = { "GELU", KN_MAP_GELU },
  [RT_ACTIVATION_SIGMOID] = { "sigmoid", KN_MAP_SIGMOID },
  [RT_ACTIVATION_TANH] = { "tanh", KN_MAP_TANH },
  [RT_ACTIVATION_HARD_SIGMOID] = { "hard sigmoid", KN_MAP_HARD_SIGMOID },
  [RT_ACTIVATION_HARD_SWISH] = { "hard swish", KN_MAP_HARD_SWISH },
  [RT_ACTIVATION_MISH] = { "Mish", KN_MAP_MISH },
  [RT_ACTIVATION_ELU] = { "ELU", KN_MAP_ELU },
  [RT_ACTIVATION_LEAKY] = { "leaky ReLU", KN_MAP_LEAKY },
};

const char *
rt_activation_title (RtActivation activation)
{
  return activations[activation].title;
}

/* The kernel multiplies by a second row (the gated form): ones change no bit. */
static void
gelu_tanh (const KnTable *kn, size_t n, float *x)
{
  enum
  {
    BLOCK = 64
  };
  float ones[BLOCK];
  for (size_t i = 0; i < BLOCK; i++)
    ones[i] = 1.0f;
  for (size_t i = 0; i < n; i += BLOCK)
    kn->vec.gelu_tanh_mul (x + i, ones, n - i < BLOCK ? n - i : BLOCK, x + i);
}

void
rt_activation_apply (const KnTable *kn, RtActivation activation, const float *params, float min,
                     float max, size_t n, float *x)
{
  const float limits[2] = { min, max };

  if (activation == RT_ACTIVATION_GELU)
    gelu_tanh (kn, n, x);
  else if (activation != RT_ACTIVATION_NONE)
    kn->map.map[activations[activation].map](x, params, n, x);
  if (min > -INFINITY || max < INFINITY)
    kn->map.map[KN_MAP_CLAMP](x, limits, n, x);
}

static double
activate (RtActivation activation, const float *p, double x)
{
  switch (activation)
    {
    case RT_ACTIVATION_NONE:
      return x;
    case RT_ACTIVATION_SILU:
      return x / (1 + exp (-x));
    case RT_ACTIVATION_GELU:
      return 0.5 * x * (1 + tanh (sqrt (2 / M_PI) * (x + 0.044715 * x * x * x)));
    case RT_ACTIVATION_GELU_ERF:
      return 0.5 * x * erfc (-x / sqrt (2));
    case RT_ACTIVATION_SIGMOID:
      return 1 / (1 + exp (-x));
    case RT_ACTIVATION_TANH:
      return tanh (x);
    case RT_ACTIVATION_HARD_SIGMOID:
      return fmin (fmax (x * (double)p[0] + (double)p[1], 0), 1);
    case RT_ACTIVATION_HARD_SWISH:
      return x * fmin (fmax (x / 6 + 0.5, 0), 1);
    case RT_ACTIVATION_MISH:
      return x * tanh (log1p (exp (fmin (x, 700))));
    case RT_ACTIVATION_ELU:
      return x > 0 ? x * (double)p[1] : (double)p[0] * expm1 (x);
    case RT_ACTIVATION_LEAKY:
      return x < 0 ? x * (double)p[0] : x;
    case RT_N_ACTIVATIONS:
      break;
    }
  return x;
}

double
rt_activation_reference (RtActivation activation, const float *params, float min, float max,
                         double x)
{
  double y = activate (activation, params, x);
  y = (double)min > y ? (double)min : y;
  return (double)max < y ? (double)max : y;
}
