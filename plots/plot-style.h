#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PLOT_N_COLORS 8

/**
 * PlotStyle: every colour and measure that a draw function may use. A plain value without pointers:
 * copy it, compare it with memcmp (the initialisers clear padding), keep it in a cache key.
 *
 * The palette is for people with any colour vision: its entries keep a CIE76 distance of at least
 * 12 from each other for normal, protan, deutan and tritan vision (simulated after Machado,
 * Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency",
 * IEEE TVCG 15(6), 2009, severity 1.0) and a contrast of at least 3:1 with the background
 * (WCAG 2.1, 1.4.11); tests/plots/test-style.c computes both. It was found by searching for the
 * colours nearest to the GNOME palette that keep these limits. Colour is still never the only
 * carrier: marks also differ by pattern, shape or place.
 */
typedef struct
{
  gboolean dark;
  GdkRGBA background; /* of the plot area; alpha 0 leaves what is behind */
  GdkRGBA text;
  GdkRGBA dim_text; /* secondary text: still at least 4.5:1 */
  GdkRGBA grid;     /* thin lines */
  GdkRGBA axis;     /* zero line, ticks */
  GdkRGBA baseline; /* outline of the run that is compared against */
  GdkRGBA accent;   /* selection */
  GdkRGBA hover;    /* wash over the hovered column */
  GdkRGBA card;     /* tooltip background, opaque */
  GdkRGBA card_border;
  GdkRGBA palette[PLOT_N_COLORS];
  double line_width_px;
  double font_size_px;  /* body text; labels of ticks are 0.85 of it */
  char font_family[64]; /* "" means "Sans" */
  gboolean marks_only;  /* no text at all: golden pictures */
} PlotStyle;

/** The GNOME light or dark look with the default font. */
void plot_style_init (PlotStyle *style, gboolean dark);

/** The look of @widget now: colours of its theme (light or dark is taken from its foreground), its
 * font. Cheap enough for every frame (a few lookups); main thread. */
void plot_style_init_for_widget (PlotStyle *style, GtkWidget *widget);

/** Palette entry @i, wrapped; borrowed from @style. */
const GdkRGBA *plot_style_color (const PlotStyle *style, guint i);

/** How an area is filled, so that colour is never the only carrier. */
typedef enum
{
  PLOT_PATTERN_SOLID,
  PLOT_PATTERN_HATCH, /* lines rising to the right */
  PLOT_PATTERN_DOTS,
  PLOT_PATTERN_BACKHATCH,  /* lines falling to the right */
  PLOT_PATTERN_HORIZONTAL, /* level lines */
  PLOT_PATTERN_CROSS,
  PLOT_N_PATTERNS,
} PlotPattern;

/** Shape of a point mark. */
typedef enum
{
  PLOT_SHAPE_CIRCLE,
  PLOT_SHAPE_SQUARE,
  PLOT_SHAPE_DIAMOND,
  PLOT_SHAPE_TRIANGLE,
  PLOT_SHAPE_TRIANGLE_DOWN,
  PLOT_SHAPE_CROSS,
  PLOT_N_SHAPES,
} PlotShape;

/** How a value came about; drawn as a difference of form, never of colour alone. */
typedef enum
{
  PLOT_STATE_ABSENT,     /* not measured: an em dash, never zero */
  PLOT_STATE_ESTIMATE,   /* predicted: hollow */
  PLOT_STATE_MODELLED,   /* from a model, never to be measured here: hollow and hatched */
  PLOT_STATE_ATTRIBUTED, /* a measured total divided by a rule: hollow with a half-strength fill */
  PLOT_STATE_MEASURED,   /* filled */
} PlotState;

/** "not measured", "estimate", "modelled", "attributed", "measured". */
const char *plot_state_to_string (PlotState state);

G_END_DECLS
