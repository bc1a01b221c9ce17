/* Products by table lookup in plain C, the specification, and the packing of their bit planes.
 * Called through kn_pack_panel() and the kernel table. Knows no instruction set. */
#include "kn-lookup-private.h"

#include "kn-f16-private.h"
#include "kn-panel-private.h"
#include "kn-table-private.h"

#include <string.h>

#define ROWS KN_PANEL_ROWS

/* Up to how many tokens looking up takes less time than putting the codes in order once and
 * multiplying by them. Microseconds of one thread of an AMD EPYC with AVX-512, 512 x 2048 weights,
 * looked up | in order:
 *
 *   tokens          1        2        3        4        5        6      128
 *   AVX-512
 *     Q4_0         16    32|33    48|39    64|44    80|48    96|51      409
 *     Q2_K         14    28|27    42|33    56|39    70|43    84|46      469
 *     Q3_K         16    32|32    48|41    64|50    80|53    96|54      411
 *     TQ2_0        10    20|21    30|33    40|40    50|43    60|45      399
 *     Q1_64         8    16|17    24|20    32|23    40|26    47|29      361
 *   AVX2
 *     Q4_0         24    48|75    72|79    96|96  120|103  144|108     1192
 *     Q2_K         20    40|64    60|70    80|92   100|98  120|103     1337
 *     Q3_K         23    46|76    69|80   92|103  115|109  138|113     1294
 *     TQ2_0        15    30|57    45|62    60|82    75|87    90|92     1146
 *     Q1_64         9    18|41    27|46    36|60    46|65    55|70     1084 (17: 155|165, 32:
 *                                                                      292|289)
 *
 * For Arm there was no processor to measure on; instructions of a group of 16 x 32 were counted
 * (looked up per token; in order: once and per token):
 *
 *            NEON              dot product instruction
 *     Q4_0   383  962 + 211    383   935 +  93
 *     Q2_K   300  911 + 319    300   887 + 345
 *     Q3_K   364 1101 + 326    364  1098 + 341
 *     TQ2_0  191  684 + 211    191   657 +  91
 *     Q1_64  129  407 + 211    129   380 +  91
 *
 * What Q3_K would gain there with very many tokens, a tenth at most, is less than counting can
 * tell. Plain C is the specification: it always looks up. */
#define ALWAYS SIZE_MAX
#define MAX_TOKENS(avx2, avx512, neon, dotprod)                                                    \
  {                                                                                                \
    [KN_LEVEL_C] = ALWAYS, [KN_LEVEL_AVX2] = (avx2), [KN_LEVEL_AVX512] = (avx512),                 \
    [KN_LEVEL_NEON] = (neon), [KN_LEVEL_DOTPROD] = (dotprod)                                       \
  }

static const struct
{
  KnDtype dtype, base;
  size_t max_tokens[KN_N_LEVELS];
} twins[] = {
  { KN_Q4_0_LUT, KN_Q4_0, MAX_TOKENS (4, 2, 5, 3) },
  { KN_Q2_K_LUT, KN_Q2_K, MAX_TOKENS (4, 2, ALWAYS, ALWAYS) },
  { KN_Q2_64_LUT, KN_Q2_64, MAX_TOKENS (4, 2, ALWAYS, ALWAYS) },
  { KN_Q3_K_LUT, KN_Q3_K, MAX_TOKENS (4, 2, ALWAYS, ALWAYS) },
  { KN_Q3_64_LUT, KN_Q3_64, MAX_TOKENS (4, 2, ALWAYS, ALWAYS) },
  { KN_TQ2_0_LUT, KN_TQ2_0, MAX_TOKENS (6, 3, ALWAYS, 6) },
  { KN_Q1_64_LUT, KN_Q1_64, MAX_TOKENS (30, 2, ALWAYS, 10) },
};

#define N_TWINS (sizeof twins / sizeof *twins)

int
kn_lookup_base (int dtype)
{
  for (size_t i = 0; i < N_TWINS; i++)
    if ((int)twins[i].dtype == dtype)
      return (int)twins[i].base;
  return -1;
}

int
kn_lookup_twin (int dtype)
{
  for (size_t i = 0; i < N_TWINS; i++)
    if ((int)twins[i].base == dtype)
      return (int)twins[i].dtype;
  return -1;
}

size_t
kn_lookup_max_tokens (KnLevel level, KnDtype dtype)
{
  for (size_t i = 0; i < N_TWINS; i++)
    if (twins[i].dtype == dtype)
      return twins[i].max_tokens[level];
  return SIZE_MAX;
}

/* ---- planes ---- */

/* Where bit @bit of column @j of row @row is: a byte of the group's lines and a bit of it. */
static inline size_t
line_place (KnDtype base, size_t row, size_t j, unsigned bit, unsigned *shift)
{
  const size_t step = j / 4, at = 4 * row + j % 4;

  if (kn_panel_group_bytes (base) == 256)
    {
      *shift = bit + (step >= 4 ? 4 : 0);
      return 64 * (step % 4) + at;
    }
  if (bit == 2 || kn_panel_group_bytes (base) == 64)
    {
      *shift = (unsigned)step;
      return 64 * bit + at;
    }
  *shift = (unsigned)(2 * (step % 4)) + bit;
  return 64 * (step / 4) + at;
}

static inline size_t
plane_place (size_t row, size_t j, unsigned bit, unsigned *shift)
{
  const size_t step = j / 4;

  *shift = (unsigned)(j % 4) + (step >= 4 ? 4 : 0);
  return KN_LOOKUP_PLANE * bit + 16 * (step % 4) + row;
}

static inline __attribute__ ((always_inline)) void
move_bits (KnDtype base, int to_planes, const uint8_t *from, uint8_t *to)
{
  const unsigned n_bits = (unsigned)(kn_panel_group_bytes (base) / KN_LOOKUP_PLANE);

  memset (to, 0, kn_panel_group_bytes (base));
  for (unsigned bit = 0; bit < n_bits; bit++)
    for (size_t j = 0; j < 32; j++)
      for (size_t row = 0; row < ROWS; row++)
        {
          unsigned line_shift, plane_shift;
          const size_t line = line_place (base, row, j, bit, &line_shift);
          const size_t plane = plane_place (row, j, bit, &plane_shift);

          if (to_planes)
            to[plane] |= (uint8_t)((from[line] >> line_shift & 1) << plane_shift);
          else
            to[line] |= (uint8_t)((from[plane] >> plane_shift & 1) << line_shift);
        }
}

void
kn_lookup_to_planes (KnDtype base, const uint8_t *lines, uint8_t *planes)
{
  move_bits (base, 1, lines, planes);
}

void
kn_lookup_to_lines (KnDtype base, const uint8_t *planes, uint8_t *lines)
{
  move_bits (base, 0, planes, lines);
}

void
kn_lookup_pack (KnDtype base, size_t n_cols, uint8_t *panel)
{
  uint8_t lines[512]; /* the longest group of any format */

  for (size_t g = 0; g < n_cols / 32; g++)
    {
      uint8_t *codes = panel + kn_panel_codes_at (base, g);

      memcpy (lines, codes, kn_panel_group_bytes (base));
      kn_lookup_to_planes (base, lines, codes);
    }
}

size_t
kn_lookup_scratch_bytes (KnDtype base, size_t n_cols)
{
  return KN_LOOKUP_PANELS * kn_panel_bytes (base, n_cols) + kn_matmul_scratch_bytes (base, n_cols);
}

/* ---- products ---- */

#define LOOKUP_LEVEL KN_LEVEL_C

static inline void
load_f16s (const uint8_t *src, float dst[ROWS])
{
  uint16_t halves[ROWS];

  memcpy (halves, src, sizeof halves);
  for (size_t row = 0; row < ROWS; row++)
    dst[row] = kn_f16_load (halves[row]);
}

typedef uint32_t LookupWords __attribute__ ((vector_size (16)));

static inline LookupWords
load_bytes (const uint8_t *src)
{
  return (LookupWords){ src[0], src[1], src[2], src[3] };
}

/* int16 [8 steps][16]: entry i is the sum of the codes whose bits are set in i. Each is one
 * addition to an entry made before. */
static inline void
build_tables (const int8_t xq[32], uint8_t *tables)
{
  int16_t *t = (int16_t *)(void *)tables;

  for (size_t step = 0; step < 8; step++, t += 16)
    {
      t[0] = 0;
      for (unsigned k = 0; k < 4; k++)
        for (unsigned i = 0; i < 1u << k; i++)
          t[(1u << k) + i] = (int16_t)(t[i] + xq[4 * step + k]);
    }
}

static inline void
sum_group (int n_planes, const uint8_t *codes, const uint8_t *tables, int32_t sum[2][ROWS])
{
  const int16_t *t = (const int16_t *)(const void *)tables;

  memset (sum, 0, 2 * ROWS * sizeof (int32_t));
  for (int plane = 0; plane < n_planes; plane++)
    for (size_t step = 0; step < 4; step++)
      for (size_t row = 0; row < ROWS; row++)
        {
          const uint8_t bits = codes[KN_LOOKUP_PLANE * plane + 16 * step + row];

          sum[0][row] += t[16 * step + (bits & 15)] * (1 << plane);
          sum[1][row] += t[16 * (step + 4) + (bits >> 4)] * (1 << plane);
        }
}

#include "kn-lookup-body.h"

KN_LOOKUP_PRODUCTS (c)
