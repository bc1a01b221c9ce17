/* What is known of the times of single operators on one device, and what follows from it for
 * operators that were never measured: the rule behind every estimate. Pure: no clock, no file, no
 * thread.
 *
 * An operator's work is its signature and its costs. The signature is one line, made from the node:
 * operator, formats of its weights, arithmetic, then the shapes of inputs and outputs, with letters
 * for sizes that differ from run to run (N tokens, O outputs, H and W of a picture, S samples):
 *
 *   matmul Q4_0 int8|f32[N,576]|Q4_0[1536,576]|>f32[N,1536]
 */
#pragma once

#include "eng-machine.h"
#include "rt-op.h"

G_BEGIN_DECLS

/* Where a time comes from, worst first: estimates take the best that there is of a work. Times of
 * different sources are never held against each other. */
typedef enum
{
  ENG_KERNEL_DEGRADED, /* a run that was disturbed */
  ENG_KERNEL_BENCH,    /* measured by itself */
  ENG_KERNEL_RUN,      /* a valid run */
} EngKernelSource;

typedef struct
{
  const char *signature; /* interned */
  RtCost cost;
  gboolean is_cold; /* the weights of the whole model do not fit the last cache: each step reads
                     * them from memory */
  double median_ns, low_ns, high_ns; /* of one execution by all threads; the interval may be NAN */
  guint n;                           /* executions */
  gint64 time;                       /* Unix seconds */
  EngKernelSource source;
} EngKernelTime;

/* What an estimate rests on, best first. */
typedef enum
{
  ENG_BASIS_TABLE,     /* the same work was measured on this device */
  ENG_BASIS_NEIGHBOUR, /* other work of the same operator was, scaled */
  ENG_BASIS_ROOF,      /* the roofs of the device, and what operators reach of them */
  ENG_BASIS_NONE,      /* absent */
} EngBasis;
#define ENG_N_BASES 4

const char *eng_basis_name (EngBasis basis); /* "table", "neighbour", "roof", "none": JSON */

typedef struct
{
  EngBasis basis;
  double ns;              /* NAN when absent */
  EngKernelSource source; /* of the measurement it rests on; meaningless for a roof */
  const char *reason;     /* interned: why it is absent, or NULL */
} EngExpected;

typedef struct _EngKernelTable EngKernelTable; /* immutable, reference counted */

/* @times is copied. @roof (nullable): measured roofs for the same number of threads. @cache_bytes:
 * the last cache; 0: unknown. */
EngKernelTable *eng_kernel_table_new (const EngKernelTime *times, guint n, const EngRoof *roof,
                                      guint64 cache_bytes);
EngKernelTable *eng_kernel_table_ref (EngKernelTable *table);
void eng_kernel_table_unref (EngKernelTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngKernelTable, eng_kernel_table_unref)

guint eng_kernel_table_get_n (EngKernelTable *table);
const EngKernelTime *eng_kernel_table_get (EngKernelTable *table, guint index);
gboolean eng_kernel_table_has_roof (EngKernelTable *table);

/* The signature of @node as its weights are packed; interned. */
const char *eng_kernel_signature (const RtOpQuery *query);
/* Whether a step that reads so many bytes of weights finds them in memory, not in the last
 * cache. */
gboolean eng_kernel_is_cold (guint64 weight_bytes, guint64 cache_bytes);

/* The least time that the roofs allow, in nanoseconds: operations over the peak of their kind, or
 * bytes over the bandwidth of the level that they are in, the greater of both (Williams, Waterman
 * and Patterson 2009, Roofline). NAN without roofs. */
double eng_kernel_roof_ns (EngKernelTable *table, const char *signature, const RtCost *cost,
                           gboolean is_cold);

/* What one execution is expected to take. The first of these that is possible:
 *  1. the same signature and costs were measured: that median;
 *  2. the same signature with other costs (other numbers of tokens): between two measured ones
 *     linear in operations and bytes (a product takes a part for its weights and a part for each
 *     token: affine, where the roofs' maximum is not); beyond them scaled from the nearest;
 *  3. the same operator, formats and arithmetic with other shapes, at most ENG_KERNEL_REACH times
 *     as much or as little work: the nearest, scaled;
 *  4. the same operator in another format, as near: scaled by what the roofs make of both;
 *  5. the roof over the efficiency: all roofs of what was measured of the operator over all its
 *     times, else of all operators;
 *  6. absent, with the reason.
 * Scaling: t = t0 + (t' - t0) * w / w', w the roof times (without roofs, and for 2 and 3 only:
 * operations and bytes together), t0 the least time that any operator took here: what starting one
 * costs at most. */
#define ENG_KERNEL_REACH 16.0
void eng_kernel_table_predict (EngKernelTable *table, const char *signature, const RtCost *cost,
                               gboolean is_cold, EngExpected *expected);

/* What the table holds of this work, never scaled: the same signature and costs (@is_exact), or on
 * a straight line between the two nearest that differ in the bytes of their weights alone, as
 * sparse matrices of other shares do. @time (low and high likewise) is written only then. FALSE:
 * not measured. */
gboolean eng_kernel_table_find (EngKernelTable *table, const char *signature, const RtCost *cost,
                                gboolean is_cold, EngKernelTime *time, gboolean *is_exact);

G_END_DECLS
