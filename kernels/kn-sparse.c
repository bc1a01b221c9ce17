/* Sparse weights in plain C: packing, and the product that every level can fall back on: panels
 * are expanded into dense ones of Q8_0, and the level's own Q8_0 product goes on from there. Called
 * through kn_pack_panel() and the kernel table. Knows no instruction set. */
#include "kn-sparse.h"

#include "kn-block-private.h"
#include "kn-panel-private.h"
#include "kn-quant.h"
#include "kn-sparse-private.h"
#include "kn-table-private.h"

#define ROWS KN_PANEL_ROWS

/* Panels in the scratch: what the batched products of AVX-512 take at a time. */
#define PANELS_AT_ONCE 2

int
kn_sparse_base (int dtype)
{
  switch (dtype)
    {
    case KN_Q8_SPARSE:
    case KN_Q8_2_4:
    case KN_Q8_4_8:
      return KN_Q8_0;
    case KN_Q4_SPARSE:
      return KN_Q4_0;
    default:
      return -1;
    }
}

int
kn_panel_is_variable (KnDtype dtype)
{
  return dtype == KN_Q8_SPARSE || dtype == KN_Q4_SPARSE;
}

/* ---- sizes ---- */

static size_t
round_up (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* Scales and masks of a panel. */
static size_t
header_bytes (size_t n_cols)
{
  return kn_sparse_n_blocks (n_cols) * KN_SPARSE_SCALE_BYTES + n_cols / 4 * 8;
}

/* A panel whose codes take @code_bytes: with what may be read beyond the last of them. */
static size_t
panel_bytes (size_t n_cols, size_t code_bytes)
{
  return round_up (header_bytes (n_cols) + code_bytes + KN_SPARSE_LINE);
}

size_t
kn_sparse_panel_bytes (KnDtype dtype, size_t n_cols)
{
  const size_t n_lines = n_cols / 4;

  if (dtype == KN_Q8_2_4 || dtype == KN_Q8_4_8)
    return panel_bytes (n_cols, n_lines * KN_SPARSE_LINE / 2);
  return panel_bytes (n_cols, n_lines * kn_sparse_code_bytes (dtype, KN_SPARSE_LINE));
}

size_t
kn_sparse_expected_bytes (KnDtype dtype, size_t n_cols, double density)
{
  const double n_codes = (double)(n_cols * ROWS) * density;

  if (!kn_panel_is_variable (dtype))
    return kn_panel_bytes (dtype, n_cols);
  /* Half of the lines have an odd number of 4-bit codes. */
  if (dtype == KN_Q4_SPARSE)
    return panel_bytes (n_cols, (size_t)(n_codes / 2 + (double)(n_cols / 4) * 0.25));
  return panel_bytes (n_cols, (size_t)n_codes);
}

/* ---- rows to lines ---- */

/* The signed codes of line @line (4 columns) of the rows: [16][4], zero where there is no row. */
static void
read_line (KnDtype dtype, const uint8_t *rows, size_t row_stride, size_t n_rows, size_t line,
           int8_t codes[KN_SPARSE_LINE])
{
  const size_t block = line / 8, step = line % 8;

  memset (codes, 0, KN_SPARSE_LINE);
  for (size_t row = 0; row < n_rows; row++, rows += row_stride)
    if (dtype == KN_Q4_SPARSE)
      {
        const KnBlockQ4_0 *b = (const KnBlockQ4_0 *)(const void *)rows + block;
        for (size_t k = 0; k < 4; k++)
          codes[4 * row + k]
              = (int8_t)((b->qs[4 * (step % 4) + k] >> (step >= 4 ? 4 : 0) & 15) - 8);
      }
    else
      memcpy (codes + 4 * row, ((const KnBlockQ8_0 *)(const void *)rows + block)->qs + 4 * step, 4);
}

static uint64_t
nonzero_mask (const int8_t codes[KN_SPARSE_LINE])
{
  uint64_t mask = 0;

  for (size_t i = 0; i < KN_SPARSE_LINE; i++)
    mask |= (uint64_t)(codes[i] != 0) << i;
  return mask;
}

/* Add bits from the lowest position on until @bits has @wanted of its @n; -1: it has more. */
static int
fill_up (unsigned *bits, unsigned n, int wanted)
{
  int have = __builtin_popcount (*bits);

  for (unsigned i = 0; i < n && have < wanted; i++)
    if (!(*bits >> i & 1))
      {
        *bits |= 1u << i;
        have++;
      }
  return have == wanted ? 0 : -1;
}

/* Masks of the patterned formats have their full number of bits: zeros fill what is missing. @mask:
 * of two lines. -1: more nonzero codes than the pattern has room for. */
static int
complete_masks (KnDtype dtype, uint64_t mask[2])
{
  for (unsigned row = 0; row < ROWS; row++)
    {
      unsigned lo = mask[0] >> 4 * row & 15, hi = mask[1] >> 4 * row & 15;

      if (dtype == KN_Q8_2_4)
        {
          if (fill_up (&lo, 4, 2) != 0 || fill_up (&hi, 4, 2) != 0)
            return -1;
        }
      else
        {
          unsigned both = lo | hi << 4;

          if (fill_up (&both, 8, 4) != 0)
            return -1;
          lo = both & 15;
          hi = both >> 4;
        }
      mask[0] |= (uint64_t)lo << 4 * row;
      mask[1] |= (uint64_t)hi << 4 * row;
    }
  return 0;
}

typedef struct
{
  int8_t codes[2][KN_SPARSE_LINE];
  uint64_t mask[2];
} Pair;

static int
read_pair (KnDtype dtype, const uint8_t *rows, size_t row_stride, size_t n_rows, size_t first,
           Pair *pair)
{
  for (size_t i = 0; i < 2; i++)
    {
      read_line (dtype, rows, row_stride, n_rows, first + i, pair->codes[i]);
      pair->mask[i] = nonzero_mask (pair->codes[i]);
    }
  return kn_panel_is_variable (dtype) ? 0 : complete_masks (dtype, pair->mask);
}

static size_t
line_bytes (KnDtype dtype, uint64_t mask)
{
  return kn_sparse_code_bytes (dtype, (size_t)__builtin_popcountll (mask));
}

size_t
kn_packed_panel_bytes (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows,
                       size_t n_cols)
{
  size_t bytes = 0;
  Pair pair;

  if (kn_sparse_base ((int)dtype) < 0)
    return kn_panel_bytes (dtype, n_cols);
  for (size_t line = 0; line < n_cols / 4; line += 2)
    {
      if (read_pair (dtype, rows, row_stride, n_rows, line, &pair) != 0)
        return 0;
      bytes += line_bytes (dtype, pair.mask[0]) + line_bytes (dtype, pair.mask[1]);
    }
  return panel_bytes (n_cols, bytes);
}

int
kn_sparse_panel_is_whole (KnDtype dtype, const void *panel, size_t n_bytes, size_t n_cols)
{
  size_t at = 0, sum = 0;

  for (size_t b = 0; b < kn_sparse_n_blocks (n_cols); b++)
    {
      const size_t n_lines = kn_sparse_n_lines (n_cols, b);
      const size_t header = kn_sparse_header_bytes (n_lines);
      const uint8_t *masks = (const uint8_t *)panel + at + KN_SPARSE_SCALE_BYTES;
      size_t codes = 0;

      if (n_bytes - at < header)
        return 0;
      for (size_t line = 0; line < n_lines; line++)
        {
          const uint64_t mask = kn_sparse_mask (masks, line);
          uint64_t pair[2] = { mask, line + 1 < n_lines ? kn_sparse_mask (masks, line + 1) : 0 };
          const uint64_t before[2] = { pair[0], pair[1] };

          codes += line_bytes (dtype, mask);
          if (!kn_panel_is_variable (dtype) && line % 2 == 0
              && (complete_masks (dtype, pair) != 0 || pair[0] != before[0]
                  || pair[1] != before[1]))
            return 0;
        }
      if (n_bytes - at - header < codes)
        return 0;
      at += header + codes;
      sum += codes;
    }
  return panel_bytes (n_cols, sum) == n_bytes;
}

/* ---- packing ---- */

static uint8_t *
put_codes (KnDtype dtype, const int8_t codes[KN_SPARSE_LINE], uint64_t mask, uint8_t *to)
{
  size_t n = 0;

  for (size_t i = 0; i < KN_SPARSE_LINE; i++)
    if (mask >> i & 1)
      {
        if (dtype != KN_Q4_SPARSE)
          to[n] = (uint8_t)codes[i] ^ 0x80;
        else if (n % 2 == 0)
          to[n / 2] = (uint8_t)(codes[i] + 8);
        else
          to[n / 2] |= (uint8_t)((codes[i] + 8) << 4);
        n++;
      }
  return to + kn_sparse_code_bytes (dtype, n);
}

static void
put_scales (KnDtype dtype, const uint8_t *rows, size_t row_stride, size_t n_rows, size_t group,
            uint8_t *to)
{
  for (size_t row = 0; row < n_rows; row++, rows += row_stride)
    memcpy (to + 2 * row,
            rows + group * (dtype == KN_Q4_SPARSE ? sizeof (KnBlockQ4_0) : sizeof (KnBlockQ8_0)),
            2);
}

void
kn_sparse_pack_panel (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows,
                      size_t n_cols, void *panel)
{
  uint8_t *to = panel;
  Pair pair;

  memset (panel, 0, kn_packed_panel_bytes (dtype, rows, row_stride, n_rows, n_cols));
  for (size_t b = 0; b < kn_sparse_n_blocks (n_cols); b++)
    {
      const size_t n_lines = kn_sparse_n_lines (n_cols, b);
      uint8_t *masks = to + KN_SPARSE_SCALE_BYTES;

      for (size_t g = 0; g < n_lines / 8; g++)
        put_scales (dtype, rows, row_stride, n_rows, 2 * b + g, to + 32 * g);
      to += kn_sparse_header_bytes (n_lines);
      for (size_t line = 0; line < n_lines; line += 2)
        {
          read_pair (dtype, rows, row_stride, n_rows, 16 * b + line, &pair);
          memcpy (masks + 8 * line, pair.mask, sizeof pair.mask);
          for (size_t i = 0; i < 2; i++)
            to = put_codes (dtype, pair.codes[i], pair.mask[i], to);
        }
    }
}

/* ---- looking ---- */

static inline int
code_at (KnDtype dtype, const uint8_t *codes, size_t i)
{
  if (dtype == KN_Q4_SPARSE)
    return (codes[i / 2] >> 4 * (i % 2) & 15) - 8;
  return (int)codes[i] - 128;
}

void
kn_sparse_unpack_row (KnDtype dtype, const void *panel, size_t row, size_t n_cols, float *dst)
{
  const uint8_t *block = panel;

  for (size_t b = 0; b < kn_sparse_n_blocks (n_cols); b++)
    {
      const size_t n_lines = kn_sparse_n_lines (n_cols, b);
      const uint8_t *masks = block + KN_SPARSE_SCALE_BYTES;
      const uint8_t *codes = masks + 8 * n_lines;

      for (size_t line = 0; line < n_lines; line++)
        {
          const uint64_t mask = kn_sparse_mask (masks, line);
          const float scale
              = kn_f16_to_f32 ((uint16_t)(block[32 * (line / 8) + 2 * row]
                                          | block[32 * (line / 8) + 2 * row + 1] << 8));
          size_t at = (size_t)__builtin_popcountll (mask & (((uint64_t)1 << 4 * row) - 1));

          for (size_t k = 0; k < 4; k++)
            *dst++ = scale * (float)(mask >> (4 * row + k) & 1 ? code_at (dtype, codes, at++) : 0);
          codes += line_bytes (dtype, mask);
        }
      block = codes;
    }
}

size_t
kn_sparse_count (KnDtype dtype, const void *panel, size_t n_cols)
{
  const uint8_t *block = panel;
  size_t n = 0;

  for (size_t b = 0; b < kn_sparse_n_blocks (n_cols); b++)
    {
      const size_t n_lines = kn_sparse_n_lines (n_cols, b);
      const uint8_t *masks = block + KN_SPARSE_SCALE_BYTES;

      block = masks + 8 * n_lines;
      for (size_t line = 0; line < n_lines; line++)
        {
          const uint64_t mask = kn_sparse_mask (masks, line);

          n += (size_t)__builtin_popcountll (mask);
          block += line_bytes (dtype, mask);
        }
    }
  return n;
}

/* ---- products ---- */

#define PLACE(m, i)                                                                                \
  ((uint64_t)((m) >> (i)&1 ? __builtin_popcount ((m) & ((1 << (i)) - 1)) : 0x80) << 8 * (i))
#define ENTRY(m)                                                                                   \
  (PLACE (m, 0) | PLACE (m, 1) | PLACE (m, 2) | PLACE (m, 3) | PLACE (m, 4) | PLACE (m, 5)         \
   | PLACE (m, 6) | PLACE (m, 7))
#define FOUR(m) ENTRY (m), ENTRY ((m) + 1), ENTRY ((m) + 2), ENTRY ((m) + 3)
#define SIXTEEN(m) FOUR (m), FOUR ((m) + 4), FOUR ((m) + 8), FOUR ((m) + 12)
#define SIXTY_FOUR(m) SIXTEEN (m), SIXTEEN ((m) + 16), SIXTEEN ((m) + 32), SIXTEEN ((m) + 48)

const uint64_t kn_sparse_shuffles[256]
    = { SIXTY_FOUR (0), SIXTY_FOUR (64), SIXTY_FOUR (128), SIXTY_FOUR (192) };

static const uint8_t *
expand_lines_c (KnDtype dtype, const uint8_t *masks, const uint8_t *codes, size_t n_lines,
                uint8_t *lines)
{
  memset (lines, 0, n_lines * KN_SPARSE_LINE);
  for (size_t line = 0; line < n_lines; line++, lines += KN_SPARSE_LINE)
    {
      const uint64_t mask = kn_sparse_mask (masks, line);
      size_t n = 0;

      for (uint64_t left = mask; left != 0; left &= left - 1)
        lines[__builtin_ctzll (left)] = (uint8_t)(int8_t)code_at (dtype, codes, n++);
      codes += kn_sparse_code_bytes (dtype, n);
    }
  return codes;
}

const uint8_t *
kn_sparse_panel (const KnMatmulArgs *a, KnDtype dtype, size_t panel)
{
  if (a->offsets != NULL)
    return (const uint8_t *)a->panels + a->offsets[panel];
  return (const uint8_t *)a->panels + panel * kn_panel_bytes (dtype, a->n_cols);
}

void
kn_sparse_product (KnDtype dtype, KnSparseLinesFn expand_lines, KnMatmulFn q8_0,
                   const KnMatmulArgs *a)
{
  const size_t n_panels = (a->n_rows + ROWS - 1) / ROWS,
               bytes = kn_panel_bytes (KN_Q8_0, a->n_cols);
  KnMatmulArgs dense = *a;

  dense.panels = a->scratch;
  dense.offsets = NULL;
  dense.scratch = (uint8_t *)a->scratch + PANELS_AT_ONCE * bytes;
  for (size_t p = 0; p < n_panels; p += PANELS_AT_ONCE)
    {
      const size_t left = a->n_rows - p * ROWS;

      for (size_t i = 0; i < PANELS_AT_ONCE && p + i < n_panels; i++)
        kn_sparse_expand (expand_lines, dtype, kn_sparse_panel (a, dtype, p + i), a->n_cols,
                          (uint8_t *)a->scratch + i * bytes);
      dense.n_rows = left < PANELS_AT_ONCE * ROWS ? left : PANELS_AT_ONCE * ROWS;
      dense.y = a->y + p * ROWS;
      q8_0 (&dense);
    }
}

size_t
kn_sparse_scratch_bytes (size_t n_cols)
{
  return PANELS_AT_ONCE * kn_panel_bytes (KN_Q8_0, n_cols)
         + kn_matmul_scratch_bytes (KN_Q8_0, n_cols);
}

KN_SPARSE_PRODUCTS (c, expand_lines_c, KN_LEVEL_C)

void
kn_sparse_c (KnMatmulFamily *family)
{
  kn_sparse_fill_c (family);
}
