/* Calibration of a board: from some reference layers that ran both here and there, what any layer
 * takes there, before anything is pushed. Nothing of it is ever shown as measured.
 *
 * The idea is HELP's (Lee, Lee, Shin and Hwang 2021, "HELP: Hardware-Adaptive Efficient Latency
 * Prediction for NAS via Meta-Learning"): a board is known by how it runs a handful of references.
 * In place of a learned network stands a regression that can be read. With t the time of a layer
 * here and T there,
 *
 *     ln (T / t) = a + b . z + c[operator],   z = (8-bit or float, ln (operations per byte), ln t)
 *
 * a is how much slower the board is; b whether that holds more for 8-bit products, for layers that
 * compute or that wait for memory, for long or short ones; c for which kinds of operators
 * (convolutions, matrix products...). b (of standardized z) and c are drawn to 0 (ridge
 * regression), as strongly as makes the references likeliest when each is left out in turn, since
 * so few references cannot carry more. z is held within what the references cover. A band grows
 * with how little the references tell of a layer (eng-board-fit.h); a kind that has none gets c = 0
 * and all of the spread between kinds. */
#pragma once

#include "eng-profile.h"

G_BEGIN_DECLS

/* One layer, as this computer knows it. */
typedef struct
{
  const char *op; /* "matmul", interned; NULL: not known */
  double host_ns;
  double n_ops;   /* RtCost.flops */
  double n_bytes; /* of weights and activations, read and written */
  gboolean is_int8;
} EngBoardLayer;

/* One that ran on both. */
typedef struct
{
  char *name; /* "decode matmul Q4_0 int8|f32[N,256]|..." */
  EngBoardLayer layer;
  double board_ns;
} EngBoardReference;

/* What a layer, or a whole, is expected to take there. */
typedef struct
{
  double ns;              /* NAN: absent */
  double low_ns, high_ns; /* nine times out of ten within, as far as the references tell */
  const char *reason;     /* static: why it is absent; NULL */
} EngBoardExpected;

#define ENG_BOARD_MIN_REFERENCES 6

/* What a board's times are set beside. */
typedef enum
{
  ENG_BOARD_BASIS_HOST,         /* times on this computer */
  ENG_BOARD_BASIS_INSTRUCTIONS, /* of a microcontroller: eng_mcu_work(), one as 1 ns */
} EngBoardBasis;

typedef struct _EngBoardCalibration EngBoardCalibration; /* immutable, reference counted */
EngBoardCalibration *eng_board_calibration_ref (EngBoardCalibration *calibration);
void eng_board_calibration_unref (EngBoardCalibration *calibration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBoardCalibration, eng_board_calibration_unref)

/* The fit. @references [n] is copied. @basis: what their host_ns are. @step_factor: what steps took
 * there over the sum of their layers (1.04). @step_spread: how much the same step differs from time
 * to time there and here, as the logarithm of a factor that it stays within nine times out of ten
 * (0.05). @about: what was calibrated, kept for people. ENG_ERROR_RANGE: fewer than
 * ENG_BOARD_MIN_REFERENCES, or times that are none. Milliseconds. */
EngBoardCalibration *eng_board_calibration_new (const EngBoardReference *references, guint n,
                                                EngBoardBasis basis, double step_factor,
                                                double step_spread, const char *about, gint64 time,
                                                GError **error);

/* @layers [n] one by one into @expected [n], and their sum. A layer's band is q sqrt (1 + h) with q
 * what references were off by when they were left out and h the layer's leverage; the sum's is
 * narrower, since errors of different layers cancel in part, but for what layers have in common:
 *     sqrt (q^2 (h (mean of z) + sum over kinds of (share of the time)^2) + step_spread^2),
 * layers of the same kind of operator and arithmetic erring together. @total (nullable) has no step
 * factor in it. */
void eng_board_calibration_predict (EngBoardCalibration *calibration, const EngBoardLayer *layers,
                                    guint n, EngBoardExpected *expected, EngBoardExpected *total);

/* Node @node of a profile of this computer, measured or expected (eng_roofline_forecast()). */
void eng_board_layer_init (EngBoardLayer *layer, EngProfile *profile, RtPhase phase, guint node);

guint eng_board_calibration_get_n (EngBoardCalibration *calibration);
const EngBoardReference *eng_board_calibration_get (EngBoardCalibration *calibration, guint i);
/* What reference @i would have been expected to take without itself. */
double eng_board_calibration_get_left_out_ns (EngBoardCalibration *calibration, guint i);
EngBoardBasis eng_board_calibration_get_basis (EngBoardCalibration *calibration);
double eng_board_calibration_get_step_factor (EngBoardCalibration *calibration);
double eng_board_calibration_get_step_spread (EngBoardCalibration *calibration);
/* A layer's band as a factor, the mean over layers like the references: 1.3: from a third less to
 * a third more. */
double eng_board_calibration_get_band (EngBoardCalibration *calibration);
const char *eng_board_calibration_get_about (EngBoardCalibration *calibration);
gint64 eng_board_calibration_get_time (EngBoardCalibration *calibration); /* Unix seconds */
/* "7.3 times as long as here (3 to 9, by kind of layer); a layer is within a factor of 1.3 nine
 * times out of ten": newly allocated. */
char *eng_board_calibration_dup_text (EngBoardCalibration *calibration);

/* ---- Kept per device ---- */

/* One object; the fit follows from the references. */
char *eng_board_calibration_to_json (EngBoardCalibration *calibration);
EngBoardCalibration *eng_board_calibration_from_json (const char *json, GError **error);
/* @folder NULL: the user's. NULL without @error: there is none of this device. */
EngBoardCalibration *eng_board_calibration_load (const char *device_id, const char *folder,
                                                 GError **error);
gboolean eng_board_calibration_save (EngBoardCalibration *calibration, const char *device_id,
                                     const char *folder, GError **error);

G_END_DECLS
