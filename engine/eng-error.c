/* The error domain and the bridge from the runtime's status and message to GError. Used by every
 * file of this folder; knows nothing of what failed. */
#include "eng-error.h"

#include <gio/gio.h>

G_DEFINE_QUARK (eng - error - quark, eng_error)

gboolean
eng_error_take_rt (const RtError *rt_error, GError **error)
{
  GQuark domain = ENG_ERROR;
  int code = ENG_ERROR_FORMAT;

  switch (rt_error->status)
    {
    case RT_OK: /* a failing call that did not say why is a broken invariant */
      g_assert_not_reached ();
    case RT_ERROR_IO:
      code = ENG_ERROR_IO;
      break;
    case RT_ERROR_FORMAT:
      code = ENG_ERROR_FORMAT;
      break;
    case RT_ERROR_UNSUPPORTED:
      code = ENG_ERROR_UNSUPPORTED;
      break;
    case RT_ERROR_MEMORY:
      code = ENG_ERROR_MEMORY;
      break;
    case RT_ERROR_RANGE:
      code = ENG_ERROR_RANGE;
      break;
    case RT_ERROR_CANCELLED:
      domain = G_IO_ERROR;
      code = G_IO_ERROR_CANCELLED;
      break;
    }
  /* The runtime quotes names from files: make sure that people and widgets get UTF-8. */
  g_autofree char *message = g_utf8_make_valid (rt_error->message, -1);
  g_set_error_literal (error, domain, code, message);
  return FALSE;
}
