/* The operations of a link, checked and handed to its transport. Called by contact and push; knows
 * no transport. */
#include "eng-link.h"

#include <string.h>

/* What may be a file's name on a board: nothing that a shell or a path would take apart. */
static gboolean
is_name (const char *name)
{
  return name != NULL && *name != '\0' && *name != '-' && strcmp (name, ".") != 0
         && strcmp (name, "..") != 0
         && strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
                == strlen (name);
}

void
eng_link_close (EngLink *link)
{
  if (link != NULL)
    link->klass->close (link);
}

char *
eng_link_machine (EngLink *link, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (link != NULL, NULL);
  return link->klass->machine (link, cancellable, error);
}

gboolean
eng_link_size (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
               GError **error)
{
  g_return_val_if_fail (link != NULL && is_name (name) && n_bytes != NULL, FALSE);
  return link->klass->size (link, name, n_bytes, cancellable, error);
}

gboolean
eng_link_put (EngLink *link, const char *path, const char *name, gboolean program,
              EngLinkProgress progress, gpointer user_data, GCancellable *cancellable,
              GError **error)
{
  g_return_val_if_fail (link != NULL && path != NULL && is_name (name), FALSE);
  return link->klass->put (link, path, name, program, progress, user_data, cancellable, error);
}

gboolean
eng_link_remove (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (link != NULL && is_name (name), FALSE);
  return link->klass->remove (link, name, cancellable, error);
}

/* Where nobody wants to hear it: no transport has to ask. */
static gboolean
pass_over (const char *bytes, gsize n_bytes, gpointer user_data)
{
  return TRUE;
}

gboolean
eng_link_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
              gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (link != NULL && is_name (runner) && args != NULL, FALSE);
  return link->klass->run (link, runner, args, data != NULL ? data : pass_over, user_data, status,
                           cancellable, error);
}

gboolean
eng_link_space (EngLink *link, EngLinkSpace *space, gboolean *limited, GCancellable *cancellable,
                GError **error)
{
  g_return_val_if_fail (link != NULL && space != NULL && limited != NULL, FALSE);

  *space = (EngLinkSpace){ 0 };
  *limited = link->klass->space != NULL;
  return !*limited || link->klass->space (link, space, cancellable, error);
}

gboolean
eng_link_error_is_lost (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
}
