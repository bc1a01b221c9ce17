/* Single numbers of every plain type: reading, writing, ordering. For the slow parts of operators,
 * and for references. Private to engine/runtime/ops. */
#pragma once

#include "rt-graph.h"

/* F (number of RtType, C type) for the types that C has. */
#define RT_C_TYPES(F)                                                                              \
  F (RT_TYPE_F32, float)                                                                           \
  F (RT_TYPE_F64, double)                                                                          \
  F (RT_TYPE_I8, int8_t)                                                                           \
  F (RT_TYPE_U8, uint8_t)                                                                          \
  F (RT_TYPE_BOOL, uint8_t)                                                                        \
  F (RT_TYPE_I16, int16_t)                                                                         \
  F (RT_TYPE_U16, uint16_t)                                                                        \
  F (RT_TYPE_I32, int32_t)                                                                         \
  F (RT_TYPE_U32, uint32_t)                                                                        \
  F (RT_TYPE_I64, int64_t)                                                                         \
  F (RT_TYPE_U64, uint64_t)

bool rt_type_is_float (int type); /* f16 and bf16 included */

float rt_half_to_float (uint16_t h);
float rt_bfloat_to_float (uint16_t h);
/* To nearest even; overflow to infinity; NaN stays NaN. */
uint16_t rt_half_from_double (double x);
uint16_t rt_bfloat_from_double (double x);

/* As C does it, where that is defined; else INT64_MIN. */
int64_t rt_integer_from_double (double x);

/* Element @i as a double (64-bit integers are rounded), or as a 64-bit integer (floats towards
 * zero; u64 as its bits). */
double rt_number_get (int type, const void *data, size_t i);
int64_t rt_number_get_integer (int type, const void *data, size_t i);
/* Writing: floats are rounded, integers keep their low bits, bool is whether x is not 0. */
void rt_number_set (int type, void *data, size_t i, double x);
void rt_number_set_integer (int type, void *data, size_t i, int64_t x);

/* A number with the same order as element @i: NaN above all, -0 equal to 0. */
int64_t rt_number_key (int type, const void *data, size_t i);
