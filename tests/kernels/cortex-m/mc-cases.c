/* Cases for the Cortex-M kernels, see mc-cases.h. What a generator does with a layer's numbers
 * (bias with the zero point in it, rows padded, factors) is done here a second time, in the
 * plainest way. */
#include "mc-cases.h"

/* clang-format off */
const Case cases[] = {
  /*                       h   w   c   o   kh kw  s  d  pad g  flags */
  { CASE_CONV,             7,  9,  8, 24,  1, 1,  1, 1, 0, 1, 0 },
  { CASE_CONV,             6,  5,  5, 17,  1, 1,  1, 1, 0, 1, CASE_LIMITS },
  { CASE_CONV,            17, 15,  3, 32,  3, 3,  2, 1, 1, 1, CASE_LIMITS },
  { CASE_CONV,             9,  9, 16, 40,  3, 3,  1, 1, 1, 1, CASE_WIDE },
  { CASE_CONV,            11, 12,  6, 10,  3, 3,  1, 2, 2, 2, 0 },
  { CASE_CONV,            10, 10, 12, 36,  5, 3,  2, 1, 2, 3, CASE_LIMITS },
  { CASE_CONV,             1, 40, 10, 20,  1, 4,  1, 1, 0, 1, 0 },
  { CASE_CONV,            30, 20,  1,  8, 10, 8,  2, 1, 4, 1, 0 },
  { CASE_CONV,             8,  8, 64, 65,  1, 1,  2, 1, 0, 1, 0 },
  { CASE_CONV,             5,  5, 40, 13,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_CONV,             1,  1, 70, 99,  1, 1,  1, 1, 0, 1, 0 },
  { CASE_CONV,             4,  4, 32,  9,  3, 3,  1, 1, 1, 1, CASE_EXTREMES },
  { CASE_CONV,             5,  3,  9,  1,  3, 3,  1, 1, 2, 1, 0 },
  { CASE_CONV,             4,  5, 16, 32,  1, 1,  1, 1, 0, 1, CASE_WIDE },
  { CASE_CONV,             7,  9,  8, 24,  1, 1,  1, 1, 0, 1, CASE_ZEROS },
  { CASE_CONV,            11, 11,  6, 10,  3, 3,  1, 1, 1, 2, CASE_ZEROS },
  { CASE_CONV,             5,  5, 16, 37,  3, 3,  1, 1, 1, 1, CASE_ZEROS | CASE_EXTREMES },
  { CASE_CONV_PATCHES,    11,  9,  7, 12,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_CONV_PATCHES,    13, 14, 16, 11,  3, 5,  2, 1, 2, 1, CASE_LIMITS },
  { CASE_DEPTHWISE,        9, 11, 32, 32,  3, 3,  1, 1, 1, 0, 0 },
  { CASE_DEPTHWISE,       14, 13,  7,  7,  3, 3,  2, 1, 1, 0, CASE_LIMITS },
  { CASE_DEPTHWISE,       12, 12, 50, 50,  5, 5,  1, 1, 2, 0, 0 },
  { CASE_DEPTHWISE,        9,  9, 20, 20,  3, 3,  1, 2, 2, 0, CASE_WIDE },
  { CASE_DEPTHWISE,       30, 20,  1,  8, 10, 8,  2, 1, 4, 0, 0 },
  { CASE_DEPTHWISE,        8,  8,  6, 24,  3, 3,  1, 1, 1, 0, CASE_LIMITS },
  { CASE_DEPTHWISE,        1, 30, 40, 40,  1, 5,  1, 1, 0, 0, 0 },
  { CASE_DEPTHWISE,        5,  5, 37, 37,  3, 3,  1, 1, 1, 0, CASE_EXTREMES },
  { CASE_DEPTHWISE,        2,  2, 64, 64,  3, 3,  1, 1, 1, 0, 0 },
  { CASE_DEPTHWISE,        9, 11, 39, 39,  3, 3,  1, 1, 1, 0, CASE_ZEROS },
  { CASE_DEPTHWISE,        8,  8,  6, 12,  3, 3,  2, 1, 1, 0, CASE_ZEROS },
  { CASE_FULLY_CONNECTED,  1,  3, 41, 30,  0, 0,  0, 0, 0, 0, CASE_ZEROS },
  { CASE_FULLY_CONNECTED,  1,  1, 64, 12,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_FULLY_CONNECTED,  1,  3, 41, 30,  0, 0,  0, 0, 0, 0, CASE_LIMITS },
  { CASE_FULLY_CONNECTED,  1,  1,640, 67,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_FULLY_CONNECTED,  1,  2,  1,  5,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_FULLY_CONNECTED,  1,  1,200,  7,  0, 0,  0, 0, 0, 0, CASE_EXTREMES },
  { CASE_MAX_POOL,         9, 10, 20, 20,  2, 2,  2, 1, 0, 0, CASE_SAME },
  { CASE_MAX_POOL,         9,  7, 35, 35,  3, 3,  2, 1, 1, 0, CASE_SAME | CASE_LIMITS },
  { CASE_MAX_POOL,         8,  8,  5,  5,  3, 2,  1, 2, 1, 0, 0 },
  { CASE_AVERAGE_POOL,    25,  5, 64, 64, 25, 5,  1, 1, 0, 0, CASE_SAME },
  { CASE_AVERAGE_POOL,     8,  8, 20, 20,  8, 8,  1, 1, 0, 0, 0 },
  { CASE_AVERAGE_POOL,     9,  7, 35, 35,  3, 3,  2, 1, 1, 0, CASE_SAME | CASE_LIMITS },
  { CASE_AVERAGE_POOL,     9,  7, 16, 16,  3, 3,  1, 1, 2, 0, CASE_SAME | CASE_COUNT_PAD },
  { CASE_AVERAGE_POOL,     8,  8, 20, 20,  4, 4,  2, 1, 0, 0, CASE_SAME | CASE_UNSIGNED },
  { CASE_MEAN,             7,  6, 33,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_MEAN,             1, 50, 64,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_ADD,              8,  8, 16,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_ADD,              5,  7, 11,  0,  0, 0,  0, 0, 0, 0, CASE_LIMITS },
  { CASE_ADD,              5,  7, 11,  0,  0, 0,  0, 0, 0, 0, CASE_REPEAT },
  { CASE_MUL,              8,  8, 16,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_MUL,              3,  5, 21,  0,  0, 0,  0, 0, 0, 0, CASE_LIMITS },
  { CASE_MUL,              3,  5, 21,  0,  0, 0,  0, 0, 0, 0, CASE_REPEAT },
  { CASE_SOFTMAX,          1,  1, 12,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_SOFTMAX,          3,  2,301,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_LOOKUP,           5,  5, 13,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_QUANTIZE,         5,  5, 13,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_DEQUANTIZE,       5,  5, 13,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_TRANSPOSE,        5,  7,  9,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_PAD,              5,  7,  9,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_CONCAT,           5,  7,  9,  4,  0, 0,  0, 0, 0, 0, 0 },
  /* Layers of keyword spotting (DS-CNN), CIFAR-10 (ResNet-8), visual wake words (MobileNet). */
  { CASE_CONV,            49, 10,  1, 64, 10, 4,  2, 1, 4, 1, 0 },
  { CASE_DEPTHWISE,       25,  5, 64, 64,  3, 3,  1, 1, 1, 0, 0 },
  { CASE_CONV,            25,  5, 64, 64,  1, 1,  1, 1, 0, 1, 0 },
  { CASE_CONV,            32, 32,  3, 16,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_CONV,            16, 16, 16, 16,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_CONV,            16, 16, 32, 32,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_CONV,             8,  8, 64, 64,  3, 3,  1, 1, 1, 1, 0 },
  { CASE_ADD,             32, 32, 16,  0,  0, 0,  0, 0, 0, 0, 0 },
  { CASE_DEPTHWISE,       48, 48,  8,  8,  3, 3,  1, 1, 1, 0, 0 },
  { CASE_CONV,            48, 48,  8, 16,  1, 1,  1, 1, 0, 1, 0 },
  { CASE_CONV,             6,  6,128,128,  1, 1,  1, 1, 0, 1, 0 },
};
/* clang-format on */
const int32_t n_cases = (int32_t)(sizeof cases / sizeof *cases);

CaseData case_data;

/* Boards have no exp(); test-cortex-m.c compares with it. */
const float softmax_table[256] = {
  0x1p+0f,         0x1.caaac6p-1f,  0x1.9ae3bep-1f,  0x1.7016c6p-1f,  0x1.49bf24p-1f,
  0x1.2765f6p-1f,  0x1.08a0bep-1f,  0x1.da201ap-2f,  0x1.a8bcdap-2f,  0x1.7c7e9ap-2f,
  0x1.54dc28p-2f,  0x1.315aap-2f,   0x1.118becp-2f,  0x1.ea1acep-3f,  0x1.b70d72p-3f,
  0x1.895178p-3f,  0x1.60590ep-3f,  0x1.3ba53p-3f,   0x1.1ac40ap-3f,  0x1.fa9f6p-4f,
  0x1.c5d986p-4f,  0x1.9692f8p-4f,  0x1.6c3912p-4f,  0x1.46488ap-4f,  0x1.244bbap-4f,
  0x1.05d938p-4f,  0x1.d5254ep-5f,  0x1.a446d6p-5f,  0x1.787f8ep-5f,  0x1.5147aap-5f,
  0x1.2e259cp-5f,  0x1.0eac6ap-5f,  0x1.e4f508p-6f,  0x1.b270f4p-6f,  0x1.852feep-6f,
  0x1.5ca5b2p-6f,  0x1.38547ep-6f,  0x1.17cbcp-6f,   0x1.f54d34p-7f,  0x1.c1154p-7f,
  0x1.924dc8p-7f,  0x1.6865ccp-7f,  0x1.42db4p-7f,   0x1.2139cep-7f,  0x1.03192ap-7f,
  0x1.d037e8p-8f,  0x1.9fdcd4p-8f,  0x1.748b3cp-8f,  0x1.4dbcd6p-8f,  0x1.2af938p-8f,
  0x1.0bd4a6p-8f,  0x1.dfdd16p-9f,  0x1.ade0dcp-9f,  0x1.811984p-9f,  0x1.58fc42p-9f,
  0x1.350cb4p-9f,  0x1.14db78p-9f,  0x1.f0095p-10f,  0x1.bc5dc4p-10f, 0x1.8e142p-10f,
  0x1.649cc4p-10f, 0x1.3f772ap-10f, 0x1.1e3024p-10f, 0x1.00608ap-10f, 0x1.cb57b8p-11f,
  0x1.9b7eaap-11f, 0x1.70a196p-11f, 0x1.4a3b7cp-11f, 0x1.27d558p-11f, 0x1.090482p-11f,
  0x1.dad2e4p-12f, 0x1.a95d02p-12f, 0x1.7d0e1p-12f,  0x1.555cb4p-12f, 0x1.31cdbcp-12f,
  0x1.11f31p-12f,  0x1.ead3a4p-13f, 0x1.b7b2f6p-13f, 0x1.89e5c6p-13f, 0x1.60ddf4p-13f,
  0x1.3c1c3p-13f,  0x1.1b2eacp-13f, 0x1.fb5e74p-14f, 0x1.c684a6p-14f, 0x1.972c4ap-14f,
  0x1.6cc26p-14f,  0x1.46c39p-14f,  0x1.24b9f4p-14f, 0x1.063beep-14f, 0x1.d5d632p-15f,
  0x1.a4e55ap-15f, 0x1.790d7cp-15f, 0x1.51c6dcp-15f, 0x1.2e9792p-15f, 0x1.0f1278p-15f,
  0x1.e5abeap-16f, 0x1.b314cep-16f, 0x1.85c2acp-16f, 0x1.5d292cp-16f, 0x1.38ca3cp-16f,
  0x1.183542p-16f, 0x1.f60a4p-17f,  0x1.c1be8cp-17f, 0x1.92e57ep-17f, 0x1.68edb4p-17f,
  0x1.4354f6p-17f, 0x1.21a6ep-17f,  0x1.037ae8p-17f, 0x1.d0e6e8p-18f, 0x1.a079a6p-18f,
  0x1.7517acp-18f, 0x1.4e3aa6p-18f, 0x1.2b69f8p-18f, 0x1.0c399ep-18f, 0x1.e0920cp-19f,
  0x1.ae82f8p-19f, 0x1.81aabp-19f,  0x1.597e5ap-19f, 0x1.35814ap-19f, 0x1.1543d6p-19f,
  0x1.f0c45ep-20f, 0x1.bd0564p-20f, 0x1.8eaa3p-20f,  0x1.65233ep-20f, 0x1.3fef98p-20f,
  0x1.1e9c1p-20f,  0x1.00c138p-20f, 0x1.cc04e2p-21f, 0x1.9c19d8p-21f, 0x1.712c9ap-21f,
  0x1.4ab7fap-21f, 0x1.2844e8p-21f, 0x1.09687ap-21f, 0x1.db85e4p-22f, 0x1.a9fd6ap-22f,
  0x1.7d9db6p-22f, 0x1.55dd64p-22f, 0x1.324118p-22f, 0x1.125a56p-22f, 0x1.eb8cacp-23f,
  0x1.b858d2p-23f, 0x1.8a7a44p-23f, 0x1.6162fap-23f, 0x1.3c936ep-23f, 0x1.1b996ep-23f,
  0x1.fc1db8p-24f, 0x1.c7301ap-24f, 0x1.97c5cap-24f, 0x1.6d4be2p-24f, 0x1.473ed4p-24f,
  0x1.25284ep-24f, 0x1.069ecap-24f, 0x1.d6876ep-25f, 0x1.a58406p-25f, 0x1.799ba2p-25f,
  0x1.524646p-25f, 0x1.2f09a4p-25f, 0x1.0f78a8p-25f, 0x1.e6631ep-26f, 0x1.b3b8d4p-26f,
  0x1.86559ap-26f, 0x1.5dace2p-26f, 0x1.39403ap-26f, 0x1.189ee4p-26f, 0x1.f6c7a2p-27f,
  0x1.c26834p-27f, 0x1.937d6p-27f,  0x1.6975aep-27f, 0x1.43ceeep-27f, 0x1.22141p-27f,
  0x1.03dcaap-27f, 0x1.d19648p-28f, 0x1.a116a8p-28f, 0x1.75a452p-28f, 0x1.4eb8bap-28f,
  0x1.2bdad6p-28f, 0x1.0c9ebap-28f, 0x1.e14754p-29f, 0x1.af2544p-29f, 0x1.823c14p-29f,
  0x1.5a00aep-29f, 0x1.35f5f6p-29f, 0x1.15ac5ep-29f, 0x1.f17fc4p-30f, 0x1.bdad28p-30f,
  0x1.8f407ap-30f, 0x1.65a9f6p-30f, 0x1.406848p-30f, 0x1.1f081cp-30f, 0x1.012212p-30f,
  0x1.ccb26ap-31f, 0x1.9cb532p-31f, 0x1.71b7dcp-31f, 0x1.4b34bcp-31f, 0x1.28b498p-31f,
  0x1.09cc78p-31f, 0x1.dc3946p-32f, 0x1.aa9e02p-32f, 0x1.7e2d94p-32f, 0x1.565e5ap-32f,
  0x1.32b48cp-32f, 0x1.12c1c2p-32f, 0x1.ec4618p-33f, 0x1.b8fed4p-33f, 0x1.8b0efap-33f,
  0x1.61e848p-33f, 0x1.3d0ac6p-33f, 0x1.1c0458p-33f, 0x1.fcdd66p-34f, 0x1.c7dbb4p-34f,
  0x1.985f84p-34f, 0x1.6dd5c4p-34f, 0x1.47ba3p-34f,  0x1.2596d2p-34f, 0x1.0701ecp-34f,
  0x1.d738dp-35f,  0x1.a622ecp-35f, 0x1.7a2a2ap-35f, 0x1.52c5ccp-35f, 0x1.2f7be2p-35f,
  0x1.0fdfp-35f,   0x1.e71a7ap-36f, 0x1.b45d16p-36f, 0x1.86e8cp-36f,  0x1.5e30b4p-36f,
  0x1.39b652p-36f, 0x1.1908aep-36f, 0x1.f7852cp-37f, 0x1.c312p-37f,   0x1.94157cp-37f,
  0x1.69fe1ep-37f, 0x1.4449p-37f,   0x1.22816cp-37f, 0x1.043ecp-37f,  0x1.d245ccp-38f,
  0x1.a1b3e4p-38f, 0x1.76315cp-38f, 0x1.4f36eap-38f, 0x1.2c4be2p-38f, 0x1.0d042p-38f,
  0x1.e1fcc2p-39f, 0x1.afc7ccp-39f, 0x1.82cddep-39f, 0x1.5a831ep-39f, 0x1.366adp-39f,
  0x1.16150ap-39f, 0x1.f23b5p-40f,  0x1.be552ap-40f, 0x1.8fd6fep-40f, 0x1.6630ccp-40f,
  0x1.40e112p-40f, 0x1.1f745p-40f,  0x1.018302p-40f, 0x1.cd6018p-41f, 0x1.9d50c8p-41f,
  0x1.72433cp-41f,
};

static int32_t weights_of (const Case *c);

uint32_t
case_macs (int32_t which)
{
  const Case *c = &cases[which];
  const CaseData *d = &case_data;
  const int32_t n_outputs = c->kind == CASE_FULLY_CONNECTED ? c->h * c->w : d->out_h * d->out_w;

  return c->kind > CASE_FULLY_CONNECTED ? 0 : (uint32_t)(n_outputs * weights_of (c));
}

const char *
case_kind_name (CaseKind kind)
{
  static const char *const names[]
      = { "conv",       "conv in patches", "depthwise", "fully connected",
          "max pool",   "average pool",    "mean",      "add",
          "mul",        "softmax",         "lookup",    "quantize",
          "dequantize", "transpose",       "pad",       "concat" };
  return names[kind];
}

/* ---- random numbers: xorshift, Marsaglia 2003 ---- */

static uint32_t state;

static uint32_t
random_u32 (void)
{
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static int32_t
random_range (int32_t low, int32_t end)
{
  return low + (int32_t)(random_u32 () % (uint32_t)(end - low));
}

static float
random_real (float low, float high)
{
  return low + (high - low) * ((float)(random_u32 () >> 8) / 16777216.0f);
}

static void
random_codes (int8_t *to, int32_t n, bool extremes)
{
  for (int32_t i = 0; i < n; i++)
    to[i] = extremes ? -128 : (int8_t)random_range (-128, 128);
}

static int32_t
out_size (int32_t size, int32_t before, int32_t after, int32_t kernel, int32_t stride,
          int32_t dilation)
{
  return kernel == 0 ? 0 : (size + before + after - dilation * (kernel - 1) - 1) / stride + 1;
}

static int32_t
weights_of (const Case *c)
{
  if (c->kind == CASE_CONV || c->kind == CASE_CONV_PATCHES)
    return c->o * c->kh * c->kw * (c->c / c->groups);
  if (c->kind == CASE_DEPTHWISE)
    return c->kh * c->kw * c->o;
  return c->kind == CASE_FULLY_CONNECTED ? c->o * c->c : 0;
}

static void
fill (const Case *c, int32_t which)
{
  CaseData *d = &case_data;
  const bool extremes = (c->flags & CASE_EXTREMES) != 0;

  state = 2463534242u + (uint32_t)which * 7919u;
  d->x_scale = random_real (0.02f, 0.06f);
  d->b_scale = random_real (0.02f, 0.06f);
  d->x_zero = random_range (-128, 128);
  d->b_zero = random_range (-128, 128);
  d->y_scale = c->flags & CASE_SAME ? d->x_scale : random_real (0.03f, 0.08f);
  d->y_zero = c->flags & CASE_SAME ? d->x_zero : random_range (-60, 60);
  d->low = c->flags & CASE_LIMITS ? d->y_zero : -128;
  d->high = c->flags & CASE_LIMITS ? (d->y_zero < 67 ? d->y_zero + 60 : 127) : 127;
  random_codes (d->x, c->h * c->w * c->c, extremes);
  random_codes (d->b, c->h * c->w * c->c, extremes);
  random_codes (d->w, weights_of (c), extremes);
  random_codes (d->table, 256, false);
  for (int32_t i = 0; i < c->o; i++)
    {
      d->bias[i] = random_range (-5000, 5000);
      d->w_scale[i] = random_real (0.001f, 0.02f);
      d->w_zero[i] = c->flags & CASE_ZEROS ? random_range (-128, 128) : 0;
    }
  for (int32_t i = 0; i < c->h * c->w * c->c && c->kind == CASE_QUANTIZE; i++)
    d->reals[i] = random_real (-12, 12);
  d->out_h = out_size (c->h, c->kh > 1 ? c->pad : 0, c->kh > 1 ? c->pad / 2 : 0, c->kh, c->stride,
                       c->dilation);
  d->out_w = out_size (c->w, c->kw > 1 ? c->pad : 0, c->kw > 1 ? c->pad / 2 : 0, c->kw, c->stride,
                       c->dilation);
}

/* ---- what a generator makes of it ---- */

static _Alignas(16) int8_t rows[CASE_MAX_W + 4 * CASE_MAX_O];
static int32_t bias[CASE_MAX_O];
static float scale[CASE_MAX_O];
static _Alignas(16) uint8_t scratch[16384 + 32];
static int8_t patch_x[CASE_MAX_X], patch_y[CASE_MAX_Y];

static McRequant
requant (void)
{
  const CaseData *d = &case_data;
  return (McRequant){ .low = (float)(d->low - d->y_zero),
                      .high = (float)(d->high - d->y_zero),
                      .zero = d->y_zero };
}

static McWindow
window (const Case *c)
{
  const CaseData *d = &case_data;
  const int32_t pixel = c->flags & CASE_WIDE ? c->o + 5 : c->o;

  return (McWindow){ .in_h = c->h,
                     .in_w = c->w,
                     .in_c = c->c,
                     .out_h = d->out_h,
                     .out_w = d->out_w,
                     .out_c = c->o,
                     .kernel_h = c->kh,
                     .kernel_w = c->kw,
                     .stride_h = c->stride,
                     .stride_w = c->stride,
                     .dilation_h = c->dilation,
                     .dilation_w = c->dilation,
                     .pad_top = c->kh > 1 ? c->pad : 0,
                     .pad_left = c->kw > 1 ? c->pad : 0,
                     .x_row_bytes = c->w * c->c,
                     .x_pixel_bytes = c->c,
                     .y_row_bytes = d->out_w * pixel,
                     .y_pixel_bytes = pixel };
}

/* Biases, scales and padded rows of [n_rows][n_cols] weights. */
static void
fold_rows (int32_t n_rows, int32_t n_cols)
{
  const CaseData *d = &case_data;

  for (int32_t r = 0; r < n_rows; r++)
    {
      uint32_t sum = 0;

      for (int32_t i = 0; i < MC_ROW_BYTES (n_cols); i++)
        rows[r * MC_ROW_BYTES (n_cols) + i] = i < n_cols ? d->w[r * n_cols + i] : 0;
      for (int32_t i = 0; i < n_cols; i++)
        sum += (uint32_t)(d->x_zero * (d->w[r * n_cols + i] - d->w_zero[r]));
      bias[r] = (int32_t)((uint32_t)d->bias[r] - sum);
      scale[r] = d->x_scale * d->w_scale[r] / d->y_scale;
    }
}

static void
fold_columns (int32_t n_taps, int32_t n_channels)
{
  const CaseData *d = &case_data;

  for (int32_t c = 0; c < n_channels; c++)
    {
      uint32_t sum = 0;

      for (int32_t t = 0; t < n_taps; t++)
        sum += (uint32_t)(d->x_zero * (d->w[t * n_channels + c] - d->w_zero[c]));
      bias[c] = (int32_t)((uint32_t)d->bias[c] - sum);
      scale[c] = d->x_scale * d->w_scale[c] / d->y_scale;
    }
}

static double
round_half_even (double v)
{
  const double magic = 0x1.8p52;
  volatile double sum = v + magic;
  return sum - magic;
}

/* The factors of add, KnQbinaryArgs: the larger one has 21 bits. */
static void
fold_add (McBinary *p)
{
  const CaseData *d = &case_data;
  const float a = d->x_scale / d->y_scale, b = d->b_scale / d->y_scale;
  double larger = (double)(a > b ? a : b), power = 1;

  p->shift = 0;
  for (; larger * power < 0x1p20; power *= 2)
    p->shift++;
  p->a_factor = (int32_t)round_half_even ((double)a * power);
  p->b_factor = (int32_t)round_half_even ((double)b * power);
  p->bias = (1 << (p->shift - 1)) - p->a_factor * d->x_zero - p->b_factor * d->b_zero;
}

/* ---- running ---- */

const int8_t *(*case_place) (const int8_t *bytes, int32_t n);
bool case_places_weights;

static const int8_t *
x_of (const Case *c)
{
  return case_place != NULL && !case_places_weights ? case_place (case_data.x, c->h * c->w * c->c)
                                                    : case_data.x;
}

static const int8_t *
weights_at (const int8_t *weights, int32_t n)
{
  return case_place != NULL && case_places_weights ? case_place (weights, n) : weights;
}

#define GUARD 0x5a

static bool
is_guard (const void *bytes, size_t n)
{
  const uint8_t *b = bytes;

  for (size_t i = 0; i < n; i++)
    if (b[i] != GUARD)
      return false;
  return true;
}

static void
set_guard (void *bytes, size_t n)
{
  uint8_t *b = bytes;

  for (size_t i = 0; i < n; i++)
    b[i] = GUARD;
}

static McIsa
isa (void)
{
  const char *name = mc_isa_name ();
  return name[0] == 'm' ? MC_ISA_MVE : name[0] == 'd' ? MC_ISA_DSP : MC_ISA_PLAIN;
}

static const int32_t *
zeros (const Case *c)
{
  return c->flags & CASE_ZEROS ? case_data.w_zero : NULL;
}

static size_t scratch_bytes;

static void
call_conv (const Case *c)
{
  const McConv conv = { .window = window (c),
                        .groups = c->groups,
                        .weights = weights_at (rows, c->o * MC_ROW_BYTES (weights_of (c) / c->o)),
                        .bias = bias,
                        .scale = scale,
                        .x_zero = case_data.x_zero,
                        .requant = requant (),
                        .w_zero = zeros (c) };

  scratch_bytes = mc_conv_scratch_bytes (&conv, isa ());
  mc_conv (&conv, x_of (c), case_data.y, scratch);
}

static void
call_conv_patch (const Case *c, McPart out)
{
  McConv conv = { .window = window (c),
                  .groups = c->groups,
                  .weights = rows,
                  .bias = bias,
                  .scale = scale,
                  .x_zero = case_data.x_zero,
                  .requant = requant () };
  const McPart in = mc_window_inputs (&conv.window, out);
  const McWindow whole = conv.window;

  mc_copy_rows (in.h, (size_t)(in.w * c->c), case_data.x + (in.y * c->w + in.x) * c->c,
                whole.x_row_bytes, patch_x, in.w * c->c);
  conv.window = mc_window_patch (&whole, in, out);
  mc_conv (&conv, patch_x, patch_y, scratch);
  mc_copy_rows (out.h, (size_t)(out.w * c->o), patch_y, out.w * c->o,
                case_data.y + out.y * whole.y_row_bytes + out.x * whole.y_pixel_bytes,
                whole.y_row_bytes);
}

static void
call_conv_patches (const Case *c)
{
  const int32_t h = case_data.out_h / 2, w = case_data.out_w / 3;

  call_conv_patch (c, (McPart){ 0, 0, h, w });
  call_conv_patch (c, (McPart){ 0, w, h, case_data.out_w - w });
  call_conv_patch (c, (McPart){ h, 0, case_data.out_h - h, w });
  call_conv_patch (c, (McPart){ h, w, case_data.out_h - h, case_data.out_w - w });
}

static void
call_depthwise (const Case *c)
{
  const McDepthwise depthwise = { .window = window (c),
                                  .weights = weights_at (case_data.w, weights_of (c)),
                                  .bias = bias,
                                  .scale = scale,
                                  .x_zero = case_data.x_zero,
                                  .requant = requant (),
                                  .w_zero = zeros (c) };

  scratch_bytes = mc_depthwise_scratch_bytes (&depthwise, isa ());
  mc_depthwise (&depthwise, x_of (c), case_data.y, scratch);
}

static void
call_fully_connected (const Case *c)
{
  const McFullyConnected fc = { .n_rows = c->h * c->w,
                                .n_cols = c->c,
                                .n_out = c->o,
                                .weights = weights_at (rows, c->o * MC_ROW_BYTES (c->c)),
                                .bias = bias,
                                .scale = scale,
                                .requant = requant (),
                                .w_zero = zeros (c) };

  mc_fully_connected (&fc, x_of (c), case_data.y);
}

static void
call_pool (const Case *c)
{
  const McPool pool = { .window = window (c),
                        .pad_bottom = c->pad / 2,
                        .pad_right = c->pad / 2,
                        .count_padding = (c->flags & CASE_COUNT_PAD) != 0,
                        .same_quant = (c->flags & CASE_SAME) != 0,
                        .code_shift = c->flags & CASE_UNSIGNED ? 128 : 0,
                        .ratio = case_data.x_scale / case_data.y_scale,
                        .x_zero = case_data.x_zero,
                        .requant = requant () };

  if (c->kind == CASE_MAX_POOL)
    mc_max_pool (&pool, x_of (c), case_data.y);
  else
    mc_average_pool (&pool, x_of (c), case_data.y);
}

static void
call_mean (const Case *c)
{
  const McMean mean = { .n_outer = c->h,
                        .n = c->w,
                        .n_inner = c->c,
                        .scale = case_data.x_scale / case_data.y_scale / (float)c->w,
                        .x_zero = case_data.x_zero,
                        .requant = requant () };

  mc_mean (&mean, x_of (c), case_data.y);
}

static void
call_binary (const Case *c)
{
  const CaseData *d = &case_data;
  const bool repeat = (c->flags & CASE_REPEAT) != 0;
  McBinary binary = { .n_rows = c->h * c->w,
                      .n = c->c,
                      .b_row_step = repeat ? 1 : c->c,
                      .b_step = repeat ? 0 : 1,
                      .a_zero = d->x_zero,
                      .b_zero = d->b_zero,
                      .scale = d->x_scale * d->b_scale / d->y_scale,
                      .requant = requant () };

  if (c->kind == CASE_ADD)
    {
      fold_add (&binary);
      mc_add (&binary, x_of (c), d->b, case_data.y);
    }
  else
    mc_mul (&binary, x_of (c), d->b, case_data.y);
}

static void
call_softmax (const Case *c)
{
  const McSoftmax softmax = {
    .n_rows = c->h * c->w, .n = c->c, .table = softmax_table, .y_scale = 1 / 256.0f, .y_zero = -128
  };

  mc_softmax (&softmax, x_of (c), case_data.y);
}

static void
call_move (const Case *c)
{
  const McGather transpose = {
    .n_dims = 3, .element_bytes = 1, .dims = { c->c, c->h, c->w }, .steps = { 1, c->w * c->c, c->c }
  };
  const McPad pad = { .n_dims = 3,
                      .dims = { c->h, c->w, c->c },
                      .before = { 1, 2, 0 },
                      .after = { 0, -3, 2 },
                      .value = 42 };
  const int32_t n = c->h * c->w;

  if (c->kind == CASE_TRANSPOSE)
    mc_gather (&transpose, case_data.x, case_data.y);
  else if (c->kind == CASE_PAD)
    mc_pad (&pad, case_data.x, case_data.y);
  else
    {
      mc_copy_rows (n, (size_t)c->c, case_data.x, c->c, case_data.y, c->c + c->o);
      mc_copy_rows (n, (size_t)c->o, case_data.b, c->o, case_data.y + c->c, c->c + c->o);
    }
}

static void
call (const Case *c)
{
  CaseData *d = &case_data;
  const int32_t n = c->h * c->w * c->c;
  const McRequant all = requant ();

  switch (c->kind)
    {
    case CASE_CONV:
      call_conv (c);
      break;
    case CASE_CONV_PATCHES:
      call_conv_patches (c);
      break;
    case CASE_DEPTHWISE:
      call_depthwise (c);
      break;
    case CASE_FULLY_CONNECTED:
      call_fully_connected (c);
      break;
    case CASE_MAX_POOL:
    case CASE_AVERAGE_POOL:
      call_pool (c);
      break;
    case CASE_MEAN:
      call_mean (c);
      break;
    case CASE_ADD:
    case CASE_MUL:
      call_binary (c);
      break;
    case CASE_SOFTMAX:
      call_softmax (c);
      break;
    case CASE_LOOKUP:
      mc_lookup (d->table, n, x_of (c), d->y);
      break;
    case CASE_QUANTIZE:
      mc_quantize (d->y_scale, &all, n, d->reals, d->y);
      break;
    case CASE_DEQUANTIZE:
      mc_dequantize (d->x_scale, d->x_zero, n, x_of (c), (float *)(void *)d->y);
      break;
    case CASE_TRANSPOSE:
    case CASE_PAD:
    case CASE_CONCAT:
      call_move (c);
      break;
    }
}

static size_t
y_bytes (const Case *c)
{
  const CaseData *d = &case_data;
  const int32_t n = c->h * c->w * c->c;

  if (c->kind == CASE_FULLY_CONNECTED)
    return (size_t)(c->h * c->w * c->o);
  if (c->kind <= CASE_AVERAGE_POOL)
    return (size_t)(d->out_h * d->out_w * window (c).y_pixel_bytes);
  if (c->kind == CASE_MEAN)
    return (size_t)(c->h * c->c);
  if (c->kind == CASE_PAD)
    return (size_t)((c->h + 1) * (c->w - 1) * (c->c + 2));
  if (c->kind == CASE_CONCAT)
    return (size_t)(c->h * c->w * (c->c + c->o));
  return (size_t)n * (c->kind == CASE_DEQUANTIZE ? sizeof (float) : 1);
}

uint32_t
case_run (int32_t which, int32_t n_times, uint32_t (*clock) (void), uint32_t *ticks, bool *broken)
{
  const Case *c = &cases[which];
  uint32_t sum = 2166136261u; /* FNV-1a */

  fill (c, which);
  scratch_bytes = 0;
  if (c->kind == CASE_DEPTHWISE)
    fold_columns (c->kh * c->kw, c->o);
  else if (weights_of (c) > 0)
    fold_rows (c->o, weights_of (c) / c->o);
  case_data.n_y = y_bytes (c);
  set_guard (case_data.y, sizeof case_data.y);
  set_guard (scratch, sizeof scratch);

  for (int32_t i = 0; i < n_times; i++)
    {
      const uint32_t start = clock != NULL ? clock () : 0;
      call (c);
      const uint32_t taken = clock != NULL ? clock () - start : 0;
      if (ticks != NULL && (i == 0 || taken < *ticks))
        *ticks = taken;
    }

  *broken = !is_guard (case_data.y + case_data.n_y, sizeof case_data.y - case_data.n_y)
            || (c->kind != CASE_CONV_PATCHES
                && !is_guard (scratch + scratch_bytes, sizeof scratch - scratch_bytes));
  for (size_t i = 0; i < case_data.n_y; i++)
    sum = (sum ^ (uint8_t)case_data.y[i]) * 16777619u;
  return sum;
}
