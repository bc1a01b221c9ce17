#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Layered layout of a directed graph from top to bottom. Pure, any thread, deterministic; knows no
 * widget and no names. The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual
 * understanding of hierarchical system structures", IEEE SMC 11(2), 1981: break cycles, give ranks,
 * put dummy points where a line passes a rank, order every rank for few crossings, then place.
 *
 * Lines that leave one vertex at one place share a *trunk*: one chain of dummy points down to the
 * lowest target, with a tap to each target on the way. A value that thirty later nodes read is one
 * line with thirty taps instead of thirty lines side by side.
 *
 *      [a]          trunk of a: dummy, dummy
 *       | \
 *      [b] |        tap to d leaves the last dummy
 *       |  |
 *      [c] |
 *       | /
 *      [d]
 */

typedef enum
{
  PLOT_RANK_ANY,
  PLOT_RANK_FIRST, /* above all others: where lines enter */
  PLOT_RANK_LAST,  /* below all others: where lines leave */
} PlotRankPin;

typedef struct
{
  double w, h; /* pixels at zoom 1 */
  PlotRankPin pin;
} PlotRankVertex;

/* Where lines leave: @dx right of the middle of the lower side of @vertex. */
typedef struct
{
  guint vertex;
  double dx;
} PlotRankTrunk;

/* A line from a trunk to the upper side of @vertex, @dx right of its middle; NAN: the ends are
 * spread so that lines do not meet. Lines from a vertex to itself are left out. */
typedef struct
{
  guint trunk, vertex;
  double dx;
} PlotRankEdge;

typedef struct
{
  const PlotRankVertex *vertices;
  guint n_vertices;
  const PlotRankTrunk *trunks;
  guint n_trunks;
  const PlotRankEdge *edges;
  guint n_edges;
} PlotRankGraph;

typedef struct
{
  double x_gap, y_gap; /* between vertices; 0: 28 and 34 */
  double line_gap;     /* between lines, and lines and vertices; 0: 12 */
  guint n_sweeps;      /* of crossing reduction; 0: none, only the given order */
  guint max_dummies;   /* lines beyond go straight (PLOT_PIECE_LOOSE), longest first; 0: 200000 */
} PlotRankOptions;

enum
{
  PLOT_PIECE_REVERSED = 1 << 0, /* closes a cycle: leads up */
  PLOT_PIECE_LOOSE = 1 << 1,    /* not routed around what lies between */
  PLOT_PIECE_LONG = 1 << 2,     /* of a line over more than two ranks: a skip connection */
};

#define PLOT_RANK_NONE G_MAXUINT

/* Part of a line between two ranks: straight down from (x0, y0) to c0, a curve to (x1, c1),
 * straight down to y1. */
typedef struct
{
  double x0, y0, c0, c1, x1, y1;
  guint trunk; /* of the graph given */
  guint edge;  /* PLOT_RANK_NONE: a stretch of the trunk */
  guint flags;
} PlotRankPiece;

typedef struct
{
  guint n_vertices;
  double *x, *y; /* left upper corner */
  guint *rank;
  guint n_ranks;
  GArray *pieces; /* PlotRankPiece, from top to bottom within a trunk */
  double width, height;
  guint n_dummies, n_reversed, n_loose;
  guint64 n_crossings;
} PlotRank;

/** Called now and then with 0..1, from the thread that lays out. */
typedef void (*PlotRankProgress) (double frac, gpointer data);

/** Lays out @graph. NULL only when @cancellable was cancelled (it is asked at every rank). About a
 * microsecond per vertex, dummy and sweep. Indices out of range are a programmer's error. */
PlotRank *plot_rank_new (const PlotRankGraph *graph, const PlotRankOptions *options,
                         GCancellable *cancellable, PlotRankProgress progress, gpointer data);
void plot_rank_free (PlotRank *self); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlotRank, plot_rank_free)

/* --- shared by the files of the layout --- */

/* A vertex or a dummy point. */
typedef struct
{
  double w, h;
  double x; /* middle */
  guint rank, order;
  guint trunk; /* of a dummy; PLOT_RANK_NONE: a vertex */
} PlotRankPoint;

/* Between two points of neighbouring ranks. */
typedef struct
{
  guint up, down;
  double up_dx, down_dx;
  double weight; /* how much it wants to be straight */
} PlotRankLink;

/* Links of each point to one side: links[first[i] .. first[i + 1]). */
typedef struct
{
  guint *first, *links;
} PlotRankSide;

typedef struct
{
  GArray *points; /* PlotRankPoint: vertices, then dummies */
  GArray *links;  /* PlotRankLink */
  PlotRankSide above, below;
  guint n_ranks;
  guint *rank_first; /* [n_ranks + 1] into by_rank */
  guint *by_rank;    /* points by rank and order */
  double x_gap, line_gap;
  GCancellable *cancellable;
  PlotRankProgress progress;
  gpointer progress_data;
} PlotRankWork;

/** Orders every rank for few crossings; returns how many are left. FALSE: cancelled. */
gboolean plot_rank_order (PlotRankWork *work, guint n_sweeps, guint64 *n_crossings);
/** Crossings of all links in the present order. O(links log links). */
guint64 plot_rank_count_crossings (const PlotRankWork *work);
/** Gives every point its x: the order is kept, nothing overlaps, lines are as straight as that
 * allows. FALSE: cancelled. */
gboolean plot_rank_place (PlotRankWork *work);

static inline PlotRankPoint *
plot_rank_point (const PlotRankWork *work, guint i)
{
  return &g_array_index (work->points, PlotRankPoint, i);
}

static inline PlotRankLink *
plot_rank_link (const PlotRankWork *work, guint i)
{
  return &g_array_index (work->links, PlotRankLink, i);
}

static inline gboolean
plot_rank_stop (const PlotRankWork *work)
{
  return g_cancellable_is_cancelled (work->cancellable);
}

G_END_DECLS
