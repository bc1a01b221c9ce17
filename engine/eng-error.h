/* The studio side's one error domain. Messages say what, where, and what to do; they are shown to
 * people as they are. */
#pragma once

#include <glib.h>

#include "rt-error.h"

G_BEGIN_DECLS

#define ENG_ERROR (eng_error_quark ())

typedef enum
{
  ENG_ERROR_IO,          /* a file or a link could not be read or written */
  ENG_ERROR_FORMAT,      /* a file is not what its format says */
  ENG_ERROR_UNSUPPORTED, /* valid, but this program cannot do it; the message names it */
  ENG_ERROR_MEMORY,      /* does not fit; found before anything ran */
  ENG_ERROR_RANGE,       /* a value out of its range */
  ENG_ERROR_NOT_FOUND,
} EngError;

GQuark eng_error_quark (void);

/* Turn a runtime error into @error; RT_ERROR_CANCELLED becomes G_IO_ERROR_CANCELLED. Returns
 * FALSE. */
gboolean eng_error_take_rt (const RtError *rt_error, GError **error);

G_END_DECLS
