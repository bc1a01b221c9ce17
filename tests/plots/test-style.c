/* The palette under normal, protan, deutan and tritan vision, and the contrast of everything that
 * carries meaning. Simulation: Machado, Oliveira, Fernandes, "A physiologically-based model for
 * simulation of color vision deficiency", IEEE TVCG 15(6), 2009: the matrices for severity 1.0, on
 * linear RGB. Contrast: WCAG 2.1. */

#include <glib.h>
#include <math.h>
#include "plot-style.h"

static const double vision[4][3][3] = {
  { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
  { { 0.152286, 1.052583, -0.204868 },
    { 0.114503, 0.786281, 0.099216 },
    { -0.003882, -0.048116, 1.051998 } },
  { { 0.367322, 0.860646, -0.227968 },
    { 0.280085, 0.672501, 0.047413 },
    { -0.011820, 0.042940, 0.968881 } },
  { { 1.255528, -0.076749, -0.178779 },
    { -0.078411, 0.930809, 0.147602 },
    { 0.004733, 0.691367, 0.303900 } },
};

static double
to_linear (double c)
{
  return c <= 0.04045 ? c / 12.92 : pow ((c + 0.055) / 1.055, 2.4);
}

static double
lab_f (double t)
{
  return t > 216.0 / 24389 ? cbrt (t) : (24389.0 / 27 * t + 16) / 116;
}

static void
to_lab (const GdkRGBA *color, guint kind, double lab[3])
{
  const double in[3]
      = { to_linear (color->red), to_linear (color->green), to_linear (color->blue) };
  double rgb[3], x, y, z;

  for (guint i = 0; i < 3; i++)
    {
      rgb[i] = 0;
      for (guint j = 0; j < 3; j++)
        rgb[i] += vision[kind][i][j] * in[j];
      rgb[i] = CLAMP (rgb[i], 0, 1);
    }
  x = lab_f ((0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2]) / 0.95047);
  y = lab_f (0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2]);
  z = lab_f ((0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2]) / 1.08883);
  lab[0] = 116 * y - 16;
  lab[1] = 500 * (x - y);
  lab[2] = 200 * (y - z);
}

static double
luminance (const GdkRGBA *color)
{
  return 0.2126729 * to_linear (color->red) + 0.7151522 * to_linear (color->green)
         + 0.0721750 * to_linear (color->blue);
}

/* Of @front with its alpha over @back. */
static double
contrast (const GdkRGBA *front, const GdkRGBA *back)
{
  GdkRGBA mixed = { front->alpha * front->red + (1 - front->alpha) * back->red,
                    front->alpha * front->green + (1 - front->alpha) * back->green,
                    front->alpha * front->blue + (1 - front->alpha) * back->blue, 1 };
  double a = luminance (&mixed) + 0.05, b = luminance (back) + 0.05;

  return MAX (a, b) / MIN (a, b);
}

static void
test_palette (gconstpointer data)
{
  PlotStyle style;
  double least = INFINITY;

  plot_style_init (&style, GPOINTER_TO_INT (data));
  for (guint kind = 0; kind < 4; kind++)
    for (guint i = 0; i < PLOT_N_COLORS; i++)
      for (guint j = 0; j < i; j++)
        {
          double a[3], b[3];

          to_lab (&style.palette[i], kind, a);
          to_lab (&style.palette[j], kind, b);
          least = fmin (least,
                        sqrt (pow (a[0] - b[0], 2) + pow (a[1] - b[1], 2) + pow (a[2] - b[2], 2)));
        }
  g_test_message ("least distance %.1f", least);
  g_assert_cmpfloat (least, >=, 12);
}

static void
test_contrast (gconstpointer data)
{
  const GdkRGBA windows[2][2]
      = { { { 1, 1, 1, 1 }, { 0.98f, 0.98f, 0.98f, 1 } },
          { { 0.118f, 0.118f, 0.118f, 1 }, { 0.188f, 0.188f, 0.188f, 1 } } };
  gboolean dark = GPOINTER_TO_INT (data);
  PlotStyle style;

  plot_style_init (&style, dark);
  for (guint w = 0; w < 2; w++)
    {
      for (guint i = 0; i < PLOT_N_COLORS; i++)
        g_assert_cmpfloat (contrast (&style.palette[i], &windows[dark][w]), >=, 3);
      g_assert_cmpfloat (contrast (&style.text, &windows[dark][w]), >=, 7);
      g_assert_cmpfloat (contrast (&style.dim_text, &windows[dark][w]), >=, 4.5);
      g_assert_cmpfloat (contrast (&style.baseline, &windows[dark][w]), >=, 3);
    }
  g_assert_cmpfloat (contrast (&style.dim_text, &style.card), >=, 4.5);
}

static void
test_states (void)
{
  for (PlotState a = PLOT_STATE_ABSENT; a <= PLOT_STATE_MEASURED; a++)
    for (PlotState b = PLOT_STATE_ABSENT; b < a; b++)
      g_assert_cmpstr (plot_state_to_string (a), !=, plot_state_to_string (b));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/plots/style/palette/light", GINT_TO_POINTER (FALSE), test_palette);
  g_test_add_data_func ("/plots/style/palette/dark", GINT_TO_POINTER (TRUE), test_palette);
  g_test_add_data_func ("/plots/style/contrast/light", GINT_TO_POINTER (FALSE), test_contrast);
  g_test_add_data_func ("/plots/style/contrast/dark", GINT_TO_POINTER (TRUE), test_contrast);
  g_test_add_func ("/plots/style/states", test_states);
  return g_test_run ();
}
