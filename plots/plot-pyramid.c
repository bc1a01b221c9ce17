/* The min/max pyramid: what lets a chart show any stretch of millions of samples from one query per
 * pixel column. Owned by PlotSeries. Knows nothing of drawing. */

#include "plot-pyramid.h"

#include <math.h>

#define FANOUT 16
#define MAX_LEVELS 16 /* 16^16 samples: never reached */

typedef struct
{
  double min, max; /* min > max: nothing but holes */
} Cell;

typedef struct
{
  Cell *cells;
  gsize n, room;
} Level;

struct _PlotPyramid
{
  gsize n; /* samples known */
  guint n_levels;
  Level levels[MAX_LEVELS];
};

static const Cell EMPTY = { INFINITY, -INFINITY };

PlotPyramid *
plot_pyramid_new (void)
{
  return g_new0 (PlotPyramid, 1);
}

void
plot_pyramid_free (PlotPyramid *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < MAX_LEVELS; i++)
    g_free (self->levels[i].cells);
  g_free (self);
}

void
plot_pyramid_reset (PlotPyramid *self)
{
  self->n = 0;
  self->n_levels = 0;
  for (guint i = 0; i < MAX_LEVELS; i++)
    self->levels[i].n = 0;
}

gsize
plot_pyramid_get_n (PlotPyramid *self)
{
  return self->n;
}

/* Comparisons with NaN are false, so holes fall through without a branch of their own. */
static Cell
scan_samples (Cell cell, const double *samples, gsize first, gsize last)
{
  for (gsize i = first; i < last; i++)
    {
      cell.min = samples[i] < cell.min ? samples[i] : cell.min;
      cell.max = samples[i] > cell.max ? samples[i] : cell.max;
    }
  return cell;
}

static Cell
scan_cells (Cell cell, const Cell *cells, gsize first, gsize last)
{
  for (gsize i = first; i < last; i++)
    {
      cell.min = cells[i].min < cell.min ? cells[i].min : cell.min;
      cell.max = cells[i].max > cell.max ? cells[i].max : cell.max;
    }
  return cell;
}

static void
level_resize (Level *level, gsize n)
{
  if (n > level->room)
    {
      level->room = MAX (n, level->room + level->room / 2 + 16);
      level->cells = g_renew (Cell, level->cells, level->room);
    }
  level->n = n;
}

void
plot_pyramid_extend (PlotPyramid *self, const double *samples, gsize n)
{
  gsize first = self->n / FANOUT; /* the first cell that changes */
  gsize n_cells = (n + FANOUT - 1) / FANOUT;
  guint k = 0;

  g_return_if_fail (n >= self->n);
  if (n == self->n)
    return;

  level_resize (&self->levels[0], n_cells);
  for (gsize i = first; i < n_cells; i++)
    self->levels[0].cells[i] = scan_samples (EMPTY, samples, i * FANOUT, MIN ((i + 1) * FANOUT, n));

  while (self->levels[k].n > FANOUT)
    {
      const Level *below = &self->levels[k];
      Level *level = &self->levels[++k];

      /* A level that has just come into being starts from its first cell. */
      first = k >= self->n_levels ? 0 : first / FANOUT;
      level_resize (level, (below->n + FANOUT - 1) / FANOUT);
      for (gsize i = first; i < level->n; i++)
        level->cells[i]
            = scan_cells (EMPTY, below->cells, i * FANOUT, MIN ((i + 1) * FANOUT, below->n));
    }
  self->n_levels = k + 1;
  self->n = n;
}

gboolean
plot_pyramid_query (const PlotPyramid *self, const double *samples, gsize first, gsize last,
                    double *min, double *max)
{
  Cell cell = EMPTY;

  last = MIN (last, self->n);
  if (first < last)
    {
      gsize lo = (first + FANOUT - 1) / FANOUT, hi = last / FANOUT;

      if (lo >= hi) /* no whole cell inside */
        cell = scan_samples (cell, samples, first, last);
      else
        {
          cell = scan_samples (cell, samples, first, lo * FANOUT);
          cell = scan_samples (cell, samples, hi * FANOUT, last);
          for (guint k = 0;; k++)
            {
              const Cell *cells = self->levels[k].cells;
              gsize up_lo = (lo + FANOUT - 1) / FANOUT, up_hi = hi / FANOUT;

              if (k + 1 >= self->n_levels || up_lo >= up_hi)
                {
                  cell = scan_cells (cell, cells, lo, hi);
                  break;
                }
              cell = scan_cells (cell, cells, lo, up_lo * FANOUT);
              cell = scan_cells (cell, cells, up_hi * FANOUT, hi);
              lo = up_lo;
              hi = up_hi;
            }
        }
    }
  *min = cell.min;
  *max = cell.max;
  return cell.min <= cell.max;
}
