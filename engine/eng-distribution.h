/* How the numbers of a weight matrix or an activation are spread, and on which grid a format puts
 * them: histogram, levels, rounding, clipping, outliers, entropy. */
#pragma once

#include "eng-build.h"
#include "eng-sensitivity.h"

G_BEGIN_DECLS

/* Levels offset + step * code, for codes low .. high. */
typedef struct
{
  double step, offset;
  int low, high;
} EngGrid;

#define ENG_DISTRIBUTION_BINS 128
/* Beyond so many standard deviations from the mean a number counts as an outlier. */
#define ENG_OUTLIER_SD 6

typedef enum
{
  ENG_DISTRIBUTION_WEIGHTS,
  ENG_DISTRIBUTION_ACTIVATIONS,
} EngDistributionKind;

typedef struct
{
  EngDistributionKind kind;
  char *name;   /* "blk.3.ffn_down.weight", or the source node whose output it is */
  char *format; /* that it is kept in when the build runs: "Q4_0", "int8"; "F32" */
  char *source; /* what was looked at: "all 884,736 weights", "4 windows of 128 tokens of Bundled
                 * texts" */

  guint64 n; /* numbers looked at */
  guint64 n_not_finite;
  double min, max, mean, sd;
  guint64 n_outliers;
  double bin_low, bin_width;
  guint64 counts[ENG_DISTRIBUTION_BINS]; /* as the file, or the reference, has them; their sum is n
                                          * - n_not_finite */
  gboolean has_rounded;
  guint64 rounded_counts[ENG_DISTRIBUTION_BINS]; /* as packed */

  /* The grid. A block format has one for every block (or part of one), an 8-bit integer tensor one,
   * or one for every channel. */
  gboolean has_grid; /* FALSE: floats, or rounded anew whenever they are read; grid_note says
                      * which */
  EngGrid grid;      /* of the one whose step is the median */
  guint64 n_grids;
  double step_p5, step_median, step_p95;
  char *grid_note;     /* "one of 27,648 blocks of 32: the one with the median step" */
  double clipped_frac; /* share beyond the ends of their own grid by more than half a step; NAN: not
                        * known */
  double entropy_bits; /* of the codes; NAN without a grid */
  guint code_bits;     /* that a code takes */
  double sqnr_db;      /* of rounding alone; INFINITY: exact; NAN: not rounded */
} EngDistribution;

void eng_distribution_free (EngDistribution *distribution); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngDistribution, eng_distribution_free)

/* Names of the matrices of @layer, as @build has them; NULL-terminated, free with g_strfreev(). */
GStrv eng_distribution_list_weights (EngBuild *build, int layer);

/* Weights @name of eng_distribution_list_weights(). Blocking: tenths of a second for a hundred
 * thousand; of more than ENG_DISTRIBUTION_MAX_VALUES evenly spread rows are taken. Free with
 * eng_distribution_free(). */
#define ENG_DISTRIBUTION_MAX_VALUES (1 << 21)
EngDistribution *eng_distribution_weights (EngBuild *build, const char *name, EngJob *job,
                                           GError **error);

/* What every operator of @layer gives when the unfused reference runs 4 windows or 8 inputs of
 * @config, beside the grid that @build puts it on: GPtrArray of EngDistribution. Blocking: the
 * reference is lowered first. */
GPtrArray *eng_distribution_activations (EngBuild *build, int layer,
                                         const EngSensitivityConfig *config, EngJob *job,
                                         GError **error);

/* ---- formats, for tests ---- */

/* Grids that one block of @dtype has: parts with a scale of their own; 0 for floats. */
guint eng_grid_n_parts (int dtype);
/* The grid of part @part of a block as the file has it. */
void eng_grid_of_block (int dtype, const void *block, guint part, EngGrid *grid);
static inline double
eng_grid_level (const EngGrid *grid, int code)
{
  return grid->offset + grid->step * code;
}

G_END_DECLS
