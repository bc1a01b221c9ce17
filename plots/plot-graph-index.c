/* A grid over rectangles: which lie in view. Used for boxes and for pieces of lines; the cells are
 * about as many as the rectangles, whatever the shape of the graph. */

#include "plot-graph-scene-private.h"

#include <math.h>

#define MAX_CELLS 256

struct _PlotGraphIndex
{
  const PlotGraphRect *rects;
  guint n;
  float x0, y0, cell_w, cell_h;
  guint n_columns, n_rows;
  guint *first, *items; /* [n_columns * n_rows + 1] */
  GArray *large;        /* guint: rectangles over more than MAX_CELLS, looked at one by one */
};

typedef struct
{
  guint c0, r0, c1, r1;
} Cells;

static guint
cell_of (float v, float origin, float size, guint n)
{
  float at = (v - origin) / size;

  return at <= 0 ? 0 : at >= n ? n - 1 : (guint)at;
}

static Cells
cells_of (const PlotGraphIndex *self, const PlotGraphRect *rect)
{
  return (Cells){ cell_of (rect->x0, self->x0, self->cell_w, self->n_columns),
                  cell_of (rect->y0, self->y0, self->cell_h, self->n_rows),
                  cell_of (rect->x1, self->x0, self->cell_w, self->n_columns),
                  cell_of (rect->y1, self->y0, self->cell_h, self->n_rows) };
}

/* About one rectangle a cell, in the proportions of the whole. */
static void
choose_cells (PlotGraphIndex *self, float w, float h)
{
  double side = sqrt ((double)w * h / MAX (1, self->n));

  side = fmax (side, 64);
  self->n_columns = (guint)CLAMP (ceil (w / side), 1, 4096);
  self->n_rows = (guint)CLAMP (ceil (h / side), 1, 65536);
  while ((guint64)self->n_columns * self->n_rows > 4 * (guint64)MAX (16, self->n))
    {
      self->n_columns = MAX (1, self->n_columns / 2);
      self->n_rows = MAX (1, self->n_rows / 2);
    }
  self->cell_w = fmaxf (1, w / self->n_columns);
  self->cell_h = fmaxf (1, h / self->n_rows);
}

static gboolean
is_large (const Cells *cells)
{
  return (guint64)(cells->c1 - cells->c0 + 1) * (cells->r1 - cells->r0 + 1) > MAX_CELLS;
}

/* @pass 0 counts what falls into each cell, pass 1 fills from the back. */
static void
visit_cells (PlotGraphIndex *self, guint pass)
{
  for (guint i = self->n; i-- > 0;)
    {
      Cells cells = cells_of (self, &self->rects[i]);

      if (is_large (&cells))
        {
          if (pass == 0)
            g_array_append_val (self->large, i);
          continue;
        }
      for (guint r = cells.r0; r <= cells.r1; r++)
        for (guint c = cells.c0; c <= cells.c1; c++)
          {
            guint *at = &self->first[r * self->n_columns + c + 1];

            if (pass == 0)
              (*at)++;
            else
              self->items[--*at] = i;
          }
    }
}

static void
fill_cells (PlotGraphIndex *self)
{
  guint n_cells = self->n_columns * self->n_rows, total;

  self->first = g_new0 (guint, n_cells + 1);
  self->large = g_array_new (FALSE, FALSE, sizeof (guint));
  visit_cells (self, 0);
  for (guint c = 0; c < n_cells; c++)
    self->first[c + 1] += self->first[c];
  total = self->first[n_cells];
  self->items = g_new (guint, MAX (1, total));
  visit_cells (self, 1);
  /* first[c + 1] has come down to the beginning of cell c. */
  for (guint c = 0; c < n_cells; c++)
    self->first[c] = self->first[c + 1];
  self->first[n_cells] = total;
}

PlotGraphIndex *
plot_graph_index_new (const PlotGraphRect *rects, guint n)
{
  PlotGraphIndex *self = g_new0 (PlotGraphIndex, 1);
  float x1 = -INFINITY, y1 = -INFINITY;

  self->rects = rects;
  self->n = n;
  self->x0 = self->y0 = INFINITY;
  for (guint i = 0; i < n; i++)
    {
      self->x0 = fminf (self->x0, rects[i].x0);
      self->y0 = fminf (self->y0, rects[i].y0);
      x1 = fmaxf (x1, rects[i].x1);
      y1 = fmaxf (y1, rects[i].y1);
    }
  if (n == 0)
    self->x0 = self->y0 = x1 = y1 = 0;
  choose_cells (self, x1 - self->x0, y1 - self->y0);
  fill_cells (self);
  return self;
}

void
plot_graph_index_free (PlotGraphIndex *self)
{
  if (self == NULL)
    return;
  g_free (self->first);
  g_free (self->items);
  g_array_unref (self->large);
  g_free (self);
}

static int
compare_uints (const void *a, const void *b)
{
  guint x = *(const guint *)a, y = *(const guint *)b;

  return x < y ? -1 : x > y;
}

static gboolean
touches (const PlotGraphRect *a, const PlotGraphRect *b)
{
  return a->x0 <= b->x1 && a->x1 >= b->x0 && a->y0 <= b->y1 && a->y1 >= b->y0;
}

void
plot_graph_index_query (const PlotGraphIndex *self, const PlotGraphRect *area, GArray *found)
{
  Cells view = cells_of (self, area);
  guint from = found->len;

  for (guint r = view.r0; r <= view.r1; r++)
    for (guint c = view.c0; c <= view.c1; c++)
      for (guint k = self->first[r * self->n_columns + c];
           k < self->first[r * self->n_columns + c + 1]; k++)
        {
          guint i = self->items[k];
          const PlotGraphRect *rect = &self->rects[i];
          Cells own;

          if (!touches (rect, area))
            continue;
          own = cells_of (self, rect);
          /* Told once: in the first cell that it shares with the view. */
          if (r == MAX (own.r0, view.r0) && c == MAX (own.c0, view.c0))
            g_array_append_val (found, i);
        }
  for (guint k = 0; k < self->large->len; k++)
    {
      guint i = g_array_index (self->large, guint, k);

      if (touches (&self->rects[i], area))
        g_array_append_val (found, i);
    }
  if (found->len > from + 1)
    qsort (&g_array_index (found, guint, from), found->len - from, sizeof (guint), compare_uints);
}
