/* Attributes of operators as bytes of a file, and whether an operator can bear them. By the tables
 * of fields that operators have (RtOp.fields); all that is read from a stranger's file goes through
 * here. */
#pragma once

#include "rt-op.h"

/* Whether every field of @attrs [op->attrs_bytes] is inside of its limits. The message names
 * operator, field, value and limits (RT_ERROR_RANGE). Microseconds. */
bool rt_fields_check (const RtOp *op, const void *attrs, RtError *error);

/* Bytes of the attributes in a file: fields in the table's order, elements of arrays one after the
 * other, little-endian, without padding. 0 for operators without attributes. */
size_t rt_fields_bytes (const RtOp *op);
/* @out: rt_fields_bytes(). */
void rt_fields_write (const RtOp *op, const void *attrs, uint8_t *out);
/* Fills @attrs [op->attrs_bytes], aligned to 8 bytes, from @in [n]; what is no field becomes 0.
 * false: n is not rt_fields_bytes() (RT_ERROR_FORMAT), or a field is outside of its limits
 * (RT_ERROR_RANGE); then @attrs must not be used. */
bool rt_fields_read (const RtOp *op, const uint8_t *in, size_t n, void *attrs, RtError *error);
