/* Depthwise convolution of 8-bit numbers with AVX-512 VNNI.
 *
 * The dot product instruction sums four neighbouring bytes, and in a depthwise convolution what is
 * summed lies in different rows. So four rows of a column are interleaved first:
 *
 *     row 0  a0 a1 a2 ...            one 32-bit place = one channel,
 *     row 1  b0 b1 b2 ...    ──►     a0 b0 c0 d0 | a1 b1 c1 d1 | ...
 *     row 2  c0 c1 c2 ...
 *     row 3  d0 d1 d2 ...            rows beyond the window are zero
 *
 * An interleaved column serves all outputs whose window it is in, so columns go to the scratch
 * first, and the outputs are computed from there. 64 channels at a time make four registers, whose
 * places within 128-bit lanes are in the order of the unpack instructions (undone by the packs at
 * the end); what remains goes 16 channels at a time, in natural order.
 *
 * Weights: for each block of 64 or 16 channels [kw][groups of 4 rows][registers][64 bytes]. */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512vnni"
#endif

#include "x86/kn-qconv-avx512-private.h"

KN_QINLINE size_t
n_groups (size_t kh)
{
  return (kh + 3) / 4;
}

/* Channels below this go 64 at a time; the last of these blocks may be short. */
KN_QINLINE size_t
wide_end (size_t n_channels)
{
  return n_channels % 64 > 32 ? n_channels : n_channels / 64 * 64;
}

static size_t
dw_bytes_avx512 (size_t kh, size_t kw, size_t n_channels)
{
  const size_t block = n_channels % 64 > 32 ? 64 : 16;

  return kw * n_groups (kh) * 4 * ((n_channels + block - 1) / block * block);
}

/* Where the weights of channel @c lie in its 64-byte lines: byte offset of row 0 of group 0, column
 * 0; and the bytes from one (column, group) to the next. */
static size_t
dw_place (size_t kh, size_t kw, size_t n_channels, size_t c, size_t *step)
{
  const size_t per_channel = kw * n_groups (kh) * 4;

  if (c >= wide_end (n_channels))
    {
      *step = 64;
      return c / 16 * 16 * per_channel + c % 16 * 4;
    }
  *step = 256;
  return c / 64 * 64 * per_channel + c % 16 / 4 * 64 + c % 64 / 16 * 16 + c % 4 * 4;
}

static void
dw_pack_avx512 (const int8_t *w, size_t kh, size_t kw, size_t n_channels, void *packed)
{
  memset (packed, 0, dw_bytes_avx512 (kh, kw, n_channels));
  for (size_t c = 0; c < n_channels; c++)
    {
      size_t step;
      int8_t *to = (int8_t *)packed + dw_place (kh, kw, n_channels, c, &step);

      for (size_t kx = 0; kx < kw; kx++)
        for (size_t ky = 0; ky < kh; ky++)
          to[(kx * n_groups (kh) + ky / 4) * step + ky % 4] = w[(ky * kw + kx) * n_channels + c];
    }
}

/* ---- interleaving ---- */

KN_QINLINE void
interleave64 (const int full, const uint8_t *const *column, size_t kh, size_t group, __mmask64 k,
              __m512i flip, __m512i out[4])
{
  __m512i row[4];

  UNROLL
  for (size_t i = 0; i < 4; i++)
    row[i] = 4 * group + i < kh
                 ? _mm512_xor_si512 (full ? _mm512_loadu_si512 (column[4 * group + i])
                                          : _mm512_maskz_loadu_epi8 (k, column[4 * group + i]),
                                     flip)
                 : _mm512_setzero_si512 ();

  const __m512i low01 = _mm512_unpacklo_epi8 (row[0], row[1]);
  const __m512i high01 = _mm512_unpackhi_epi8 (row[0], row[1]);
  const __m512i low23 = _mm512_unpacklo_epi8 (row[2], row[3]);
  const __m512i high23 = _mm512_unpackhi_epi8 (row[2], row[3]);
  out[0] = _mm512_unpacklo_epi16 (low01, low23);
  out[1] = _mm512_unpackhi_epi16 (low01, low23);
  out[2] = _mm512_unpacklo_epi16 (high01, high23);
  out[3] = _mm512_unpackhi_epi16 (high01, high23);
}

/* The flips of one channel's four rows of @group: rows beyond the window stay zero. */
KN_QINLINE __m512i
flip_rows (uint8_t flip, size_t kh, size_t group)
{
  const size_t n = kh - 4 * group;
  const uint32_t all = flip * 0x01010101u;

  return _mm512_set1_epi32 ((int32_t)(n >= 4 ? all : all & ((1u << 8 * n) - 1)));
}

/* Up to 16 channels: all four rows in one register, the same 4 channels of all rows to one lane,
 * and there a transposition of 4 x 4 bytes. */
KN_QINLINE __m512i
interleave16 (const uint8_t *const *column, size_t kh, size_t group, __mmask16 k, uint8_t flip)
{
  const __m512i dwords = _mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_broadcast_i32x4 (
      _mm_setr_epi8 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  __m128i row[4];

  UNROLL
  for (size_t i = 0; i < 4; i++)
    row[i] = 4 * group + i < kh ? _mm_maskz_loadu_epi8 (k, column[4 * group + i])
                                : _mm_setzero_si128 ();

  __m512i v = _mm512_castsi128_si512 (row[0]);
  v = _mm512_inserti32x4 (v, row[1], 1);
  v = _mm512_inserti32x4 (v, row[2], 2);
  v = _mm512_inserti32x4 (v, row[3], 3);
  v = _mm512_shuffle_epi8 (_mm512_permutexvar_epi32 (dwords, v), bytes);
  return _mm512_xor_si512 (v, flip_rows (flip, kh, group));
}

/* ---- one block of channels, a run of outputs ---- */

/* Channels 16 lane + 4 j + 0..3 of the 64 from @from on. */
KN_QINLINE __m512i
load_strided (const void *from, size_t j)
{
  const uint8_t *p = (const uint8_t *)from + 16 * j;
  __m512i v = _mm512_castsi128_si512 (_mm_loadu_si128 ((const __m128i *)(const void *)p));

  v = _mm512_inserti32x4 (v, _mm_loadu_si128 ((const __m128i *)(const void *)(p + 64)), 1);
  v = _mm512_inserti32x4 (v, _mm_loadu_si128 ((const __m128i *)(const void *)(p + 128)), 2);
  return _mm512_inserti32x4 (v, _mm_loadu_si128 ((const __m128i *)(const void *)(p + 192)), 3);
}

/* The same of @n channels, the others 0. */
KN_QINLINE __m512i
load_strided_some (const void *from, size_t j, size_t n)
{
  const uint8_t *p = (const uint8_t *)from + 16 * j;
  __m128i part[4];

  UNROLL
  for (size_t i = 0; i < 4; i++)
    {
      const size_t at = 16 * i + 4 * j, left = n > at ? n - at : 0;
      part[i] = _mm_maskz_loadu_epi32 ((__mmask8)(left < 4 ? (1u << left) - 1 : 15), p + 64 * i);
    }
  const __m512i v = _mm512_inserti32x4 (_mm512_castsi128_si512 (part[0]), part[1], 1);
  return _mm512_inserti32x4 (_mm512_inserti32x4 (v, part[2], 2), part[3], 3);
}

/* Interleave columns [first, first + n) of the windows, channels from @c on: up to 64 or 16 (@k).
 * Pointers of the rows of a group move on from column to column. */
KN_QINLINE void
interleave_columns (const size_t KH, const int wide, const int full, const KnQdwArgs *a, size_t c,
                    __mmask64 k, size_t first, size_t n)
{
  const size_t kh = KH ? KH : a->kh, groups = n_groups (kh), line = wide ? 256 : 64;
  const __m512i flip = _mm512_set1_epi8 ((char)a->flip);

  for (size_t g = 0; g < groups; g++)
    {
      uint8_t *to = (uint8_t *)a->scratch + g * line;
      const uint8_t *at[4], *pad[4];
      size_t step[4];

      UNROLL
      for (size_t i = 0; i < 4; i++)
        {
          const size_t ky = 4 * g + i < kh ? 4 * g + i : 0;
          step[i] = a->steps[ky];
          at[i] = a->rows[ky] + c + (first - a->first_inside) * step[i];
          pad[i] = a->pad + c;
        }
      for (size_t x = first; x < first + n; x++, to += groups * line)
        {
          const uint8_t *const *column = x - a->first_inside < a->n_inside ? at : pad;
          __m512i v[4];

          if (wide)
            {
              interleave64 (full, column - 4 * g, kh, g, k, flip, v);
              UNROLL
              for (size_t j = 0; j < 4; j++)
                _mm512_store_si512 (to + j * 64, v[j]);
            }
          else
            _mm512_store_si512 (to, interleave16 (column - 4 * g, kh, g, (__mmask16)k, a->flip));
          UNROLL
          for (size_t i = 0; i < 4; i++)
            at[i] += step[i];
        }
    }
}

/* 64 channels from @c on, or what is left of them when not @full, of outputs [first, first + n). KH
 * and KW are constants where this is inlined, or 0. The zero points of the weights take a second
 * dot product, with ones. */
KN_QINLINE void
run64 (const size_t KH, const size_t KW, const int w_zero, const int full, const KnQdwArgs *a,
       size_t c, size_t first, size_t n)
{
  const size_t kh = KH ? KH : a->kh, kw = KW ? KW : a->kw, groups = n_groups (kh);
  const size_t n_columns = (n - 1) * a->stride_w + (kw - 1) * a->dilation_w + 1;
  const uint8_t *w = (const uint8_t *)a->weights + c * kw * groups * 4;
  const __m512i ones = _mm512_set1_epi8 (1);
  uint8_t *columns = a->scratch, *y = a->y + first * a->y_stride + c;
  const KnEpilogue e = kn_epilogue (&a->requant);
  __m512i bias[4], zero[4];
  __m512 scale[4];

  const size_t left = a->n_channels - c;
  const __mmask64 k = full ? ~(__mmask64)0 : kn_tail64 (left);

  interleave_columns (KH, 1, full, a, c, k, first * a->stride_w, n_columns);

  UNROLL
  for (size_t j = 0; j < 4; j++)
    {
      bias[j] = full ? load_strided (a->bias + c, j) : load_strided_some (a->bias + c, j, left);
      scale[j] = _mm512_castsi512_ps (full ? load_strided (a->scale + c, j)
                                           : load_strided_some (a->scale + c, j, left));
      zero[j] = _mm512_setzero_si512 ();
      if (w_zero)
        zero[j]
            = full ? load_strided (a->w_zero + c, j) : load_strided_some (a->w_zero + c, j, left);
    }

  for (size_t o = 0; o < n; o++, y += a->y_stride)
    {
      const uint8_t *column = columns + o * a->stride_w * groups * 256;
      __m512i acc[4], sum[4];

      UNROLL
      for (size_t j = 0; j < 4; j++)
        {
          acc[j] = bias[j];
          sum[j] = _mm512_setzero_si512 ();
        }
      UNROLL
      for (size_t kx = 0; kx < kw; kx++)
        UNROLL
      for (size_t g = 0; g < groups; g++)
        UNROLL
      for (size_t j = 0; j < 4; j++)
        {
          const __m512i x
              = _mm512_load_si512 (column + (kx * a->dilation_w * groups + g) * 256 + j * 64);
          acc[j] = _mm512_dpbusd_epi32 (acc[j], x,
                                        _mm512_loadu_si512 (w + ((kx * groups + g) * 4 + j) * 64));
          if (w_zero)
            sum[j] = _mm512_dpbusd_epi32 (sum[j], x, ones);
        }
      UNROLL
      for (size_t j = 0; j < 4; j++)
        {
          if (w_zero)
            acc[j] = _mm512_sub_epi32 (acc[j], _mm512_mullo_epi32 (sum[j], zero[j]));
        }
      const __m512i codes = kn_pack_lanes (acc, scale, &e);
      if (full)
        _mm512_storeu_si512 (y, codes);
      else
        _mm512_mask_storeu_epi8 (y, k, codes);
    }
}

/* The sums of one output. */
KN_QINLINE __m512i
output16 (const size_t KH, const size_t KW, const int w_zero, const KnQdwArgs *a,
          const uint8_t *column, const uint8_t *w, __m512i bias, __m512i zero)
{
  const size_t kh = KH ? KH : a->kh, kw = KW ? KW : a->kw, groups = n_groups (kh);
  const __m512i ones = _mm512_set1_epi8 (1);
  __m512i acc = bias, sum = _mm512_setzero_si512 ();

  UNROLL
  for (size_t kx = 0; kx < kw; kx++)
    UNROLL
  for (size_t g = 0; g < groups; g++)
    {
      const __m512i x = _mm512_load_si512 (column + (kx * a->dilation_w * groups + g) * 64);
      acc = _mm512_dpbusd_epi32 (acc, x, _mm512_loadu_si512 (w + (kx * groups + g) * 64));
      if (w_zero)
        sum = _mm512_dpbusd_epi32 (sum, x, ones);
    }
  return w_zero ? _mm512_sub_epi32 (acc, _mm512_mullo_epi32 (sum, zero)) : acc;
}

/* Up to 16 channels. */
KN_QINLINE void
run16 (const size_t KH, const size_t KW, const int w_zero, const KnQdwArgs *a, size_t c,
       size_t first, size_t n)
{
  const size_t kh = KH ? KH : a->kh, kw = KW ? KW : a->kw, groups = n_groups (kh);
  const size_t n_columns = (n - 1) * a->stride_w + (kw - 1) * a->dilation_w + 1;
  const size_t left = a->n_channels - c;
  const __mmask16 k = left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
  const uint8_t *w = (const uint8_t *)a->weights + c * kw * groups * 4;
  const __m512i bias = _mm512_maskz_loadu_epi32 (k, a->bias + c);
  const __m512i zero
      = w_zero ? _mm512_maskz_loadu_epi32 (k, a->w_zero + c) : _mm512_setzero_si512 ();
  const __m512 scale = _mm512_maskz_loadu_ps (k, a->scale + c),
               scales[4] = { scale, scale, scale, scale };
  const KnEpilogue e = kn_epilogue (&a->requant);
  uint8_t *columns = a->scratch, *y = a->y + first * a->y_stride + c;

  interleave_columns (KH, 0, 0, a, c, k, first * a->stride_w, n_columns);

  size_t o = 0;
  for (; o + 4 <= n; o += 4, y += 4 * a->y_stride)
    {
      __m512i acc[4];

      UNROLL
      for (size_t i = 0; i < 4; i++)
        acc[i] = output16 (KH, KW, w_zero, a, columns + (o + i) * a->stride_w * groups * 64, w,
                           bias, zero);
      kn_store4 (y, a->y_stride, left, kn_pack4 (acc, scales, &e));
    }
  for (; o < n; o++, y += a->y_stride)
    {
      const __m512i acc
          = output16 (KH, KW, w_zero, a, columns + o * a->stride_w * groups * 64, w, bias, zero);
      _mm_mask_storeu_epi8 (y, k, _mm512_cvtepi32_epi8 (kn_requant16 (acc, scale, &a->requant)));
    }
}

/* All blocks of channels of a run of outputs. */
KN_QINLINE void
run (const size_t KH, const size_t KW, const int w_zero, const KnQdwArgs *a, size_t first, size_t n)
{
  size_t c = 0;

  for (; c + 64 <= a->n_channels; c += 64)
    run64 (KH, KW, w_zero, 1, a, c, first, n);
  if (c < wide_end (a->n_channels))
    {
      run64 (KH, KW, w_zero, 0, a, c, first, n);
      return;
    }
  for (; c < a->n_channels; c += 16)
    run16 (KH, KW, w_zero, a, c, first, n);
}

/* ---- a whole line of few channels ----
 *
 * Where an output's window begins at the next pixel, the codes of a line are one long vector: what
 * a tap reads is what lies kx pixels further on, whatever pixel it belongs to. 8 or 16 channels, so
 * that all registers of 16 hold the same channels; with more it is no faster than pixel by
 * pixel. */

#define FLAT_MAX_KW 5

static int
is_flat (const KnQdwArgs *a)
{
  const size_t n = a->n_channels;
  const size_t n_columns = a->n_outputs + (a->kw - 1) * a->dilation_w;

  if ((n != 8 && n != 16) || a->stride_w != 1 || a->y_stride != n || a->kh > 4
      || a->kw > FLAT_MAX_KW || (n_columns * n + 64) * 4 > KN_QDW_SCRATCH)
    return 0;
  for (size_t ky = 0; ky < a->kh; ky++)
    if (a->steps[ky] != n)
      return 0;
  return 1;
}

/* The pixel of padding, interleaved, @n times from @to on. */
static uint8_t *
flat_padding (const KnQdwArgs *a, size_t n, uint8_t *to)
{
  const __m512i rows = _mm512_set1_epi32 ((int32_t)(0x01010101u >> 8 * (4 - a->kh)));
  const __m128i flip = _mm_set1_epi8 ((char)a->flip);

  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < a->n_channels; c += 16)
      {
        const size_t left = a->n_channels - c < 16 ? a->n_channels - c : 16;
        const __mmask16 k = (__mmask16)((1u << left) - 1);
        const __m128i codes = _mm_xor_si128 (_mm_maskz_loadu_epi8 (k, a->pad + c), flip);

        _mm512_mask_storeu_epi32 (to, k, _mm512_mullo_epi32 (_mm512_cvtepu8_epi32 (codes), rows));
        to += 4 * left;
      }
  return to;
}

static void
flat_interleave (const KnQdwArgs *a)
{
  const size_t n = a->n_inside * a->n_channels;
  const size_t n_columns = a->n_outputs + (a->kw - 1) * a->dilation_w;
  const uint8_t *at[4];
  uint8_t *to = flat_padding (a, a->first_inside, a->scratch);

  for (size_t ky = 0; ky < 4; ky++)
    at[ky] = a->rows[ky < a->kh ? ky : 0];
  for (size_t i = 0; i < n; i += 16, to += 64)
    {
      const __mmask16 k = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;

      _mm512_storeu_si512 (to, interleave16 (at, a->kh, 0, k, a->flip));
      UNROLL
      for (size_t ky = 0; ky < 4; ky++)
        at[ky] += 16;
    }
  flat_padding (a, n_columns - a->first_inside - a->n_inside,
                (uint8_t *)a->scratch + (a->first_inside * a->n_channels + n) * 4);
}

/* Numbers of all channels, those of 8 channels twice. */
KN_QINLINE __m512i
flat_load (const KnQdwArgs *a, const void *from)
{
  if (a->n_channels == 8)
    return _mm512_broadcast_i64x4 (_mm256_loadu_si256 (from));
  return _mm512_loadu_si512 (from);
}

KN_QINLINE void
run_flat (const size_t KW, const int w_zero, const KnQdwArgs *a)
{
  const size_t kw = KW ? KW : a->kw, n = a->n_outputs * a->n_channels;
  const size_t step = a->dilation_w * a->n_channels * 4;
  const __m512i ones = _mm512_set1_epi8 (1), bias = flat_load (a, a->bias);
  const __m512i zero = w_zero ? flat_load (a, a->w_zero) : _mm512_setzero_si512 ();
  const __m512 one_scale = _mm512_castsi512_ps (flat_load (a, a->scale));
  const __m512 scale[4] = { one_scale, one_scale, one_scale, one_scale };
  const KnEpilogue e = kn_epilogue (&a->requant);
  const uint8_t *x = a->scratch;
  __m512i w[FLAT_MAX_KW];

  flat_interleave (a);
  UNROLL
  for (size_t kx = 0; kx < FLAT_MAX_KW; kx++)
    w[kx]
        = kx < kw ? flat_load (a, (const uint8_t *)a->weights + kx * 64) : _mm512_setzero_si512 ();

  for (size_t i = 0; i < n; i += 64, x += 256)
    {
      __m512i acc[4], sum[4];

      UNROLL
      for (size_t j = 0; j < 4; j++)
        {
          acc[j] = bias;
          sum[j] = _mm512_setzero_si512 ();
        }
      UNROLL
      for (size_t kx = 0; kx < kw; kx++)
        UNROLL
      for (size_t j = 0; j < 4; j++)
        {
          const __m512i v = _mm512_loadu_si512 (x + kx * step + 64 * j);

          acc[j] = _mm512_dpbusd_epi32 (acc[j], v, w[kx]);
          if (w_zero)
            sum[j] = _mm512_dpbusd_epi32 (sum[j], v, ones);
        }
      if (w_zero)
        {
          UNROLL
          for (size_t j = 0; j < 4; j++)
            acc[j] = _mm512_sub_epi32 (acc[j], _mm512_mullo_epi32 (sum[j], zero));
        }
      const __m512i codes = kn_pack4 (acc, scale, &e);
      if (n - i >= 64)
        _mm512_storeu_si512 (a->y + i, codes);
      else
        _mm512_mask_storeu_epi8 (a->y + i, kn_tail64 (n - i), codes);
    }
}

static void
depthwise_flat (const KnQdwArgs *a)
{
  if (a->kw == 3 && a->w_zero == NULL)
    run_flat (3, 0, a);
  else if (a->kw == 3)
    run_flat (3, 1, a);
  else if (a->w_zero == NULL)
    run_flat (0, 0, a);
  else
    run_flat (0, 1, a);
}

/* Windows whose interleaved columns do not fit the scratch: from the definition, one output at a
 * time, 16 sums in a register made of single bytes. Such windows are larger than 31 x 31. */
static void
run_huge (const KnQdwArgs *a)
{
  for (size_t o = 0; o < a->n_outputs; o++)
    for (size_t c = 0; c < a->n_channels; c++)
      {
        size_t step;
        const int8_t *w
            = (const int8_t *)a->weights + dw_place (a->kh, a->kw, a->n_channels, c, &step);
        int32_t acc = a->bias[c], sum = 0;

        for (size_t kx = 0; kx < a->kw; kx++)
          for (size_t ky = 0; ky < a->kh; ky++)
            {
              const size_t column = o * a->stride_w + kx * a->dilation_w;
              const uint8_t x = kn_dw_pixel (a, column, ky)[c] ^ a->flip;

              acc = kn_madd_wrap (acc, x, w[(kx * n_groups (a->kh) + ky / 4) * step + ky % 4]);
              sum += x;
            }
        if (a->w_zero != NULL)
          acc = kn_madd_wrap (acc, -a->w_zero[c], sum);
        a->y[o * a->y_stride + c] = (uint8_t)kn_requant1 (acc, a->scale[c], &a->requant);
      }
}

static void
depthwise_avx512 (const KnQdwArgs *a)
{
  const size_t column_bytes = n_groups (a->kh) * (a->n_channels > 32 ? 256 : 64);
  const size_t capacity = KN_QDW_SCRATCH / column_bytes;
  const size_t window = (a->kw - 1) * a->dilation_w + 1;

  if (is_flat (a))
    {
      depthwise_flat (a);
      return;
    }
  if (capacity < window)
    {
      run_huge (a);
      return;
    }

  const size_t per_run = (capacity - window) / a->stride_w + 1;
  for (size_t first = 0; first < a->n_outputs; first += per_run)
    {
      const size_t n = a->n_outputs - first < per_run ? a->n_outputs - first : per_run;

      if (a->w_zero != NULL)
        run (0, 0, 1, a, first, n);
      else if (a->kh == 3 && a->kw == 3)
        run (3, 3, 0, a, first, n);
      else if (a->kh == 5 && a->kw == 5)
        run (5, 5, 0, a, first, n);
      else
        run (0, 0, 0, a, first, n);
    }
}

void
kn_qconv_dw_avx512 (KnQconvFamily *f)
{
  f->dw_bytes = dw_bytes_avx512;
  f->dw_pack = dw_pack_avx512;
  f->depthwise = depthwise_avx512;
}
