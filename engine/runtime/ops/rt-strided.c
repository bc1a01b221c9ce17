/* Strided copies: dimensions that belong together are merged, then the two that matter for memory
 * are walked in strips of about the size of the first cache. Called by the operators that move
 * data; knows none of them. */
#include "rt-strided.h"

#include <string.h>

/* Bytes of one strip: a part of the first cache, and enough to be worth a hand-out. */
#define STRIP_BYTES 16384
#define LINE_BYTES 64

void
rt_strided_init (RtStrided *s, size_t elem)
{
  /* Not all of it: the dimensions are as many as are added. */
  s->elem = elem;
  s->n_dims = 0;
  s->from_offset = 0;
  s->n_units = s->unit_bytes = 0;
}

void
rt_strided_add (RtStrided *s, int64_t n, int64_t from, int64_t to)
{
  s->dims[s->n_dims] = n;
  s->from[s->n_dims] = from;
  s->to[s->n_dims] = to;
  s->n_dims++;
}

/* ---- planning ---- */

/* Drop dimensions of one element; merge neighbours that are one in both views. */
static void
merge (RtStrided *s)
{
  uint32_t n = 0;

  for (uint32_t i = 0; i < s->n_dims; i++)
    {
      if (s->dims[i] == 1)
        continue;
      if (n > 0 && s->from[n - 1] == s->from[i] * s->dims[i]
          && s->to[n - 1] == s->to[i] * s->dims[i])
        {
          s->dims[n - 1] *= s->dims[i];
          s->from[n - 1] = s->from[i];
          s->to[n - 1] = s->to[i];
          continue;
        }
      s->dims[n] = s->dims[i];
      s->from[n] = s->from[i];
      s->to[n] = s->to[i];
      n++;
    }
  s->n_dims = n;
}

/* At least two dimensions, so that the rest need not count. */
static void
fill_up (RtStrided *s)
{
  while (s->n_dims < 2)
    {
      for (uint32_t i = s->n_dims; i > 0; i--)
        {
          s->dims[i] = s->dims[i - 1];
          s->from[i] = s->from[i - 1];
          s->to[i] = s->to[i - 1];
        }
      s->dims[0] = 1;
      s->from[0] = s->to[0] = s->n_dims == 0;
      s->n_dims++;
    }
}

static void
move_dim (int64_t *x, uint32_t from, uint32_t to)
{
  int64_t moved = x[from];
  memmove (x + from, x + from + 1, (to - from) * sizeof *x);
  x[to] = moved;
}

static void
choose_kind (RtStrided *s)
{
  uint32_t last = s->n_dims - 1;

  s->kind = RT_STRIDED_LINES;
  if (s->to[last] != 1)
    return;
  if (s->from[last] == 1)
    {
      s->kind = RT_STRIDED_RUNS;
      return;
    }
  for (uint32_t i = 0; i < last && s->from[last] != 0; i++)
    if (s->from[i] == 1)
      {
        s->kind = RT_STRIDED_TILES;
        move_dim (s->dims, i, last - 1);
        move_dim (s->from, i, last - 1);
        move_dim (s->to, i, last - 1);
        return;
      }
}

static int64_t
clamp (int64_t x, int64_t low, int64_t high)
{
  return x < low ? low : x > high ? high : x;
}

void
rt_strided_plan (RtStrided *s)
{
  uint64_t n_outer = 1;

  merge (s);
  fill_up (s);
  choose_kind (s);

  int64_t n_rows = s->dims[s->n_dims - 2], n_cols = s->dims[s->n_dims - 1];
  int64_t strip = STRIP_BYTES / (int64_t)s->elem;
  for (uint32_t i = 0; i + 2 < s->n_dims; i++)
    n_outer *= (uint64_t)s->dims[i];
  s->n_units = 0;
  if (n_outer == 0 || n_rows == 0 || n_cols == 0)
    return;

  if (s->kind == RT_STRIDED_TILES)
    {
      /* Whole cache lines of the source. */
      int64_t line = LINE_BYTES / (int64_t)s->elem;
      s->strip_cols = clamp (strip / line, 1, n_cols);
      s->strip_rows = clamp (strip / s->strip_cols / line * line, line, n_rows > 0 ? n_rows : 1);
      if (s->strip_rows > n_rows)
        s->strip_rows = n_rows;
    }
  else
    {
      s->strip_cols = clamp (strip, 1, n_cols);
      s->strip_rows = clamp (strip / s->strip_cols, 1, n_rows);
    }
  s->n_row_strips = (uint64_t)((n_rows + s->strip_rows - 1) / s->strip_rows);
  s->n_col_strips = (uint64_t)((n_cols + s->strip_cols - 1) / s->strip_cols);
  s->n_units = n_outer * s->n_row_strips * s->n_col_strips;
  s->unit_bytes = (uint64_t)(s->strip_rows * s->strip_cols) * s->elem * 2;
}

/* ---- one strip ---- */

#define ALWAYS_INLINE static inline __attribute__ ((always_inline))

ALWAYS_INLINE void
line_of (size_t elem, const uint8_t *from, int64_t stride, uint8_t *to, int64_t n)
{
  const int64_t step = stride * (int64_t)elem;
  for (int64_t i = 0; i < n; i++)
    memcpy (to + i * (int64_t)elem, from + i * step, elem);
}

void
rt_strided_line (size_t elem, const uint8_t *from, int64_t stride, uint8_t *to, int64_t n)
{
  if (stride == 1)
    memcpy (to, from, (size_t)n * elem);
  else if (elem == 1)
    line_of (1, from, stride, to, n);
  else if (elem == 2)
    line_of (2, from, stride, to, n);
  else if (elem == 4)
    line_of (4, from, stride, to, n);
  else
    line_of (8, from, stride, to, n);
}

/* Runs of a length known to the compiler. */
ALWAYS_INLINE void
runs_of (size_t n_bytes, const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step,
         int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    memcpy (to + i * to_step, from + i * from_step, n_bytes);
}

static void
copy_runs (size_t n_bytes, const uint8_t *from, int64_t from_step, uint8_t *to, int64_t to_step,
           int64_t n)
{
  switch (n_bytes)
    {
    case 2:
      runs_of (2, from, from_step, to, to_step, n);
      break;
    case 3:
      runs_of (3, from, from_step, to, to_step, n);
      break;
    case 4:
      runs_of (4, from, from_step, to, to_step, n);
      break;
    case 8:
      runs_of (8, from, from_step, to, to_step, n);
      break;
    case 12:
      runs_of (12, from, from_step, to, to_step, n);
      break;
    case 16:
      runs_of (16, from, from_step, to, to_step, n);
      break;
    case 32:
      runs_of (32, from, from_step, to, to_step, n);
      break;
    case 64:
      runs_of (64, from, from_step, to, to_step, n);
      break;
    default:
      runs_of (n_bytes, from, from_step, to, to_step, n);
    }
}

/* A block of 16 bytes by 16 / elem rows, transposed in registers: interleaving rows i and i + n / 2
 * log2 (n) times is a transposition. */
typedef uint8_t V8 __attribute__ ((vector_size (16)));
typedef uint16_t V16 __attribute__ ((vector_size (16)));
typedef uint32_t V32 __attribute__ ((vector_size (16)));
typedef uint64_t V64 __attribute__ ((vector_size (16)));

#define LOW_8(a, b)                                                                                \
  __builtin_shufflevector (a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_8(a, b)                                                                               \
  __builtin_shufflevector (a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define LOW_16(a, b) __builtin_shufflevector (a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_16(a, b) __builtin_shufflevector (a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW_32(a, b) __builtin_shufflevector (a, b, 0, 4, 1, 5)
#define HIGH_32(a, b) __builtin_shufflevector (a, b, 2, 6, 3, 7)
#define LOW_64(a, b) __builtin_shufflevector (a, b, 0, 2)
#define HIGH_64(a, b) __builtin_shufflevector (a, b, 1, 3)

#define DEFINE_BLOCK(bits, n, n_stages)                                                            \
  ALWAYS_INLINE void block_##bits (const uint8_t *from, int64_t from_step, uint8_t *to,            \
                                   int64_t to_step)                                                \
  {                                                                                                \
    V##bits row[n], next[n];                                                                       \
    _Pragma ("GCC unroll 16") for (int i = 0; i < n; i++)                                          \
        memcpy (&row[i], from + i * from_step, sizeof row[i]);                                     \
    _Pragma ("GCC unroll 4") for (int stage = 0; stage < n_stages; stage++)                        \
    {                                                                                              \
      _Pragma ("GCC unroll 8") for (int i = 0; i < n / 2; i++)                                     \
      {                                                                                            \
        next[2 * i] = LOW_##bits (row[i], row[i + n / 2]);                                         \
        next[2 * i + 1] = HIGH_##bits (row[i], row[i + n / 2]);                                    \
      }                                                                                            \
      _Pragma ("GCC unroll 16") for (int i = 0; i < n; i++) row[i] = next[i];                      \
    }                                                                                              \
    _Pragma ("GCC unroll 16") for (int i = 0; i < n; i++)                                          \
        memcpy (to + i * to_step, &row[i], sizeof row[i]);                                         \
  }

DEFINE_BLOCK (8, 16, 4)
DEFINE_BLOCK (16, 8, 3)
DEFINE_BLOCK (32, 4, 2)
DEFINE_BLOCK (64, 2, 1)

typedef struct
{
  const uint8_t *from;
  uint8_t *to;
  int64_t n_rows, n_cols; /* of the target */
  int64_t from_step,
      to_step; /* bytes from column to column of the source, row to row of the target */
} Tile;

/* Rows [row, row + n) and columns [col, col + m), one by one. */
ALWAYS_INLINE void
tile_edge (size_t elem, const Tile *t, int64_t row, int64_t n, int64_t col, int64_t m)
{
  const int64_t e = (int64_t)elem;
  for (int64_t i = row; i < row + n; i++)
    for (int64_t j = col; j < col + m; j++)
      memcpy (t->to + i * t->to_step + j * e, t->from + j * t->from_step + i * e, elem);
}

/* Few rows: every column of the source is read once, in order. */
ALWAYS_INLINE void
tile_few_rows (size_t elem, const Tile *t, int64_t n_rows)
{
  const int64_t e = (int64_t)elem;
  for (int64_t j = 0; j < t->n_cols; j++)
    for (int64_t i = 0; i < n_rows; i++)
      memcpy (t->to + i * t->to_step + j * e, t->from + j * t->from_step + i * e, elem);
}

/* Three planes of 32 bits become triples that follow each other, as for a picture. Returns how many
 * rows of the target are done. */
static int64_t
interleave_triples (const Tile *t)
{
  const uint8_t *planes[3] = { t->from, t->from + t->from_step, t->from + 2 * t->from_step };
  int64_t i = 0;

  for (; i + 4 <= t->n_rows; i += 4)
    {
      V32 a, b, c, out[3];

      memcpy (&a, planes[0] + i * 4, sizeof a);
      memcpy (&b, planes[1] + i * 4, sizeof b);
      memcpy (&c, planes[2] + i * 4, sizeof c);
      const V32 low = LOW_32 (a, b), high = HIGH_32 (a, b);
      out[0] = __builtin_shufflevector (low, c, 0, 1, 4, 2);
      out[1] = __builtin_shufflevector (__builtin_shufflevector (low, c, 3, 5, 3, 5), high, 0, 1, 4,
                                        5);
      out[2] = __builtin_shufflevector (high, c, 6, 2, 3, 7);
      memcpy (t->to + i * 12, out, sizeof out);
    }
  return i;
}

#define DEFINE_TILE(bits, n)                                                                       \
  static void tile_##bits (const Tile *t)                                                          \
  {                                                                                                \
    const int64_t e = bits / 8;                                                                    \
    if (t->n_rows < n && t->n_cols >= n)                                                           \
      {                                                                                            \
        if (t->n_rows == 3)                                                                        \
          tile_few_rows (bits / 8, t, 3);                                                          \
        else                                                                                       \
          tile_few_rows (bits / 8, t, t->n_rows);                                                  \
        return;                                                                                    \
      }                                                                                            \
    if (t->n_cols == 3)                                                                            \
      {                                                                                            \
        const int64_t done = bits == 32 && t->to_step == 12 ? interleave_triples (t) : 0;          \
        tile_edge (bits / 8, t, done, t->n_rows - done, 0, 3);                                     \
        return;                                                                                    \
      }                                                                                            \
    const int64_t rows = t->n_rows / n * n, cols = t->n_cols / n * n;                              \
    for (int64_t j = 0; j < cols; j += n)                                                          \
      for (int64_t i = 0; i < rows; i += n)                                                        \
        block_##bits (t->from + j * t->from_step + i * e, t->from_step,                            \
                      t->to + i * t->to_step + j * e, t->to_step);                                 \
    tile_edge (bits / 8, t, 0, rows, cols, t->n_cols - cols);                                      \
    tile_edge (bits / 8, t, rows, t->n_rows - rows, 0, t->n_cols);                                 \
  }

DEFINE_TILE (8, 16)
DEFINE_TILE (16, 8)
DEFINE_TILE (32, 4)
DEFINE_TILE (64, 2)

static void
copy_tile (size_t elem, const Tile *tile)
{
  if (elem == 1)
    tile_8 (tile);
  else if (elem == 2)
    tile_16 (tile);
  else if (elem == 4)
    tile_32 (tile);
  else
    tile_64 (tile);
}

static void
copy_strip (const RtStrided *s, const uint8_t *from, uint8_t *to, int64_t n_rows, int64_t n_cols)
{
  const int64_t e = (int64_t)s->elem;
  int64_t from_rows = s->from[s->n_dims - 2] * e, to_rows = s->to[s->n_dims - 2] * e;
  int64_t from_cols = s->from[s->n_dims - 1], to_cols = s->to[s->n_dims - 1];

  if (s->kind == RT_STRIDED_RUNS)
    copy_runs ((size_t)(n_cols * e), from, from_rows, to, to_rows, n_rows);
  else if (s->kind == RT_STRIDED_TILES)
    copy_tile (s->elem, &(Tile){ from, to, n_rows, n_cols, from_cols * e, to_rows });
  else if (to_cols == 1)
    for (int64_t i = 0; i < n_rows; i++)
      rt_strided_line (s->elem, from + i * from_rows, from_cols, to + i * to_rows, n_cols);
  else
    for (int64_t i = 0; i < n_rows; i++)
      for (int64_t j = 0; j < n_cols; j++)
        memcpy (to + i * to_rows + j * to_cols * e, from + i * from_rows + j * from_cols * e,
                s->elem);
}

/* ---- all units ---- */

void
rt_strided_run (const RtStrided *s, const void *from, void *to, uint64_t first, uint64_t last)
{
  const uint32_t n_outer = s->n_dims - 2;
  int64_t index[RT_STRIDED_MAX_DIMS];
  const uint8_t *source = from;
  uint8_t *target = to;

  if (first >= last)
    return;
  uint64_t col = first % s->n_col_strips, row = first / s->n_col_strips % s->n_row_strips;
  uint64_t rest = first / s->n_col_strips / s->n_row_strips;
  int64_t from_at = s->from_offset, to_at = 0;
  for (uint32_t d = n_outer; d-- > 0;)
    {
      index[d] = (int64_t)(rest % (uint64_t)s->dims[d]);
      rest /= (uint64_t)s->dims[d];
      from_at += index[d] * s->from[d];
      to_at += index[d] * s->to[d];
    }

  for (uint64_t unit = first; unit < last; unit++)
    {
      int64_t i = (int64_t)row * s->strip_rows, j = (int64_t)col * s->strip_cols;
      int64_t n_rows = s->dims[n_outer] - i, n_cols = s->dims[n_outer + 1] - j;
      int64_t from_strip = from_at + i * s->from[n_outer] + j * s->from[n_outer + 1];
      int64_t to_strip = to_at + i * s->to[n_outer] + j * s->to[n_outer + 1];
      copy_strip (s, source + from_strip * (int64_t)s->elem, target + to_strip * (int64_t)s->elem,
                  n_rows < s->strip_rows ? n_rows : s->strip_rows,
                  n_cols < s->strip_cols ? n_cols : s->strip_cols);

      if (++col < s->n_col_strips)
        continue;
      col = 0;
      if (++row < s->n_row_strips)
        continue;
      row = 0;
      for (uint32_t d = n_outer; d-- > 0;)
        {
          from_at += s->from[d];
          to_at += s->to[d];
          if (++index[d] < s->dims[d])
            break;
          from_at -= index[d] * s->from[d];
          to_at -= index[d] * s->to[d];
          index[d] = 0;
        }
    }
}
