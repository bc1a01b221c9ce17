/* Cases for the Cortex-M kernels: the same random numbers, the same calls and the same checksums on
 * a computer and on a board. Freestanding: needs no C library. */
#pragma once

#include "mc.h"

typedef enum
{
  CASE_CONV,
  CASE_CONV_PATCHES, /* the same, computed in four parts, of copies of their inputs */
  CASE_DEPTHWISE,
  CASE_FULLY_CONNECTED,
  CASE_MAX_POOL,
  CASE_AVERAGE_POOL,
  CASE_MEAN,
  CASE_ADD,
  CASE_MUL,
  CASE_SOFTMAX,
  CASE_LOOKUP,
  CASE_QUANTIZE,
  CASE_DEQUANTIZE,
  CASE_TRANSPOSE,
  CASE_PAD,
  CASE_CONCAT,
} CaseKind;

/* What a case is; what does not apply to its kind is 0. */
typedef struct
{
  CaseKind kind;
  int32_t h, w, c, o; /* input picture, outputs; rows of h * w elsewhere */
  int32_t kh, kw, stride, dilation;
  int32_t pad; /* top and left; bottom and right half of it */
  int32_t groups;
  int32_t flags;
} Case;

#define CASE_LIMITS 1     /* bounds narrower than the type's */
#define CASE_EXTREMES 2   /* all codes and weights are -128 */
#define CASE_SAME 4       /* pools: the output has the input's quantization */
#define CASE_COUNT_PAD 8  /* average: count_padding */
#define CASE_WIDE 16      /* outputs lie between others: y_pixel_bytes > out_c */
#define CASE_REPEAT 32    /* binary: one b for a whole row */
#define CASE_ZEROS 64     /* weights have zero points */
#define CASE_UNSIGNED 128 /* pools: of unsigned codes, less 128 */

extern const Case cases[];
extern const int32_t n_cases;

/* Numbers of one case before a generator has seen them. */
#define CASE_MAX_X 40000
#define CASE_MAX_W 66000
#define CASE_MAX_Y 66000
#define CASE_MAX_O 320
typedef struct
{
  int8_t x[CASE_MAX_X], b[CASE_MAX_X];
  float reals[4096];    /* quantize */
  int8_t w[CASE_MAX_W]; /* [O][KH][KW][I / groups], or [KH][KW][O] */
  int32_t bias[CASE_MAX_O];
  float w_scale[CASE_MAX_O];
  int32_t w_zero[CASE_MAX_O];
  float x_scale, b_scale, y_scale;
  int32_t x_zero, b_zero, y_zero;
  int32_t low, high; /* codes of y */
  int32_t out_h, out_w;
  int8_t table[256];
  _Alignas(16) int8_t y[CASE_MAX_Y];
  size_t n_y; /* bytes */
} CaseData;

extern CaseData case_data;
/* Of softmax; exp (- SOFTMAX_SCALE d). */
#define SOFTMAX_SCALE 0.11f
extern const float softmax_table[256];

/* Fill case_data, call the kernel, return a checksum of y. *@broken becomes true when bytes around
 * y or the scratch were written. With @n_times > 1 the kernel is called so often, and @clock (which
 * may be NULL) is asked around each call; the least difference goes to *@ticks. */
uint32_t case_run (int32_t which, int32_t n_times, uint32_t (*clock) (void), uint32_t *ticks,
                   bool *broken);
/* NULL, or: where inputs (or the weights of products) are to lie instead, with nothing behind them
 * that could be read. */
extern const int8_t *(*case_place) (const int8_t *bytes, int32_t n);
extern bool case_places_weights;

/* Multiplications of the case that was run last. */
uint32_t case_macs (int32_t which);
const char *case_kind_name (CaseKind kind);
