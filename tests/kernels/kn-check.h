/* kn-check: checks and benchmarks every variant of every kernel. In the spirit of dav1d's checkasm.
 *
 * A case is one kernel (or one group of kernels with the same arguments). For each level that this
 * machine can run, the frame calls the case's check with two tables: the plain C one, which is the
 * specification, and the level's own. For the C level itself both are the same table: there the
 * case compares with an oracle in double precision and a bound that it can prove; for every other
 * level it compares with C, bit for bit:
 *
 *   static void
 *   check_add (const KnTable *c, const KnTable *v, const void *data)
 *   {
 *     float *a = kc_input (n * sizeof (float), 4), *y = kc_output (n * sizeof (float), 4), ...;
 *     kc_fill (a, n, KC_NORMAL);
 *     v->vec.add (a, b, n, y);
 *     if (v == c)
 *       for (...) kc_near ("y", i, y[i], expected, bound);
 *     else
 *       kc_same ("y", y, y_of_c, n);
 *   }
 *
 *   static const KcCase cases[] = {
 *     { "vec/add", check_add, bench_add, NULL, KC_MEMBERS (vec.add) },
 *     { 0 },
 *   };
 *   void kc_register_vec (void) { kc_register (cases); }     // declared below, called in
 * kn-check.c
 *
 * A case ends at its first failure, at a crash and when it runs for too long; the run goes on with
 * the next. */
#pragma once

#include "kn-table.h"

typedef struct
{
  const char *name; /* "family/kernel" */
  void (*check) (const KnTable *c, const KnTable *v, const void *data);
  void (*bench) (const KnTable *v, const void *data); /* may be NULL */
  const void *data;                                   /* for the two functions */

  /* The function pointers of KnTable that the case is about: a level that has them from the level
   * below is not checked again. KC_ONCE: no table is involved; checked for the C level only. */
  size_t offset, n_bytes;

  int c_only; /* not about the table: run at the C level only */
} KcCase;

#define KC_MEMBERS(member) offsetof (KnTable, member), sizeof ((KnTable *)0)->member
#define KC_ONCE 0, 0

/* @cases ends with a case without name and stays valid. */
void kc_register (const KcCase *cases);

/* One per file of cases. */
void kc_register_vec (void);
void kc_register_map (void);
void kc_register_attn (void);
void kc_register_matmul (void);
void kc_register_row (void);
void kc_register_quant (void);
void kc_register_weighted (void);
void kc_register_skip (void);
void kc_register_rows (void);
void kc_register_sparse (void);
void kc_register_lookup (void);
void kc_register_conv (void);
void kc_register_qconv (void);
void kc_register_qvec (void);

/* --- memory: freed by the frame when the check ends --- */

/* @bytes for the kernel to read, as near to an unreadable page as @align (a power of two) allows: a
 * read beyond the end crashes and is reported. Filled with 0xff, which is NaN in every float
 * format. */
void *kc_input (size_t bytes, size_t align);

/* @bytes for the kernel to write: guard bytes on both sides, looked at when the check ends and at
 * kc_guards(). A write far beyond the end crashes. */
void *kc_output (size_t bytes, size_t align);

/* Look at the guard bytes of all outputs now; a failure names @what. */
void kc_guards (const char *what);

/* Free everything: for checks that loop over many sizes. */
void kc_release (void);

/* --- numbers: from a seeded generator (--seed) --- */

typedef enum
{
  KC_NORMAL,   /* about N(0, 1) */
  KC_UNIFORM,  /* -1..1 */
  KC_WIDE,     /* signs and exponents spread over 2^-20..2^20 */
  KC_ANY,      /* any finite bit pattern */
  KC_DENORMAL, /* subnormal numbers and zeros of both signs */
  KC_ZERO,
  KC_CONSTANT, /* the same value everywhere */
  KC_SPECIAL,  /* KC_NORMAL with a few NaN, infinities and zeros of both signs */
  KC_N_KINDS
} KcKind;

uint32_t kc_random (void);
uint32_t kc_random_below (uint32_t n);
float kc_random_float (KcKind kind);
void kc_fill (float *x, size_t n, KcKind kind);
void kc_fill_half (uint16_t *x, size_t n, KcKind kind); /* the same, rounded to half precision */
void kc_fill_bytes (void *x, size_t n);
const char *kc_kind_name (KcKind kind);

/* --- verdicts: each ends the check when it fails --- */

/* What the check is doing, printed with a failure or a crash: sizes, kind of numbers. */
void kc_context (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void kc_fail (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

/* The same bits; any NaN equals any NaN. */
void kc_same (const char *what, const float *got, const float *want, size_t n);
void kc_same_half (const char *what, const uint16_t *got, const uint16_t *want, size_t n);
void kc_same_bytes (const char *what, const void *got, const void *want, size_t n);

/* |got - want| <= bound; NaN where NaN is wanted; infinity where infinity is wanted. */
void kc_near (const char *what, size_t index, float got, double want, double bound);

/* gamma_n = n u / (1 - n u), u = 2^-24: Higham 2002, section 3.1. */
double kc_gamma (double n);

/* --- benchmark --- */

/* @bytes for a benchmark to work on, aligned to KN_ALIGN and zero, without the guards that a check
 * wants. free() ends it. */
void *kc_new (size_t bytes);

/* Time @run (@arg) as often as needed and report it in the row @label of the running case (NULL:
 * the case alone): @bytes moved and @ops done (0: not shown) in one call. */
void kc_bench (const char *label, void (*run) (void *arg), void *arg, double bytes, double ops);
