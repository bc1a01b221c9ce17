/* Products of 8-bit numbers in plain C: the specification of the family.
 *
 * Called through KnQconvFamily. Must know nothing of tensors or threads. */
#include "kn-qconv.h"

#include "kn-qconv-spec.h"
#include "kn-table-private.h"

#define ROWS KN_PANEL_ROWS

/* One panel and one pixel. */
static void
dot_panel (const KnQgemmArgs *a, const uint8_t *panel, const uint8_t *x, int32_t acc[ROWS])
{
  for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step)
    for (size_t c = 0; c < a->n_cols; c += 4, panel += 64)
      for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < 4; k++)
          acc[row] = kn_madd_wrap (acc[row], c + k < a->n_cols ? x[c + k] : 0,
                                   (int8_t)panel[4 * row + k]);
}

static int32_t
sum_columns (const KnQgemmArgs *a, const uint8_t *x)
{
  int32_t sum = 0;

  for (size_t s = 0; s < a->n_segments; s++, x += a->segment_step)
    for (size_t c = 0; c < a->n_cols; c++)
      sum += x[c];
  return sum;
}

static void
gemm_store (const KnQgemmArgs *a, uint8_t *y, size_t first, size_t n, const int32_t acc[ROWS])
{
  for (size_t i = 0; i < n; i++)
    if (a->scale == NULL)
      memcpy (y + (first + i) * sizeof *acc, &acc[i], sizeof *acc);
    else
      y[first + i] = (uint8_t)kn_requant1 (acc[i], a->scale[first + i], &a->requant);
}

static void
gemm_pixel (const KnQgemmArgs *a, size_t line, size_t pixel)
{
  const uint8_t *x = a->x + line * a->x_line_step + pixel * a->x_stride;
  uint8_t *y = (uint8_t *)a->y + line * a->y_line_step + pixel * a->y_stride;
  int32_t sum = 0;

  if (a->w_zero != NULL)
    sum = a->x_sum != NULL ? a->x_sum[line * a->n_pixels + pixel] : sum_columns (a, x);
  for (size_t first = 0; first < a->n_rows; first += ROWS)
    {
      const size_t n = a->n_rows - first < ROWS ? a->n_rows - first : ROWS;
      int32_t acc[ROWS];

      memcpy (acc, a->bias + first, sizeof acc);
      dot_panel (a, (const uint8_t *)a->panels + first / ROWS * kn_qgemm_panel_bytes (a), x, acc);
      for (size_t i = 0; i < ROWS && a->w_zero != NULL; i++)
        acc[i] = kn_madd_wrap (acc[i], -a->w_zero[first + i], sum);
      gemm_store (a, y, first, n, acc);
    }
}

static void
gemm_c (const KnQgemmArgs *a)
{
  for (size_t line = 0; line < a->n_lines; line++)
    for (size_t p = 0; p < a->n_pixels; p++)
      gemm_pixel (a, line, p);
}

KN_QINLINE void
copy_c (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] ^ flip;
}

static void
copy_all_c (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  copy_c (to, from, n, flip);
}

KN_QINLINE void
windows_c (const KnWindows *w)
{
  for (size_t p = 0; p < w->n_pixels; p++)
    for (size_t k = 0; k < w->n_rows; k++)
      copy_c (w->to + p * w->to_step + k * w->n, w->from + p * w->from_step + k * w->row_bytes,
              w->n, w->flip);
}

static void
gather_c (const KnQgatherArgs *args)
{
  kn_gather (args, copy_c, windows_c);
}

static void
row_sums_c (const uint8_t *x, size_t x_stride, size_t n_cols, size_t n_pixels, int32_t *sums)
{
  for (size_t p = 0; p < n_pixels; p++, x += x_stride)
    {
      int32_t sum = 0;

      for (size_t c = 0; c < n_cols; c++)
        sum += x[c];
      sums[p] = sum;
    }
}

static size_t
dw_bytes_c (size_t kh, size_t kw, size_t n_channels)
{
  return kh * kw * n_channels;
}

static void
dw_pack_c (const int8_t *w, size_t kh, size_t kw, size_t n_channels, void *packed)
{
  memcpy (packed, w, kh * kw * n_channels);
}

static void
depthwise_c (const KnQdwArgs *a)
{
  const int8_t *w = a->weights;

  for (size_t o = 0; o < a->n_outputs; o++)
    for (size_t c = 0; c < a->n_channels; c++)
      {
        int32_t acc = a->bias[c], sum = 0;

        for (size_t ky = 0; ky < a->kh; ky++)
          for (size_t kx = 0; kx < a->kw; kx++)
            {
              const size_t column = o * a->stride_w + kx * a->dilation_w;
              const uint8_t x = kn_dw_pixel (a, column, ky)[c] ^ a->flip;

              acc = kn_madd_wrap (acc, x, w[(ky * a->kw + kx) * a->n_channels + c]);
              sum += x;
            }
        if (a->w_zero != NULL)
          acc = kn_madd_wrap (acc, -a->w_zero[c], sum);
        a->y[o * a->y_stride + c] = (uint8_t)kn_requant1 (acc, a->scale[c], &a->requant);
      }
}

void
kn_qconv_c (KnQconvFamily *f)
{
  *f = (KnQconvFamily){
    .act_signed = 0,
    .gemm = gemm_c,
    .copy = copy_all_c,
    .gather = gather_c,
    .row_sums = row_sums_c,
    .dw_bytes = dw_bytes_c,
    .dw_pack = dw_pack_c,
    .depthwise = depthwise_c,
  };
}
