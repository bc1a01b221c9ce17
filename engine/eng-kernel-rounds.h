/* One kernel timed more than once, at some distance: how these times become one. Pure. */
#pragma once

#include "eng-kernel-table.h"

G_BEGIN_DECLS

/* Medians further apart than this, of the lesser, are not of the same conditions. */
#define ENG_KERNEL_ROUNDS_APART 0.1

/* Whether the two least of the @n medians (at least 2) are close: then further rounds would tell
 * nothing new. */
gboolean eng_kernel_rounds_agree (const EngKernelTime *rounds, guint n);

/* The round with the least median, since what disturbs a kernel makes it slower, never faster. Its
 * interval also holds that of the next least: a time that only one round has reached is as
 * uncertain as the two lie apart. @n at least 1. */
EngKernelTime eng_kernel_rounds_join (const EngKernelTime *rounds, guint n);

G_END_DECLS
