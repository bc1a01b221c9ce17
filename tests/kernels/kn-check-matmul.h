/* Between the checks and the benchmarks of the matmul family. */
#pragma once

#include "kn-check.h"

/* What the bytes of random weights look like. */
typedef enum
{
  KC_CODES_RANDOM,
  KC_CODES_ONES,   /* every code at its maximum: saturates what can saturate */
  KC_CODES_ZEROS,  /* every stored code 0, the most negative where there is a zero point */
  KC_CODES_LOWEST, /* bytes 0x80: the int8 code -128 */
  KC_N_CODES
} KcCodes;

/* @n_rows rows of @n_cols weights as GGUF blocks, their scales drawn from @scales times @unit. */
void kc_fill_weights (KnDtype dtype, uint8_t *rows, size_t n_rows, size_t n_cols, KcCodes codes,
                      KcKind scales, float unit);

/* Where the f16 scale and the f16 minimum lie in a block; -1 for none. */
void kc_block_fields (KnDtype dtype, int *d, int *m);

/* One call of a product, for kc_bench(): kc_run_matmul() takes a KcMatmulJob. */
typedef struct
{
  KnMatmulFn fn;
  KnMatmulArgs args;
} KcMatmulJob;

void kc_run_matmul (void *job);

/* @data is a pointer to the KnDtype. */
void kc_bench_matmul (const KnTable *v, const void *data);
void kc_bench_quantize_q8 (const KnTable *v, const void *data);
