/* Calibration: which real numbers the values of a float network take on samples of what it will
 * see. Post-training quantization chooses its ranges from it. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

typedef struct _EngCalibration EngCalibration;

typedef enum
{
  ENG_RANGE_MIN_MAX,    /* everything that was seen */
  ENG_RANGE_PERCENTILE, /* all but the rarest at either end */
  ENG_RANGE_MSE,        /* least mean squared error of rounding and clipping together */
  ENG_RANGE_ENTROPY,    /* least divergence of the distribution in 8 bits from the one seen
                         * (Kullback and Leibler) */
} EngRangeMethod;

/* Run up to @max_samples samples of @path (a folder or an archive as eng_data_set_open() reads
 * them; spread evenly over the set) through @build and watch every value of its graph, which must
 * stay readable after a run (RT_PLANNER_NONE). Blocking: runs each sample once. @job (nullable)
 * gets progress and may cancel. Memory: 32 KB for each value. */
EngCalibration *eng_calibration_new (EngBuild *build, const char *path, guint max_samples,
                                     EngJob *job, GError **error);
/* safe between threads, as reading is */
EngCalibration *eng_calibration_ref (EngCalibration *calibration);
void eng_calibration_unref (EngCalibration *calibration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngCalibration, eng_calibration_unref)

guint eng_calibration_get_n_samples (EngCalibration *calibration);
/* Where input @slot of node @node was read from while watching; NULL: no such node. */
const char *eng_calibration_get_input (EngCalibration *calibration, const char *node, guint slot);
/* The range of the value called @value; FALSE: never seen, or not finite. @percentile: of the
 * values that lie inside, 50..100, for PERCENTILE. */
gboolean eng_calibration_get_range (EngCalibration *calibration, const char *value,
                                    EngRangeMethod method, double percentile, float *low,
                                    float *high);
/* Mean of each index of the last dimension, borrowed; NULL: never seen, or it has not @n_channels
 * of them. */
const float *eng_calibration_get_means (EngCalibration *calibration, const char *value,
                                        gsize n_channels);

/* ---- the arithmetic, for tests ---- */

#define ENG_HISTOGRAM_BINS 4096

/* A histogram over -limit..limit. The limit is a power of two and doubles when a number lies
 * outside: two bins become one. */
typedef struct
{
  double limit; /* 0: empty */
  guint64 bins[ENG_HISTOGRAM_BINS];
} EngHistogram;

/* @low, @high: extremes of @values, finite */
void eng_histogram_add (EngHistogram *histogram, const float *values, gsize n, float low,
                        float high);
/* low..high, which are all that was added, become the range that @method chooses. */
void eng_histogram_range (const EngHistogram *histogram, EngRangeMethod method, double percentile,
                          float *low, float *high);

G_END_DECLS
