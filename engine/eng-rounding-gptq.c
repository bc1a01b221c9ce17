/* Rounding with error compensation: the columns of a row are rounded one after the other, and what
 * a column lost is made up for by those that are still free, as far as the inputs' second moments
 * say that they can stand in for it (Frantar et al. 2023, GPTQ).
 *
 * Rows do not depend on each other, so each tile of 64 rows goes its own way, on any thread:
 *
 *     for each panel of 128 columns (256: one block of the K formats)
 *       for each column j of it: code = nearest level; e = (w - level) / U[j][j]; w[k] -= e
 *         U[j][k], k in the panel
 *       all later columns at once:  W -= E U[panel][later]             by the float product kernels
 *
 * Where scales come from: kn_quantize_row_weighted() of a block when its first column is reached,
 * of the weights as they are by then; with columns in another order than the file's, of the weights
 * at the beginning, for all blocks. A format with one scale per row has it from the beginning in
 * either order. */
#include <math.h>
#include <string.h>

#include "eng-rounding.h"
#include "kn-grid.h"
#include "kn-matmul.h"
#include "kn-quant.h"
#include "kn-table.h"

#define ROWS 64
#define PANEL 128

typedef struct
{
  const EngRoundingArgs *args;
  const float *factor;  /* [n][n], in the order of rounding */
  const guint32 *order; /* NULL: as they come */
  const atomic_int *cancel;
  KnGridInfo grid;
  gsize group_len; /* columns that share a scale */
  gsize n, stride, row_bytes, header_bytes, block_bytes;
  gsize width, n_panels; /* of column panels */
  guint8 **later;        /* [n_panels] packed U[panel][later columns], as the products' matrix */
} Rounding;

/* What a thread has in hand. */
typedef struct
{
  const Rounding *all;
  gsize first, n_rows;             /* of the tile */
  float *w;                        /* [ROWS][stride] by order */
  guint8 *codes;                   /* [ROWS][n] by file column */
  guint8 *is_zero;                 /* [n][ROWS] by order */
  float *scale, *inverse, *offset; /* [groups][ROWS] */
  float *columns;                  /* [width][ROWS] */
  float *errors;                   /* [width][ROWS] */
  float *rows;                     /* [ROWS][width] the same errors */
  float *taken;                    /* [ROWS][n] */
  gpointer scratch;
} Tile;

/* ---- scales ---- */

static void
set_grid (Tile *tile, gsize group, gsize row, float scale, float offset)
{
  gsize at = group * ROWS + row;

  tile->scale[at] = scale;
  tile->inverse[at] = fabsf (scale) >= 0x1p-126f ? 1 / scale : 0;
  tile->offset[at] = offset;
}

/* Of @n numbers from column @first on: with the scales of the least weighted error. What is pruned
 * costs nothing. @costs [n]: memory for the work. */
static void
choose_scales (const EngRoundingArgs *args, gsize first, const float *x, gsize n, float *costs,
               guint8 *blocks)
{
  float any = 0;

  for (gsize i = 0; i < n; i++)
    {
      costs[i] = x[i] != 0 ? (args->weights != NULL ? args->weights[first + i] : 1) : 0;
      any += costs[i];
    }
  kn_quantize_row_weighted ((KnDtype)args->dtype, x, any > 0 ? costs : NULL, blocks, n);
}

/* The grids of block @block, from @values [ROWS][block_len] of this tile. */
static void
choose_grids (Tile *tile, gsize block, const float *values)
{
  const Rounding *all = tile->all;
  gsize len = all->grid.block_len, n_groups = len / all->group_len;
  float costs[256], scale[KN_GRID_MAX_GROUPS], offset[KN_GRID_MAX_GROUPS];

  for (gsize r = 0; r < tile->n_rows; r++)
    {
      guint8 *blocks
          = all->args->blocks + (tile->first + r) * all->row_bytes + block * all->block_bytes;
      choose_scales (all->args, block * len, values + r * len, len, costs, blocks);
      kn_grid_get ((KnDtype)all->args->dtype, blocks, scale, offset);
      for (gsize g = 0; g < n_groups; g++)
        set_grid (tile, block * n_groups + g, r, scale[g], offset[g]);
    }
}

/* The one grid of each row, before anything is rounded. */
static void
choose_row_grids (Tile *tile)
{
  const Rounding *all = tile->all;
  g_autofree float *costs = g_new (float, all->n);
  float scale, offset;

  for (gsize r = 0; r < tile->n_rows; r++)
    {
      const float *x = all->args->data + (tile->first + r) * all->n;
      guint8 *row = all->args->blocks + (tile->first + r) * all->row_bytes;
      choose_scales (all->args, 0, x, all->n, costs, row);
      kn_grid_get ((KnDtype)all->args->dtype, row, &scale, &offset);
      kn_grid_put_scale ((KnDtype)all->args->dtype, row,
                         eng_search_row_scale (&all->grid, x, costs, all->n, scale));
      kn_grid_get ((KnDtype)all->args->dtype, row, &scale, &offset);
      set_grid (tile, 0, r, scale, offset);
    }
}

/* All blocks, before anything is rounded. */
static void
choose_all_grids (Tile *tile)
{
  const Rounding *all = tile->all;
  gsize len = all->grid.block_len;
  g_autofree float *values = g_new (float, ROWS *len);

  for (gsize block = 0; block < all->n / len; block++)
    {
      for (gsize r = 0; r < tile->n_rows; r++)
        memcpy (values + r * len, all->args->data + (tile->first + r) * all->n + block * len,
                len * sizeof (float));
      choose_grids (tile, block, values);
    }
}

/* Of the block that begins at column @j of the panel that begins at @begin. */
static void
choose_grids_now (Tile *tile, gsize begin, gsize j)
{
  const Rounding *all = tile->all;
  gsize len = all->grid.block_len;
  g_autofree float *values = g_new (float, ROWS *len);

  for (gsize i = 0; i < len; i++)
    for (gsize r = 0; r < tile->n_rows; r++)
      values[r * len + i]
          = tile->is_zero[(begin + j + i) * ROWS + r] ? 0 : tile->columns[(j + i) * ROWS + r];
  choose_grids (tile, (begin + j) / len, values);
}

/* ---- one column ---- */

static void
round_column (Tile *tile, const float *w, gsize group, const guint8 *is_zero, float per_error,
              float *errors, guint8 codes[ROWS])
{
  const float *scale = tile->scale + group * ROWS, *inverse = tile->inverse + group * ROWS,
              *offset = tile->offset + group * ROWS;
  float most = (float)(tile->all->grid.n_codes - 1);

  for (gsize r = 0; r < ROWS; r++)
    {
      float wanted = is_zero[r] ? 0 : w[r];
      float code = (wanted - offset[r]) * inverse[r] + 0.5f;
      code = code > 0 ? code : 0; /* NaN is 0 */
      code = code < most ? code : most;
      codes[r] = (guint8)code;
      errors[r] = (w[r] - (scale[r] * (float)codes[r] + offset[r])) * per_error;
    }
}

static void
pass_on (float *columns, const float *errors, const float *u, gsize n)
{
  for (gsize k = 0; k < n; k++)
    for (gsize r = 0; r < ROWS; r++)
      columns[k * ROWS + r] -= errors[r] * u[k];
}

/* ---- a panel of columns ---- */

static void
take_panel (Tile *tile, gsize begin, gsize n)
{
  for (gsize r = 0; r < ROWS; r++)
    for (gsize j = 0; j < n; j++)
      tile->columns[j * ROWS + r] = tile->w[r * tile->all->stride + begin + j];
}

static void
round_panel (Tile *tile, gsize begin, gsize n)
{
  const Rounding *all = tile->all;
  guint8 codes[ROWS];

  for (gsize j = 0; j < n; j++)
    {
      const float *u = all->factor + (begin + j) * all->n + begin + j;
      gsize column = all->order != NULL ? all->order[begin + j] : begin + j;
      if (all->order == NULL && !all->grid.is_of_row && column % all->grid.block_len == 0)
        choose_grids_now (tile, begin, j);
      round_column (tile, tile->columns + j * ROWS, column / all->group_len,
                    tile->is_zero + (begin + j) * ROWS, 1 / u[0], tile->errors + j * ROWS, codes);
      for (gsize r = 0; r < tile->n_rows; r++)
        tile->codes[r * all->n + column] = codes[r];
      pass_on (tile->columns + (j + 1) * ROWS, tile->errors + j * ROWS, u + 1, n - j - 1);
    }
}

static void
update_later (Tile *tile, gsize panel, gsize begin, gsize n)
{
  const Rounding *all = tile->all;
  gsize end = begin + n, n_later = all->n - end;

  if (n_later == 0)
    return;
  for (gsize r = 0; r < ROWS; r++)
    for (gsize j = 0; j < n; j++)
      tile->rows[r * all->width + j] = tile->errors[j * ROWS + r];
  KnMatmulArgs args = { .n_cols = n,
                        .n_rows = n_later,
                        .n_tokens = tile->n_rows,
                        .panels = all->later[panel],
                        .x = tile->rows,
                        .x_stride = all->width * sizeof (float),
                        .y = tile->taken,
                        .y_stride = n_later,
                        .scratch = tile->scratch };
  kn_table ()->matmul.f32 (&args);
  for (gsize r = 0; r < tile->n_rows; r++)
    for (gsize k = 0; k < n_later; k++)
      tile->w[r * all->stride + end + k] -= tile->taken[r * n_later + k];
}

/* ---- a tile of rows ---- */

static void
take_rows (Tile *tile)
{
  const Rounding *all = tile->all;

  memset (tile->w, 0, ROWS * all->stride * sizeof *tile->w);
  memset (tile->is_zero, 0, ROWS * all->n);
  for (gsize r = 0; r < tile->n_rows; r++)
    {
      const float *row = all->args->data + (tile->first + r) * all->n;
      for (gsize i = 0; i < all->n; i++)
        {
          float x = row[all->order != NULL ? all->order[i] : i];
          tile->w[r * all->stride + i] = x;
          tile->is_zero[i * ROWS + r] = x == 0;
        }
    }
}

static void
put_codes (Tile *tile)
{
  const Rounding *all = tile->all;
  gsize len = all->grid.block_len;

  for (gsize r = 0; r < tile->n_rows; r++)
    for (gsize block = 0; block < all->n / len; block++)
      kn_grid_put ((KnDtype)all->args->dtype,
                   all->args->blocks + (tile->first + r) * all->row_bytes + all->header_bytes
                       + block * all->block_bytes,
                   tile->codes + r * all->n + block * len);
}

static void
tile_init (Tile *tile, const Rounding *all)
{
  gsize n_groups = all->n / all->group_len;

  *tile = (Tile){ .all = all };
  tile->w = g_aligned_alloc (ROWS * all->stride, sizeof (float), KN_ALIGN);
  tile->rows = g_aligned_alloc (ROWS * all->width, sizeof (float), KN_ALIGN);
  tile->columns = g_aligned_alloc (ROWS * all->width, sizeof (float), KN_ALIGN);
  tile->errors = g_aligned_alloc (ROWS * all->width, sizeof (float), KN_ALIGN);
  tile->scratch
      = g_aligned_alloc (1, MAX (KN_ALIGN, kn_matmul_scratch_bytes (KN_F32, all->width)), KN_ALIGN);
  tile->codes = g_malloc (ROWS * all->n);
  tile->is_zero = g_malloc (ROWS * all->n);
  tile->scale = g_new0 (float, 3 * ROWS * n_groups);
  tile->inverse = tile->scale + ROWS * n_groups;
  tile->offset = tile->inverse + ROWS * n_groups;
  tile->taken = g_new (float, ROWS * all->n);
}

static void
tile_clear (Tile *tile)
{
  g_aligned_free (tile->w);
  g_aligned_free (tile->rows);
  g_aligned_free (tile->columns);
  g_aligned_free (tile->errors);
  g_aligned_free (tile->scratch);
  g_free (tile->codes);
  g_free (tile->is_zero);
  g_free (tile->scale);
  g_free (tile->taken);
}

static void
round_tile (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  const Rounding *all = data;
  Tile tile;

  if (all->cancel != NULL && atomic_load ((atomic_int *)all->cancel))
    return;
  tile_init (&tile, all);
  tile.first = (gsize)chunk * ROWS;
  tile.n_rows = MIN (ROWS, all->args->n_rows - tile.first);
  take_rows (&tile);
  if (all->grid.is_of_row)
    choose_row_grids (&tile);
  else if (all->order != NULL)
    choose_all_grids (&tile);
  for (gsize panel = 0; panel < all->n_panels; panel++)
    {
      gsize begin = panel * all->width, n = MIN (all->width, all->n - begin);
      take_panel (&tile, begin, n);
      round_panel (&tile, begin, n);
      update_later (&tile, panel, begin, n);
    }
  put_codes (&tile);
  tile_clear (&tile);
}

/* ---- what all tiles share ---- */

/* U[panel][later] as a matrix whose rows are the later columns. */
static guint8 *
pack_later (const Rounding *all, gsize panel)
{
  gsize begin = panel * all->width, n = MIN (all->width, all->n - begin), end = begin + n;
  gsize n_later = all->n - end, bytes = kn_panel_bytes (KN_F32, n);
  float rows[KN_PANEL_ROWS * 256];

  if (n_later == 0)
    return NULL;
  guint8 *packed = g_aligned_alloc ((n_later + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS, bytes, KN_ALIGN);
  for (gsize at = 0; at < n_later; at += KN_PANEL_ROWS)
    {
      gsize n_rows = MIN (KN_PANEL_ROWS, n_later - at);
      for (gsize r = 0; r < n_rows; r++)
        for (gsize c = 0; c < n; c++)
          rows[r * n + c] = all->factor[(begin + c) * all->n + end + at + r];
      kn_pack_panel (KN_F32, rows, n * sizeof (float), n_rows, n,
                     packed + at / KN_PANEL_ROWS * bytes);
    }
  return packed;
}

static void
pack_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Rounding *all = data;
  all->later[chunk] = pack_later (all, chunk);
}

gboolean
eng_round_compensated (const EngRoundingArgs *args, const float *factor, const guint32 *order,
                       RtPool *pool, const atomic_int *cancel)
{
  Rounding all = { .args = args,
                   .factor = factor,
                   .order = order,
                   .cancel = cancel,
                   .n = args->n_cols,
                   .stride = (args->n_cols + 15) & ~(gsize)15,
                   .row_bytes = kn_row_bytes ((KnDtype)args->dtype, args->n_cols) };
  gboolean has_grid = kn_grid_info (args->dtype, &all.grid);

  g_return_val_if_fail (has_grid && all.row_bytes > 0, FALSE);
  all.group_len = all.grid.is_of_row ? all.n : all.grid.group_len;
  all.header_bytes = kn_dtype_info (args->dtype)->header_bytes;
  all.block_bytes = kn_dtype_info (args->dtype)->block_bytes;
  all.width = MAX (PANEL, all.grid.block_len);
  all.n_panels = (all.n + all.width - 1) / all.width;
  all.later = g_new0 (guint8 *, all.n_panels);
  RtJob packing
      = { .n_phases = 1, .n_chunks = (uint32_t)all.n_panels, .chunk = pack_chunk, .data = &all };
  RtJob rounding = { .n_phases = 1,
                     .n_chunks = (uint32_t)((args->n_rows + ROWS - 1) / ROWS),
                     .chunk = round_tile,
                     .data = &all };
  rt_pool_run (pool, &packing);
  rt_pool_run (pool, &rounding);
  for (gsize i = 0; i < all.n_panels; i++)
    g_clear_pointer (&all.later[i], g_aligned_free);
  g_free (all.later);
  return cancel == NULL || !atomic_load ((atomic_int *)cancel);
}
