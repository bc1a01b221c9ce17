/* Second half of the layered layout's search: the order within each rank. Sweeps down and up; a
 * point goes to the barycentre or the median of its neighbours in the rank before, the best order
 * seen is kept (Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs", IEEE
 * TSE 19(3), 1993, section 3). Called by plot-rank.c; knows no coordinates. */

#include "plot-rank-private.h"

#include <string.h>

typedef struct
{
  double key;
  guint point, order;
} Sorted;

static int
compare_sorted (const void *a, const void *b)
{
  const Sorted *x = a, *y = b;

  if (x->key != y->key)
    return x->key < y->key ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static int
compare_uints (const void *a, const void *b)
{
  guint x = *(const guint *)a, y = *(const guint *)b;

  return x < y ? -1 : x > y;
}

/* --- crossings --- */

/* Inversions of @n numbers below @size by a tree of counts: Barth, Juenger and Mutzel, "Simple and
 * efficient bilayer cross counting", JGAA 8(2), 2004. */
static guint64
count_inversions (const guint *numbers, guint n, guint size, guint *tree)
{
  guint64 total = 0;
  guint first = 1, n_tree;

  while (first < size)
    first *= 2;
  n_tree = 2 * first - 1;
  memset (tree, 0, n_tree * sizeof *tree);
  first--;
  for (guint i = 0; i < n; i++)
    {
      guint at = numbers[i] + first;

      tree[at]++;
      while (at > 0)
        {
          if (at % 2 == 1)
            total += tree[at + 1];
          at = (at - 1) / 2;
          tree[at]++;
        }
    }
  return total;
}

guint64
plot_rank_count_crossings (const PlotRankWork *work)
{
  guint widest = 1;
  g_autofree guint *numbers = g_new (guint, MAX (1, work->links->len));
  g_autofree guint *tree = NULL;
  guint64 total = 0;

  for (guint r = 0; r < work->n_ranks; r++)
    widest = MAX (widest, work->rank_first[r + 1] - work->rank_first[r]);
  tree = g_new (guint, 4 * (gsize)widest);

  for (guint r = 0; r + 1 < work->n_ranks; r++)
    {
      guint n = 0;

      for (guint i = work->rank_first[r]; i < work->rank_first[r + 1]; i++)
        {
          guint point = work->by_rank[i], from = n;

          for (guint l = work->below.first[point]; l < work->below.first[point + 1]; l++)
            numbers[n++]
                = plot_rank_point (work, plot_rank_link (work, work->below.links[l])->down)->order;
          if (n - from > 1)
            qsort (numbers + from, n - from, sizeof *numbers, compare_uints);
        }
      if (n > 1)
        total += count_inversions (numbers, n, work->rank_first[r + 2] - work->rank_first[r + 1],
                                   tree);
    }
  return total;
}

/* --- sweeps --- */

/* Where @point wants to be by its neighbours above or below; -1: it does not care. */
static double
wanted (const PlotRankWork *work, guint point, gboolean down, gboolean median, guint *scratch)
{
  const PlotRankSide *side = down ? &work->above : &work->below;
  guint first = side->first[point], n = side->first[point + 1] - first;
  double sum = 0;

  if (n == 0)
    return -1;
  for (guint i = 0; i < n; i++)
    {
      const PlotRankLink *link = plot_rank_link (work, side->links[first + i]);

      scratch[i] = plot_rank_point (work, down ? link->up : link->down)->order;
      sum += scratch[i];
    }
  if (!median || n < 3)
    return sum / n;
  qsort (scratch, n, sizeof *scratch, compare_uints);
  return n % 2 == 1 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2.0;
}

/* Sorts rank @r; points without neighbours keep their place among the others. */
static void
sort_rank (PlotRankWork *work, guint r, gboolean down, gboolean median, Sorted *sorted,
           guint *scratch)
{
  guint first = work->rank_first[r], n = work->rank_first[r + 1] - first, n_sorted = 0, next = 0;

  for (guint i = 0; i < n; i++)
    {
      guint point = work->by_rank[first + i];
      double key = wanted (work, point, down, median, scratch);

      if (key >= 0)
        sorted[n_sorted++] = (Sorted){ key, point, i };
      else
        plot_rank_point (work, point)->order = PLOT_RANK_NONE; /* stays at place i */
    }
  if (n_sorted > 1)
    qsort (sorted, n_sorted, sizeof *sorted, compare_sorted);
  for (guint i = 0; i < n; i++)
    {
      guint point = work->by_rank[first + i];

      if (plot_rank_point (work, point)->order == PLOT_RANK_NONE)
        plot_rank_point (work, point)->order = i;
      else
        {
          work->by_rank[first + i] = sorted[next].point;
          next++;
        }
    }
  for (guint i = 0; i < n; i++)
    plot_rank_point (work, work->by_rank[first + i])->order = i;
}

static gboolean
sweep (PlotRankWork *work, gboolean down, gboolean median, Sorted *sorted, guint *scratch)
{
  for (guint i = 1; i < work->n_ranks; i++)
    {
      if (plot_rank_stop (work))
        return FALSE;
      sort_rank (work, down ? i : work->n_ranks - 1 - i, down, median, sorted, scratch);
    }
  return TRUE;
}

/* --- neighbours exchanged --- */

/* Crossings of the lines of @a and @b to one side, were @a left of @b. */
static guint
pair_crossings (const PlotRankWork *work, const PlotRankSide *side, gboolean down, guint a, guint b)
{
  guint n = 0;

  for (guint i = side->first[a]; i < side->first[a + 1]; i++)
    for (guint k = side->first[b]; k < side->first[b + 1]; k++)
      {
        const PlotRankLink *x = plot_rank_link (work, side->links[i]);
        const PlotRankLink *y = plot_rank_link (work, side->links[k]);

        n += plot_rank_point (work, down ? x->down : x->up)->order
             > plot_rank_point (work, down ? y->down : y->up)->order;
      }
  return n;
}

/* Exchanges neighbours while that takes crossings away; for graphs a person could count. */
static gboolean
exchange_neighbours (PlotRankWork *work)
{
  gboolean better = TRUE;

  for (guint round = 0; round < 8 && better; round++)
    {
      better = FALSE;
      for (guint r = 0; r < work->n_ranks; r++)
        {
          if (plot_rank_stop (work))
            return FALSE;
          for (guint i = work->rank_first[r]; i + 1 < work->rank_first[r + 1]; i++)
            {
              guint a = work->by_rank[i], b = work->by_rank[i + 1];
              guint now = pair_crossings (work, &work->above, FALSE, a, b)
                          + pair_crossings (work, &work->below, TRUE, a, b);
              guint then = pair_crossings (work, &work->above, FALSE, b, a)
                           + pair_crossings (work, &work->below, TRUE, b, a);

              if (then >= now)
                continue;
              work->by_rank[i] = b;
              work->by_rank[i + 1] = a;
              plot_rank_point (work, b)->order--;
              plot_rank_point (work, a)->order++;
              better = TRUE;
            }
        }
    }
  return TRUE;
}

static void
restore_order (PlotRankWork *work, const guint *best)
{
  memcpy (work->by_rank, best, work->points->len * sizeof *best);
  for (guint r = 0; r < work->n_ranks; r++)
    for (guint i = work->rank_first[r]; i < work->rank_first[r + 1]; i++)
      plot_rank_point (work, work->by_rank[i])->order = i - work->rank_first[r];
}

gboolean
plot_rank_order (PlotRankWork *work, guint n_sweeps, guint64 *n_crossings)
{
  guint n = work->points->len;
  g_autofree guint *best = g_memdup2 (work->by_rank, MAX (1, n) * sizeof (guint));
  g_autofree Sorted *sorted = g_new (Sorted, MAX (1, n));
  g_autofree guint *scratch = g_new (guint, MAX (1, work->links->len));

  *n_crossings = plot_rank_count_crossings (work);
  for (guint i = 0; i<n_sweeps && * n_crossings> 0; i++)
    {
      guint64 crossings;

      if (!sweep (work, i % 2 == 0, i % 4 >= 2, sorted, scratch))
        return FALSE;
      crossings = plot_rank_count_crossings (work);
      if (crossings < *n_crossings)
        {
          *n_crossings = crossings;
          memcpy (best, work->by_rank, n * sizeof *best);
        }
      if (work->progress != NULL)
        work->progress (0.7 * (i + 1) / n_sweeps, work->progress_data);
    }
  restore_order (work, best);
  if (n_sweeps > 0 && *n_crossings > 0 && work->links->len < 4000)
    {
      if (!exchange_neighbours (work))
        return FALSE;
      *n_crossings = plot_rank_count_crossings (work);
    }
  return TRUE;
}
