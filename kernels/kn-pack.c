/* Packing rows of GGUF blocks into panels; kn-unpack.c is the way back. Called by the runtime when
 * a model is loaded; the layout is described in kn-panel-private.h. Packing moves codes and scales,
 * it never rounds.
 *
 * It is plain C on 32-bit words, four codes at a time: moving bytes at a few GB/s, which a load
 * from storage does not exceed. */
#include "kn-matmul.h"

#include "kn-block-private.h"
#include "kn-f16-private.h"
#include "kn-lookup-private.h"
#include "kn-panel-private.h"
#include "kn-quant.h"
#include "kn-rows-private.h"
#include "kn-skip-private.h"
#include "kn-sparse-private.h"

#define ROWS KN_PANEL_ROWS
#define LOW_NIBBLES 0x0f0f0f0fu

/* The codes of one row and group as eight steps of four bytes: low nibbles, and the bits above
 * them. */
typedef struct
{
  uint32_t nibbles[8];
  uint32_t high[8];
} Steps;

size_t
kn_panel_rows (KnDtype dtype)
{
  return dtype == KN_Q8_CHANNELS ? KN_SKIP_ROWS : KN_PANEL_ROWS;
}

KnDtype
kn_rows_dtype (KnDtype dtype)
{
  if (kn_sparse_base ((int)dtype) >= 0)
    return (KnDtype)kn_sparse_base ((int)dtype);
  if (kn_lookup_base ((int)dtype) >= 0)
    return (KnDtype)kn_lookup_base ((int)dtype);
  return dtype == KN_Q8_CHANNELS || dtype == KN_Q8_ROWS ? KN_Q8_0 : dtype;
}

size_t
kn_panel_bytes (KnDtype dtype, size_t n_cols)
{
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);
  const size_t block = 32 * kn_panel_block_groups (dtype);

  if (info == NULL || n_cols == 0 || n_cols % info->block_len != 0)
    return 0;
  if (kn_lookup_base ((int)dtype) >= 0) /* the same bytes in another order */
    return kn_panel_bytes ((KnDtype)kn_lookup_base ((int)dtype), n_cols);
  if (dtype == KN_I8)
    return (n_cols + 3) / 4 * 64;
  if (kn_sparse_base ((int)dtype) >= 0)
    return kn_sparse_panel_bytes (dtype, n_cols);
  if (dtype == KN_Q8_CHANNELS)
    return n_cols / 32 * KN_SKIP_GROUP_BYTES;
  if (dtype == KN_Q8_ROWS)
    return kn_rows_panel_bytes (n_cols);
  if (kn_panel_has_row_scale (dtype)) /* longer rows could overflow their sums */
    return n_cols <= KN_ROW_SCALE_MAX_COLS ? kn_panel_codes_at (dtype, n_cols / 32) : 0;
  if (kn_panel_is_f8 (dtype))
    return (n_cols / 32 * KN_F8_BLOCK_BYTES + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  if (info->block_len == 1)
    return (n_cols * ROWS * info->block_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
  return (n_cols + block - 1) / block * kn_panel_scale_bytes (dtype)
         + n_cols / 32 * kn_panel_group_bytes (dtype);
}

/* Nibbles as the simple blocks store them: values 0..15 low, 16..31 high. */
static inline void
simple_nibbles (const uint8_t qs[16], Steps *s)
{
  for (int i = 0; i < 4; i++)
    {
      uint32_t word = kn_load_u32 (qs + 4 * i);

      s->nibbles[i] = word & LOW_NIBBLES;
      s->nibbles[i + 4] = word >> 4 & LOW_NIBBLES;
    }
}

/* Spread the four low bits of @bits over the low bits of four bytes. */
static inline uint32_t
spread4 (uint32_t bits)
{
  return ((bits & 15) * 0x00204081u) & 0x01010101u;
}

static inline void
simple_fifth_bits (const uint8_t qh[4], Steps *s)
{
  uint32_t bits = kn_load_u32 (qh);

  for (int i = 0; i < 8; i++)
    s->high[i] = spread4 (bits >> 4 * i);
}

/* Bytes of a 32-value run, shifted and masked alike. */
static inline void
masked_steps (const uint8_t *bytes, int shift, uint32_t mask, uint32_t out[8])
{
  for (int i = 0; i < 8; i++)
    out[i] = kn_load_u32 (bytes + 4 * i) >> shift & mask;
}

static inline void
put_nibbles (const Steps *s, size_t row, uint8_t *group)
{
  for (size_t i = 0; i < 4; i++)
    kn_store_u32 (group + 64 * i + 4 * row, s->nibbles[i] | s->nibbles[i + 4] << 4);
}

static inline void
put_fifth_bits (const Steps *s, size_t row, uint8_t *group)
{
  uint32_t plane = 0;

  for (int i = 0; i < 8; i++)
    plane |= s->high[i] << i;
  kn_store_u32 (group + 256 + 4 * row, plane);
}

static inline void
put_top_pairs (const Steps *s, size_t row, uint8_t *group)
{
  for (size_t h = 0; h < 2; h++)
    {
      uint32_t plane = 0;

      for (size_t j = 0; j < 4; j++)
        plane |= s->high[4 * h + j] << 2 * j;
      kn_store_u32 (group + 256 + 64 * h + 4 * row, plane);
    }
}

/* Codes of two bits: line h has the steps 4h .. 4h + 3. */
static inline void
put_pairs (const uint32_t codes[8], size_t row, uint8_t *group)
{
  for (size_t h = 0; h < 2; h++)
    kn_store_u32 (group + 64 * h + 4 * row, codes[4 * h] | codes[4 * h + 1] << 2
                                                | codes[4 * h + 2] << 4 | codes[4 * h + 3] << 6);
}

static inline void
put_third_bits (const uint32_t bits[8], size_t row, uint8_t *group)
{
  uint32_t plane = 0;

  for (int i = 0; i < 8; i++)
    plane |= bits[i] << i;
  kn_store_u32 (group + 128 + 4 * row, plane);
}

static inline void
put_u16 (uint8_t *stream, size_t row, uint16_t value)
{
  memcpy (stream + 2 * row, &value, sizeof value);
}

static void
pack_q8_0 (const KnBlockQ8_0 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *codes = panel + kn_panel_codes_at (KN_Q8_0, g);

      put_u16 (panel + kn_panel_scales_at (KN_Q8_0, g) + g % 2 * 32, row, b->d);
      for (size_t i = 0; i < 8; i++)
        kn_store_u32 (codes + 64 * i + 4 * row, kn_load_u32 (b->qs + 4 * i));
    }
}

/* The pairing of nibbles in a panel is that of the block: words move as they are. */
static void
pack_q4_0 (const KnBlockQ4_0 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *codes = panel + kn_panel_codes_at (KN_Q4_0, g);

      put_u16 (panel + kn_panel_scales_at (KN_Q4_0, g) + g % 2 * 32, row, b->d);
      for (size_t i = 0; i < 4; i++)
        kn_store_u32 (codes + 64 * i + 4 * row, kn_load_u32 (b->qs + 4 * i));
    }
}

static void
pack_q4_1 (const KnBlockQ4_1 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *scales = panel + kn_panel_scales_at (KN_Q4_1, g), *codes = scales + 64;

      put_u16 (scales, row, b->d);
      put_u16 (scales + 32, row, b->m);
      for (size_t i = 0; i < 4; i++)
        kn_store_u32 (codes + 64 * i + 4 * row, kn_load_u32 (b->qs + 4 * i));
    }
}

static void
pack_q5_0 (const KnBlockQ5_0 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *codes = panel + kn_panel_codes_at (KN_Q5_0, g);
      Steps s;

      put_u16 (panel + kn_panel_scales_at (KN_Q5_0, g) + g % 2 * 32, row, b->d);
      simple_nibbles (b->qs, &s);
      simple_fifth_bits (b->qh, &s);
      put_nibbles (&s, row, codes);
      put_fifth_bits (&s, row, codes);
    }
}

static void
pack_q5_1 (const KnBlockQ5_1 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *scales = panel + kn_panel_scales_at (KN_Q5_1, g), *codes = scales + 64;
      Steps s;

      put_u16 (scales, row, b->d);
      put_u16 (scales + 32, row, b->m);
      simple_nibbles (b->qs, &s);
      simple_fifth_bits (b->qh, &s);
      put_nibbles (&s, row, codes);
      put_fifth_bits (&s, row, codes);
    }
}

static inline void
put_k_scales (uint16_t d, uint16_t dmin, const uint8_t packed[12], size_t row, uint8_t *scales)
{
  uint8_t sc[8], mn[8];

  put_u16 (scales, row, d);
  put_u16 (scales + 32, row, dmin);
  kn_k_scales_get (packed, sc, mn);
  for (size_t g = 0; g < 8; g++)
    {
      scales[64 + 32 * g + row] = sc[g];
      scales[64 + 32 * g + 16 + row] = mn[g];
    }
}

static void
pack_q4_k (const KnBlockQ4_K *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_Q4_K))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q4_K);

      put_k_scales (b->d, b->dmin, b->scales, row, panel);
      for (int g = 0; g < 8; g++, codes += 256)
        {
          Steps s;

          masked_steps (b->qs + 32 * (g / 2), 4 * (g % 2), LOW_NIBBLES, s.nibbles);
          put_nibbles (&s, row, codes);
        }
    }
}

static void
pack_q5_k (const KnBlockQ5_K *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_Q5_K))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q5_K);

      put_k_scales (b->d, b->dmin, b->scales, row, panel);
      for (int g = 0; g < 8; g++, codes += 320)
        {
          Steps s;

          masked_steps (b->qs + 32 * (g / 2), 4 * (g % 2), LOW_NIBBLES, s.nibbles);
          masked_steps (b->qh, g, 0x01010101u, s.high);
          put_nibbles (&s, row, codes);
          put_fifth_bits (&s, row, codes);
        }
    }
}

static void
pack_q6_k (const KnBlockQ6_K *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_Q6_K))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q6_K);

      put_u16 (panel, row, b->d);
      for (size_t h = 0; h < 16; h++)
        panel[32 + 16 * h + row] = (uint8_t)b->scales[h];
      panel[32 + 256 + row] = panel[32 + 272 + row] = 0;
      for (size_t g = 0; g < 8; g++, codes += 384)
        {
          const uint8_t *ql, *qh;
          int ql_shift, qh_shift;
          Steps s;

          kn_q6_codes (b, g, &ql, &ql_shift, &qh, &qh_shift);
          masked_steps (ql, ql_shift, LOW_NIBBLES, s.nibbles);
          masked_steps (qh, qh_shift, 0x03030303u, s.high);
          put_nibbles (&s, row, codes);
          put_top_pairs (&s, row, codes);
        }
    }
}

#define LOW_PAIRS 0x03030303u
#define LOW_BITS 0x01010101u

static void
pack_q2_k (const KnBlockQ2_K *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_Q2_K))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q2_K);

      put_u16 (panel, row, b->d);
      put_u16 (panel + 32, row, b->dmin);
      for (size_t g = 0; g < 8; g++, codes += 128)
        {
          uint32_t steps[8];

          memcpy (panel + 64 + 32 * g + 2 * row, b->scales + 2 * g, 2);
          masked_steps (b->qs + 32 * (g / 4), (int)(2 * (g % 4)), LOW_PAIRS, steps);
          put_pairs (steps, row, codes);
        }
    }
}

static void
pack_q3_k (const KnBlockQ3_K *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_Q3_K))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q3_K);
      int8_t sc[16];

      put_u16 (panel, row, b->d);
      put_u16 (panel + 32, row, 0);
      kn_q3_scales_get (b->scales, sc);
      for (size_t g = 0; g < 8; g++, codes += 192)
        {
          uint32_t steps[8], third[8];

          memcpy (panel + 64 + 32 * g + 2 * row, sc + 2 * g, 2);
          masked_steps (b->qs + 32 * (g / 4), (int)(2 * (g % 4)), LOW_PAIRS, steps);
          masked_steps (b->hmask, (int)g, LOW_BITS, third);
          put_pairs (steps, row, codes);
          put_third_bits (third, row, codes);
        }
    }
}

static void
pack_tq2_0 (const KnBlockTQ2_0 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_TQ2_0))
    {
      uint8_t *codes = panel + kn_panel_scale_bytes (KN_TQ2_0);

      put_u16 (panel, row, b->d);
      put_u16 (panel + 32, row, 0);
      for (size_t g = 0; g < 8; g++, codes += 128)
        {
          uint32_t steps[8];

          masked_steps (b->qs + 32 * (g / 4), (int)(2 * (g % 4)), LOW_PAIRS, steps);
          put_pairs (steps, row, codes);
        }
    }
}

/* Five values to a byte do not multiply: they are packed as TQ2_0 is. */
static void
pack_tq1_0 (const KnBlockTQ1_0 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 256; i++, b++, panel += kn_panel_block_bytes (KN_TQ1_0))
    {
      uint8_t *lines = panel + kn_panel_scale_bytes (KN_TQ1_0), codes[256];

      put_u16 (panel, row, b->d);
      put_u16 (panel + 32, row, 0);
      kn_tq1_codes (b, codes);
      for (size_t g = 0; g < 8; g++, lines += 128)
        {
          uint32_t steps[8];

          masked_steps (codes + 32 * g, 0, LOW_PAIRS, steps);
          put_pairs (steps, row, lines);
        }
    }
}

static void
pack_mxfp4 (const KnBlockMXFP4 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++, b++)
    {
      uint8_t *codes = panel + kn_panel_codes_at (KN_MXFP4, g);

      panel[kn_panel_scales_at (KN_MXFP4, g) + g % 4 * 16 + row] = b->e;
      for (size_t i = 0; i < 4; i++)
        kn_store_u32 (codes + 64 * i + 4 * row, kn_load_u32 (b->qs + 4 * i));
    }
}

/* The words of half groups 2 @g and 2 @g + 1 of a block of 64. */
static inline void
steps_64 (const uint8_t qs[16], size_t g, uint32_t steps[8])
{
  for (size_t i = 0; i < 8; i++)
    steps[i] = kn_load_u32 (qs + 4 * (i % 4)) >> 2 * (2 * g + i / 4) & LOW_PAIRS;
}

static void
pack_q2_64 (const KnBlockQ2_64 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 64; i++, b++, panel += kn_panel_block_bytes (KN_Q2_64))
    {
      put_u16 (panel, row, b->d);
      put_u16 (panel + 32, row, b->dmin);
      for (size_t g = 0; g < 2; g++)
        {
          uint32_t steps[8];

          memcpy (panel + 64 + 32 * g + 2 * row, b->scales + 2 * g, 2);
          steps_64 (b->qs, g, steps);
          put_pairs (steps, row, panel + kn_panel_scale_bytes (KN_Q2_64) + 128 * g);
        }
    }
}

static void
pack_q3_64 (const KnBlockQ3_64 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 64; i++, b++, panel += kn_panel_block_bytes (KN_Q3_64))
    {
      put_u16 (panel, row, b->d);
      for (size_t g = 0; g < 2; g++)
        {
          uint8_t *codes = panel + kn_panel_scale_bytes (KN_Q3_64) + 192 * g;
          uint32_t steps[8], third[8];

          panel[32 + 16 * g + row] = b->scales[g];
          steps_64 (b->qs, g, steps);
          /* Value j of 16 of half group h is bit 2 h + j / 8 of qh[j % 8]. */
          for (size_t s = 0; s < 8; s++)
            third[s]
                = kn_load_u32 (b->qh + 4 * (s % 2)) >> (2 * (2 * g + s / 4) + s % 4 / 2) & LOW_BITS;
          put_pairs (steps, row, codes);
          put_third_bits (third, row, codes);
        }
    }
}

/* The bits of a group in order are those of its steps. */
static void
pack_q1_64 (const KnBlockQ1_64 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t g = 0; g < n_cols / 32; g++)
    {
      const uint32_t bits = kn_load_u32 (b[g / 2].qs + g % 2 * 4);
      uint32_t line = 0;

      put_u16 (panel + kn_panel_scales_at (KN_Q1_64, g) + kn_panel_own_scales_at (KN_Q1_64, g % 4),
               row, b[g / 2].d);
      for (int i = 0; i < 8; i++)
        line |= spread4 (bits >> 4 * i) << i;
      kn_store_u32 (panel + kn_panel_codes_at (KN_Q1_64, g) + 4 * row, line);
    }
}

static void
pack_16bit (const uint16_t *src, size_t n_cols, size_t row, uint16_t *panel)
{
  for (size_t c = 0; c < n_cols; c++)
    panel[c * ROWS + row] = src[c];
}

static void
pack_32bit (const uint32_t *src, size_t n_cols, size_t row, uint32_t *panel)
{
  for (size_t c = 0; c < n_cols; c++)
    panel[c * ROWS + row] = src[c];
}

static void
pack_f8 (const KnBlockF8 *b, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t i = 0; i < n_cols / 32; i++, b++, panel += KN_F8_BLOCK_BYTES)
    {
      put_u16 (panel, row, b->d);
      for (size_t j = 0; j < 32; j++)
        panel[32 + j * ROWS + row] = b->qs[j];
    }
}

/* The padding columns are zero: whatever the activations hold there adds nothing. */
static void
pack_i8 (const int8_t *src, size_t n_cols, size_t row, uint8_t *panel)
{
  for (size_t c = 0; c < n_cols; c += 4)
    {
      uint8_t *step = panel + c / 4 * 64 + 4 * row;

      for (size_t k = 0; k < 4; k++)
        step[k] = c + k < n_cols ? (uint8_t)src[c + k] : 0;
    }
}

/* The scale of the row, then its codes as bytes; unsigned in the panel. */
static void
pack_w8a8 (const uint8_t *src, size_t n_cols, size_t row, uint8_t *panel)
{
  kn_store_u32 (panel + 4 * row, kn_load_u32 (src));
  panel += kn_panel_codes_at (KN_W8A8, 0);
  for (size_t i = 0; i < n_cols / 4; i++)
    kn_store_u32 (panel + 64 * i + 4 * row, kn_load_u32 (src + 4 + 4 * i) ^ 0x80808080u);
}

/* The nibbles of a row are paired as those of Q4_0 are. */
static void
pack_w4a8 (const uint8_t *src, size_t n_cols, size_t row, uint8_t *panel)
{
  kn_store_u32 (panel + 4 * row, kn_load_u32 (src));
  panel += kn_panel_codes_at (KN_W4A8, 0);
  for (size_t i = 0; i < n_cols / 8; i++)
    kn_store_u32 (panel + 64 * i + 4 * row, kn_load_u32 (src + 4 + 4 * i));
}

static void
pack_row (KnDtype dtype, const void *src, size_t n_cols, size_t row, uint8_t *panel)
{
  switch (dtype)
    {
    case KN_F32:
      pack_32bit (src, n_cols, row, (uint32_t *)panel);
      break;
    case KN_F16:
    case KN_BF16:
      pack_16bit (src, n_cols, row, (uint16_t *)panel);
      break;
    case KN_Q8_0:
      pack_q8_0 (src, n_cols, row, panel);
      break;
    case KN_Q4_0:
      pack_q4_0 (src, n_cols, row, panel);
      break;
    case KN_Q4_1:
      pack_q4_1 (src, n_cols, row, panel);
      break;
    case KN_Q5_0:
      pack_q5_0 (src, n_cols, row, panel);
      break;
    case KN_Q5_1:
      pack_q5_1 (src, n_cols, row, panel);
      break;
    case KN_Q4_K:
      pack_q4_k (src, n_cols, row, panel);
      break;
    case KN_Q5_K:
      pack_q5_k (src, n_cols, row, panel);
      break;
    case KN_Q6_K:
      pack_q6_k (src, n_cols, row, panel);
      break;
    case KN_W8A8:
      pack_w8a8 (src, n_cols, row, panel);
      break;
    case KN_W4A8:
      pack_w4a8 (src, n_cols, row, panel);
      break;
    case KN_Q2_K:
      pack_q2_k (src, n_cols, row, panel);
      break;
    case KN_Q3_K:
      pack_q3_k (src, n_cols, row, panel);
      break;
    case KN_TQ1_0:
      pack_tq1_0 (src, n_cols, row, panel);
      break;
    case KN_TQ2_0:
      pack_tq2_0 (src, n_cols, row, panel);
      break;
    case KN_MXFP4:
      pack_mxfp4 (src, n_cols, row, panel);
      break;
    case KN_Q2_64:
      pack_q2_64 (src, n_cols, row, panel);
      break;
    case KN_Q3_64:
      pack_q3_64 (src, n_cols, row, panel);
      break;
    case KN_Q1_64:
      pack_q1_64 (src, n_cols, row, panel);
      break;
    case KN_F8_E4M3:
    case KN_F8_E5M2:
      pack_f8 (src, n_cols, row, panel);
      break;
    case KN_I8:
      pack_i8 (src, n_cols, row, panel);
      break;
    case KN_Q8_CHANNELS: /* kn-skip.c */
    case KN_Q8_ROWS:     /* kn-rows.c */
    case KN_Q8_SPARSE: /* whole panels: kn-sparse.c */
    case KN_Q8_2_4:
    case KN_Q8_4_8:
    case KN_Q4_SPARSE:
    case KN_Q4_0_LUT: /* kn-lookup.c */
    case KN_Q2_K_LUT:
    case KN_Q2_64_LUT:
    case KN_Q3_K_LUT:
    case KN_Q3_64_LUT:
    case KN_TQ2_0_LUT:
    case KN_Q1_64_LUT:
      break;
    }
}

void
kn_pack_panel (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows, size_t n_cols,
               void *panel)
{
  size_t bytes = kn_panel_bytes (dtype, n_cols);

  if (dtype == KN_Q8_CHANNELS)
    {
      kn_skip_pack_panel (rows, row_stride, n_rows, n_cols, panel);
      return;
    }
  if (dtype == KN_Q8_ROWS)
    {
      kn_rows_pack_panel (rows, row_stride, n_rows, n_cols, panel);
      return;
    }
  if (kn_sparse_base ((int)dtype) >= 0)
    {
      kn_sparse_pack_panel (dtype, rows, row_stride, n_rows, n_cols, panel);
      return;
    }
  if (kn_lookup_base ((int)dtype) >= 0)
    {
      const KnDtype base = (KnDtype)kn_lookup_base ((int)dtype);

      kn_pack_panel (base, rows, row_stride, n_rows, n_cols, panel);
      kn_lookup_pack (base, n_cols, panel);
      return;
    }
  /* Padding is zero: it belongs to what is hashed and saved. With all rows there is some only where
   * the end of the last line or the second half of the last scales is not used. */
  if (n_rows < ROWS)
    memset (panel, 0, bytes);
  else if (dtype == KN_I8 || kn_panel_has_row_scale (dtype))
    ; /* all there is gets written */
  else if (kn_panel_group_bytes (dtype) == 0)
    memset ((uint8_t *)panel + bytes - KN_ALIGN, 0, KN_ALIGN);
  else if (n_cols / 32 % kn_panel_block_groups (dtype) != 0)
    memset ((uint8_t *)panel + kn_panel_scales_at (dtype, n_cols / 32 - 1), 0, 64);
  for (size_t row = 0; row < n_rows; row++)
    pack_row (dtype, (const uint8_t *)rows + row * row_stride, n_cols, row, panel);
}
