/* Names of points: none covers another or a point, none leaves the area, the important ones go
 * first. */

#include <glib.h>
#include <math.h>
#include "plot-labels-private.h"

#define RADIUS 7.0

static guint32 state = 12345;

static double
next_random (void)
{
  state = state * 1664525u + 1013904223u;
  return (state >> 8) / 16777216.0;
}

static gboolean
overlap (double ax, double ay, double aw, double ah, double bx, double by, double bw, double bh)
{
  return ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah;
}

static guint
check (const PlotLabel *labels, guint n, double width, double height)
{
  guint n_placed = 0;

  for (guint i = 0; i < n; i++)
    {
      const PlotLabel *a = &labels[i];

      if (!a->placed)
        continue;
      n_placed++;
      g_assert_cmpfloat (a->at_x, >=, 0);
      g_assert_cmpfloat (a->at_y, >=, 0);
      g_assert_cmpfloat (a->at_x + a->w, <=, width);
      g_assert_cmpfloat (a->at_y + a->h, <=, height);
      for (guint k = 0; k < n; k++)
        {
          const PlotLabel *b = &labels[k];

          g_assert_false (overlap (a->at_x, a->at_y, a->w, a->h, b->x - RADIUS, b->y - RADIUS,
                                   2 * RADIUS, 2 * RADIUS));
          if (k > i && b->placed)
            g_assert_false (overlap (a->at_x, a->at_y, a->w, a->h, b->at_x, b->at_y, b->w, b->h));
        }
      /* The line ends on the name. */
      g_assert_true (a->line_x >= a->at_x && a->line_x <= a->at_x + a->w && a->line_y >= a->at_y
                     && a->line_y <= a->at_y + a->h);
    }
  return n_placed;
}

static void
test_random (void)
{
  for (guint round = 0; round < 100; round++)
    {
      PlotLabel labels[40] = { 0 };
      guint n = 1 + round % 40;

      for (guint i = 0; i < n; i++)
        {
          labels[i].x = next_random () * 600;
          labels[i].y = next_random () * 400;
          labels[i].w = i % 7 == 6 ? 0 : 30 + next_random () * 90; /* some have no name */
          labels[i].h = 14;
        }
      plot_labels_place (labels, n, RADIUS, 0, 0, 600, 400);
      guint n_placed = check (labels, n, 600, 400);
      if (n < 12) /* there is room for all of a few, unless points lie in a corner or touch */
        g_assert_cmpuint (n_placed + 3, >=, n - n / 7);
    }
}

static void
test_alone (void)
{
  PlotLabel label = { .x = 100, .y = 100, .w = 60, .h = 14 };

  plot_labels_place (&label, 1, RADIUS, 0, 0, 600, 400);
  g_assert_true (label.placed && !label.leader);
  g_assert_cmpfloat (label.at_x, >, 100); /* above to the right */
  g_assert_cmpfloat (label.at_y + label.h, <, 100);
  /* At the right edge it goes to the left. */
  label.x = 590;
  plot_labels_place (&label, 1, RADIUS, 0, 0, 600, 400);
  g_assert_true (label.placed);
  g_assert_cmpfloat (label.at_x + label.w, <=, 600);
}

static void
test_crowd (void)
{
  PlotLabel labels[30] = { 0 };

  /* All in one place: the first gets its name, nobody covers anybody. */
  for (guint i = 0; i < 30; i++)
    labels[i] = (PlotLabel){ .x = 300 + i % 3, .y = 200 + i / 10, .w = 80, .h = 14 };
  plot_labels_place (labels, 30, RADIUS, 0, 0, 600, 400);
  g_assert_true (labels[0].placed);
  g_assert_cmpuint (check (labels, 30, 600, 400), <, 30);
  /* No place at all, and a point that is nowhere. */
  labels[0].w = 5000;
  labels[1].x = NAN;
  plot_labels_place (labels, 2, RADIUS, 0, 0, 600, 400);
  g_assert_false (labels[0].placed || labels[1].placed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/labels/random", test_random);
  g_test_add_func ("/labels/alone", test_alone);
  g_test_add_func ("/labels/crowd", test_crowd);
  return g_test_run ();
}
