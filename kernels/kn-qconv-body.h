/* Products of 8-bit numbers and depthwise convolutions, written once for instruction sets with
 * short vectors.
 *
 * Included by x86/kn-qconv-avx2.c, arm/kn-qconv-neon.c and arm/kn-qconv-dotprod.c after the vectors
 * of x86/kn-q8-avx2.h or arm/kn-q8-neon.h. Each first defines
 *
 *   ACT_SIGNED       as KnQconvFamily.act_signed
 *   MAX_PIXELS       of a tile, at most 6
 *   tile_sums()      sums of P pixels and one panel (16 rows in order), added to acc
 *   DW_PAIR_BYTES    of packed weights of two taps x 16 channels
 *   dw_pack_pair()   makes them
 *   dw_pair()        adds the products of two taps to the sums of 16 channels */
#pragma once

#define ROWS KN_PANEL_ROWS
#define LINE (ROWS / LANES) /* vectors of a panel's rows, or of a block of channels */

KN_QINLINE I32
requant (I32 acc, F32 scale, const KnRequant *r)
{
  const F32 v
      = f32_limit (f32_mul (f32_of_i32 (acc), scale), f32_set1 (r->low), f32_set1 (r->high));

  return i32_add (i32_round (v), i32_set1 (r->zero));
}

/* 16 sums become codes; @scale is readable for all of them, @n are stored. */
KN_QINLINE void
store_codes (const I32 acc[LINE], const float *scale, const KnRequant *r, uint8_t *y, size_t n)
{
  uint8_t some[ROWS];
  uint8_t *to = n >= ROWS ? y : some;

  UNROLL
  for (size_t i = 0; i < LINE; i++)
    codes_store (to + i * LANES, requant (acc[i], f32_load (scale + i * LANES), r));
  if (n < ROWS)
    memcpy (y, some, n);
}

/* ---- copying ---- */

KN_QINLINE void
copy_bytes (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  const Bytes f = bytes_set1 (flip);

  for (; n >= 16; n -= 16, to += 16, from += 16)
    bytes_store (to, bytes_xor (bytes_load (from), f));
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] ^ flip;
}

static void
copy_all (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  copy_bytes (to, from, n, flip);
}

KN_QINLINE void
copy_windows (const KnWindows *w)
{
  for (size_t p = 0; p < w->n_pixels; p++)
    for (size_t k = 0; k < w->n_rows; k++)
      copy_bytes (w->to + p * w->to_step + k * w->n, w->from + p * w->from_step + k * w->row_bytes,
                  w->n, w->flip);
}

static void
gather (const KnQgatherArgs *args)
{
  kn_gather (args, copy_bytes, copy_windows);
}

KN_QINLINE int32_t
act (uint8_t x)
{
  return ACT_SIGNED ? (int8_t)x : x;
}

static void
row_sums (const uint8_t *x, size_t x_stride, size_t n_cols, size_t n_pixels, int32_t *sums)
{
  for (size_t p = 0; p < n_pixels; p++, x += x_stride)
    {
      I32 acc = i32_set1 (0);
      int32_t lanes[LANES], sum = 0;
      size_t c = 0;

      for (; c + LANES <= n_cols; c += LANES)
        acc = i32_add (acc, codes_load (x + c, ACT_SIGNED));
      for (; c < n_cols; c++)
        sum += act (x[c]);
      i32_store (lanes, acc);
      for (size_t i = 0; i < LANES; i++)
        sum += lanes[i];
      sums[p] = sum;
    }
}

/* ---- gemm ---- */

/* @acc minus the zero points' share. */
KN_QINLINE void
subtract_zero (const KnQgemmArgs *a, size_t first, const uint8_t *x, const int32_t *x_sum,
               I32 acc[LINE])
{
  int32_t sum = 0;

  if (x_sum != NULL)
    sum = *x_sum;
  else
    for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step)
      for (size_t c = 0; c < a->n_cols; c++)
        sum += act (x[c]);
  UNROLL
  for (size_t i = 0; i < LINE; i++)
    acc[i] = i32_sub (acc[i], i32_mul (i32_load (a->w_zero + first + i * LANES), i32_set1 (sum)));
}

KN_QINLINE void
store_pixel (const KnQgemmArgs *a, size_t first, const I32 acc[LINE], uint8_t *y)
{
  const size_t left = a->n_rows - first;

  if (a->scale != NULL)
    {
      store_codes (acc, a->scale + first, &a->requant, y + first, left);
      return;
    }
  int32_t sums[ROWS];
  UNROLL
  for (size_t i = 0; i < LINE; i++)
    i32_store (sums + i * LANES, acc[i]);
  memcpy (y + first * sizeof *sums, sums, (left < ROWS ? left : ROWS) * sizeof *sums);
}

/* P neighbouring pixels of a line, rows [first, first + 16). */
KN_QINLINE void
tile (const size_t P, const KnQgemmArgs *a, size_t line, size_t pixel, size_t first)
{
  const uint8_t *x = a->x + line * a->x_line_step + pixel * a->x_stride;
  uint8_t *y = (uint8_t *)a->y + line * a->y_line_step + pixel * a->y_stride;
  I32 acc[MAX_PIXELS][LINE];

  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t i = 0; i < LINE; i++)
    acc[p][i] = i32_load (a->bias + first + i * LANES);
  tile_sums (P, a, (const uint8_t *)a->panels + first / ROWS * kn_qgemm_panel_bytes (a), x, acc);
  UNROLL
  for (size_t p = 0; p < P; p++)
    {
      if (a->w_zero != NULL)
        subtract_zero (a, first, x + p * a->x_stride,
                       a->x_sum != NULL ? a->x_sum + line * a->n_pixels + pixel + p : NULL, acc[p]);
      store_pixel (a, first, acc[p], y + p * a->y_stride);
    }
}

static __attribute__ ((noinline)) void
tile_full (const KnQgemmArgs *a, size_t line, size_t pixel, size_t first)
{
  tile (MAX_PIXELS, a, line, pixel, first);
}

static __attribute__ ((noinline)) void
tile_two (const KnQgemmArgs *a, size_t line, size_t pixel, size_t first)
{
  tile (2, a, line, pixel, first);
}

static __attribute__ ((noinline)) void
tile_one (const KnQgemmArgs *a, size_t line, size_t pixel, size_t first)
{
  tile (1, a, line, pixel, first);
}

static void
gemm (const KnQgemmArgs *a)
{
  for (size_t first = 0; first < a->n_rows; first += ROWS)
    for (size_t line = 0; line < a->n_lines; line++)
      {
        size_t p = 0;

        for (; p + MAX_PIXELS <= a->n_pixels; p += MAX_PIXELS)
          tile_full (a, line, p, first);
        for (; p + 2 <= a->n_pixels; p += 2)
          tile_two (a, line, p, first);
        if (p < a->n_pixels)
          tile_one (a, line, p, first);
      }
}

/* ---- depthwise ----
 *
 * 16 channels at a time, two taps at a time in the order of the weights; the second of an odd last
 * one has the weight 0. Packed: [blocks of 16 channels][pairs]. */

static size_t
dw_bytes (size_t kh, size_t kw, size_t n_channels)
{
  return (n_channels + 15) / 16 * ((kh * kw + 1) / 2) * DW_PAIR_BYTES;
}

static void
dw_pack (const int8_t *w, size_t kh, size_t kw, size_t n_channels, void *packed)
{
  uint8_t *to = packed;

  for (size_t c = 0; c < n_channels; c += 16)
    for (size_t t = 0; t < kh * kw; t += 2, to += DW_PAIR_BYTES)
      {
        const size_t n = n_channels - c < 16 ? n_channels - c : 16;
        int8_t taps[2][16] = { 0 };

        memcpy (taps[0], w + t * n_channels + c, n);
        if (t + 1 < kh * kw)
          memcpy (taps[1], w + (t + 1) * n_channels + c, n);
        dw_pack_pair (taps[0], taps[1], to);
      }
}

/* The constants of a block, readable to its end. */
typedef struct
{
  const uint8_t *w;
  int32_t bias[16], w_zero[16];
  float scale[16];
} DwBlock;

/* n channels from @c on of output @o; all but the last block have 16. */
KN_QINLINE void
dw_output (const KnQdwArgs *a, const DwBlock *b, size_t o, size_t c, const size_t n)
{
  const size_t n_taps = a->kh * a->kw;
  const Bytes flip = bytes_set1 (a->flip);
  const uint8_t *w = b->w;
  uint8_t ones[DW_PAIR_BYTES], one[DW_PAIR_BYTES];
  I32 acc[LINE], sum[LINE];

  if (a->w_zero != NULL)
    {
      const int8_t all[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, none[16] = { 0 };
      dw_pack_pair (all, all, ones);
      dw_pack_pair (all, none, one);
    }
  UNROLL
  for (size_t i = 0; i < LINE; i++)
    {
      acc[i] = i32_load (b->bias + i * LANES);
      sum[i] = i32_set1 (0);
    }
  for (size_t t = 0, ky = 0, kx = 0; t < n_taps; t += 2, w += DW_PAIR_BYTES)
    {
      Bytes x[2];

      UNROLL
      for (size_t i = 0; i < 2; i++)
        {
          const uint8_t *p = kn_dw_pixel (a, o * a->stride_w + kx * a->dilation_w, ky) + c;
          uint8_t some[16];

          if (n < 16)
            {
              memset (some, 0, sizeof some);
              memcpy (some, p, n);
              p = some;
            }
          x[i] = bytes_xor (bytes_load (p), flip);
          if (t + i + 1 < n_taps && ++kx == a->kw)
            {
              kx = 0;
              ky++;
            }
        }
      dw_pair (acc, x[0], x[1], w);
      if (a->w_zero != NULL)
        dw_pair (sum, x[0], x[1], t + 1 < n_taps ? ones : one);
    }
  if (a->w_zero != NULL)
    {
      UNROLL
      for (size_t i = 0; i < LINE; i++)
        acc[i] = i32_sub (acc[i], i32_mul (i32_load (b->w_zero + i * LANES), sum[i]));
    }
  store_codes (acc, b->scale, &a->requant, a->y + o * a->y_stride + c, n);
}

static void
depthwise (const KnQdwArgs *a)
{
  const size_t block_bytes = (a->kh * a->kw + 1) / 2 * DW_PAIR_BYTES;

  for (size_t c = 0; c < a->n_channels; c += 16)
    {
      const size_t n = a->n_channels - c < 16 ? a->n_channels - c : 16;
      DwBlock b = { .w = (const uint8_t *)a->weights + c / 16 * block_bytes };

      memcpy (b.bias, a->bias + c, n * sizeof *b.bias);
      memcpy (b.scale, a->scale + c, n * sizeof *b.scale);
      if (a->w_zero != NULL)
        memcpy (b.w_zero, a->w_zero + c, n * sizeof *b.w_zero);
      if (n == 16)
        for (size_t o = 0; o < a->n_outputs; o++)
          dw_output (a, &b, o, c, 16);
      else
        for (size_t o = 0; o < a->n_outputs; o++)
          dw_output (a, &b, o, c, n);
    }
}
