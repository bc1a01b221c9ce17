/* The codes of quantized blocks apart from their scales. Called by techniques that compensate for
 * the error of a column in those after it. Knows where codes lie, not how they are chosen. */
#include "kn-grid.h"

#include "kn-block-private.h"
#include "kn-f16-private.h"

bool
kn_grid_info (int dtype, KnGridInfo *info)
{
  switch (dtype)
    {
    case KN_Q4_0:
    case KN_Q4_1:
      *info = (KnGridInfo){ KN_QK, KN_QK, 16, false };
      return true;
    case KN_Q5_0:
    case KN_Q5_1:
      *info = (KnGridInfo){ KN_QK, KN_QK, 32, false };
      return true;
    case KN_Q8_0:
      *info = (KnGridInfo){ KN_QK, KN_QK, 256, false };
      return true;
    case KN_Q4_K:
      *info = (KnGridInfo){ KN_QK_K, 32, 16, false };
      return true;
    case KN_Q5_K:
      *info = (KnGridInfo){ KN_QK_K, 32, 32, false };
      return true;
    case KN_Q6_K:
      *info = (KnGridInfo){ KN_QK_K, 16, 64, false };
      return true;
    case KN_Q2_K:
      *info = (KnGridInfo){ KN_QK_K, 16, 4, false };
      return true;
    case KN_Q3_K:
      *info = (KnGridInfo){ KN_QK_K, 16, 8, false };
      return true;
    case KN_Q1_64:
      *info = (KnGridInfo){ KN_QK_64, KN_QK_64, 2 };
      return true;
    case KN_Q2_64:
      *info = (KnGridInfo){ KN_QK_64, 16, 4, false };
      return true;
    case KN_Q3_64:
      *info = (KnGridInfo){ KN_QK_64, 16, 8, false };
      return true;
    case KN_TQ2_0:
      *info = (KnGridInfo){ KN_QK_K, KN_QK_K, 3, false };
      return true;
    case KN_W4A8:
      *info = (KnGridInfo){ KN_QK, KN_QK, 16, true };
      return true;
    case KN_W8A8: /* -127..127 */
      *info = (KnGridInfo){ KN_QK, KN_QK, 255, true };
      return true;
    default:
      return false;
    }
}

static void
get_k (uint16_t d_bits, uint16_t dmin_bits, const uint8_t scales[12], float *scale, float *offset)
{
  float d = kn_f16_load (d_bits), dmin = kn_f16_load (dmin_bits);
  uint8_t sc[8], mn[8];

  kn_k_scales_get (scales, sc, mn);
  for (int g = 0; g < 8; g++)
    {
      scale[g] = d * (float)sc[g];
      offset[g] = -dmin * (float)mn[g];
    }
}

/* Scale in the low, minimum in the high nibble. */
static void
get_2_bits (uint16_t d_bits, uint16_t dmin_bits, const uint8_t *scales, int n, float *scale,
            float *offset)
{
  float d = kn_f16_load (d_bits), dmin = kn_f16_load (dmin_bits);

  for (int g = 0; g < n; g++)
    {
      scale[g] = d * (float)(scales[g] & 15);
      offset[g] = -dmin * (float)(scales[g] >> 4);
    }
}

static void
get_q3_k (const KnBlockQ3_K *b, float *scale, float *offset)
{
  int8_t sc[16];

  kn_q3_scales_get (b->scales, sc);
  for (int g = 0; g < 16; g++)
    {
      scale[g] = kn_f16_load (b->d) * (float)sc[g];
      offset[g] = -4 * scale[g];
    }
}

static void
get_q3_64 (const KnBlockQ3_64 *b, float *scale, float *offset)
{
  for (int g = 0; g < 4; g++)
    {
      scale[g] = kn_f16_load (b->d) * (float)((b->scales[g / 2] >> (g % 2 * 4) & 15) - 8);
      offset[g] = -4 * scale[g];
    }
}

void
kn_grid_get (KnDtype dtype, const void *block, float *scale, float *offset)
{
  /* All simple blocks begin with their scale; those with a minimum have it next. */
  const KnBlockQ4_1 *simple = block;

  switch ((int)dtype)
    {
    case KN_Q4_0:
    case KN_Q5_0:
    case KN_Q8_0:
      *scale = kn_f16_load (simple->d);
      *offset = -*scale * (dtype == KN_Q4_0 ? 8 : dtype == KN_Q5_0 ? 16 : 128);
      break;
    case KN_Q4_1:
    case KN_Q5_1:
      *scale = kn_f16_load (simple->d);
      *offset = kn_f16_load (simple->m);
      break;
    case KN_Q4_K:
      {
        const KnBlockQ4_K *b = block;
        get_k (b->d, b->dmin, b->scales, scale, offset);
        break;
      }
    case KN_Q5_K:
      {
        const KnBlockQ5_K *b = block;
        get_k (b->d, b->dmin, b->scales, scale, offset);
        break;
      }
    case KN_Q6_K:
      {
        const KnBlockQ6_K *b = block;
        for (int h = 0; h < 16; h++)
          {
            scale[h] = kn_f16_load (b->d) * (float)b->scales[h];
            offset[h] = -32 * scale[h];
          }
        break;
      }
    case KN_Q2_K:
      {
        const KnBlockQ2_K *b = block;
        get_2_bits (b->d, b->dmin, b->scales, 16, scale, offset);
        break;
      }
    case KN_Q1_64:
      *scale = 2 * kn_f16_load (((const KnBlockQ1_64 *)block)->d);
      *offset = -*scale / 2;
      break;
    case KN_Q2_64:
      {
        const KnBlockQ2_64 *b = block;
        get_2_bits (b->d, b->dmin, b->scales, 4, scale, offset);
        break;
      }
    case KN_Q3_K:
      get_q3_k (block, scale, offset);
      break;
    case KN_Q3_64:
      get_q3_64 (block, scale, offset);
      break;
    case KN_TQ2_0:
      *scale = kn_f16_load (((const KnBlockTQ2_0 *)block)->d);
      *offset = -*scale;
      break;
    case KN_W4A8:
    case KN_W8A8:
      memcpy (scale, block, sizeof *scale);
      *offset = -*scale * (dtype == KN_W4A8 ? 8 : 127);
      break;
    default: /* a wrong call */
      break;
    }
}

/* Low nibbles are values 0..15, high ones 16..31. */
static void
put_nibbles (uint8_t qs[16], const uint8_t *codes)
{
  for (int j = 0; j < 16; j++)
    qs[j] = (uint8_t)((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}

static void
put_fifth_bits (uint8_t qh[4], const uint8_t *codes)
{
  uint32_t bits = 0;

  for (int j = 0; j < KN_QK; j++)
    bits |= (uint32_t)(codes[j] >> 4 & 1) << j;
  kn_store_u32 (qh, bits);
}

static void
put_nibble_pairs (uint8_t qs[128], const uint8_t *codes)
{
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 32; j++)
      qs[32 * i + j] = (uint8_t)((codes[64 * i + j] & 15) | (codes[64 * i + 32 + j] & 15) << 4);
}

static void
put_q6_k (KnBlockQ6_K *b, const uint8_t *codes)
{
  memset (b->ql, 0, sizeof b->ql);
  memset (b->qh, 0, sizeof b->qh);
  for (size_t g = 0; g < 8; g++)
    {
      const uint8_t *ql, *qh;
      int ql_shift, qh_shift;

      kn_q6_codes (b, g, &ql, &ql_shift, &qh, &qh_shift);
      for (size_t j = 0; j < 32; j++)
        {
          b->ql[(size_t)(ql - b->ql) + j] |= (uint8_t)((codes[32 * g + j] & 15) << ql_shift);
          b->qh[(size_t)(qh - b->qh) + j] |= (uint8_t)((codes[32 * g + j] >> 4 & 3) << qh_shift);
        }
    }
}

/* The low two bits: four runs of 32 values to 32 bytes. */
static void
put_2_bits (uint8_t qs[64], const uint8_t *codes)
{
  memset (qs, 0, 64);
  for (int run = 0; run < 8; run++)
    for (int j = 0; j < 32; j++)
      qs[32 * (run / 4) + j] |= (uint8_t)((codes[32 * run + j] & 3) << 2 * (run % 4));
}

static void
put_2_bits_64 (uint8_t qs[16], const uint8_t *codes)
{
  memset (qs, 0, 16);
  for (int g = 0; g < 4; g++)
    for (int j = 0; j < 16; j++)
      qs[j] |= (uint8_t)((codes[16 * g + j] & 3) << 2 * g);
}

static void
put_q3_k (KnBlockQ3_K *b, const uint8_t *codes)
{
  put_2_bits (b->qs, codes);
  memset (b->hmask, 0, sizeof b->hmask);
  for (int run = 0; run < 8; run++)
    for (int j = 0; j < 32; j++)
      b->hmask[j] |= (uint8_t)((codes[32 * run + j] >> 2 & 1) << run);
}

static void
put_q3_64 (KnBlockQ3_64 *b, const uint8_t *codes)
{
  put_2_bits_64 (b->qs, codes);
  memset (b->qh, 0, sizeof b->qh);
  for (int g = 0; g < 4; g++)
    for (int j = 0; j < 16; j++)
      b->qh[j % 8] |= (uint8_t)((codes[16 * g + j] >> 2 & 1) << (2 * g + j / 8));
}

void
kn_grid_put (KnDtype dtype, void *block, const uint8_t *codes)
{
  switch ((int)dtype)
    {
    case KN_Q4_0:
      put_nibbles (((KnBlockQ4_0 *)block)->qs, codes);
      break;
    case KN_Q4_1:
      put_nibbles (((KnBlockQ4_1 *)block)->qs, codes);
      break;
    case KN_Q5_0:
      put_nibbles (((KnBlockQ5_0 *)block)->qs, codes);
      put_fifth_bits (((KnBlockQ5_0 *)block)->qh, codes);
      break;
    case KN_Q5_1:
      put_nibbles (((KnBlockQ5_1 *)block)->qs, codes);
      put_fifth_bits (((KnBlockQ5_1 *)block)->qh, codes);
      break;
    case KN_Q8_0:
      for (int j = 0; j < KN_QK; j++)
        ((KnBlockQ8_0 *)block)->qs[j] = (int8_t)(codes[j] - 128);
      break;
    case KN_Q4_K:
      put_nibble_pairs (((KnBlockQ4_K *)block)->qs, codes);
      break;
    case KN_Q5_K:
      {
        KnBlockQ5_K *b = block;
        put_nibble_pairs (b->qs, codes);
        memset (b->qh, 0, sizeof b->qh);
        for (int g = 0; g < 8; g++)
          for (int j = 0; j < 32; j++)
            b->qh[j] |= (uint8_t)((codes[32 * g + j] >> 4 & 1) << g);
        break;
      }
    case KN_Q6_K:
      put_q6_k (block, codes);
      break;
    case KN_Q2_K:
      put_2_bits (((KnBlockQ2_K *)block)->qs, codes);
      break;
    case KN_Q3_K:
      put_q3_k (block, codes);
      break;
    case KN_Q1_64:
      {
        KnBlockQ1_64 *b = block;
        memset (b->qs, 0, sizeof b->qs);
        for (int j = 0; j < KN_QK_64; j++)
          b->qs[j / 8] |= (uint8_t)((codes[j] & 1) << j % 8);
        break;
      }
    case KN_Q2_64:
      put_2_bits_64 (((KnBlockQ2_64 *)block)->qs, codes);
      break;
    case KN_Q3_64:
      put_q3_64 (block, codes);
      break;
    case KN_TQ2_0:
      put_2_bits (((KnBlockTQ2_0 *)block)->qs, codes);
      break;
    case KN_W4A8:
      put_nibbles (block, codes);
      break;
    case KN_W8A8:
      for (int j = 0; j < KN_QK; j++)
        ((int8_t *)block)[j] = (int8_t)(codes[j] - 127);
      break;
    default: /* a wrong call */
      break;
    }
}

void
kn_grid_put_scale (KnDtype dtype, void *row, float scale)
{
  if (dtype == KN_W4A8 || dtype == KN_W8A8) /* else a wrong call */
    memcpy (row, &scale, sizeof scale);
}
