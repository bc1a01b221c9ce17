/* What this computer put on a board: a list of names here, because links cannot list. The newest
 * builds stay, for going back to them and for pushing nothing twice. */
#include <errno.h>

#include "eng-push-private.h"

#include <glib/gstdio.h>

static char *
list_path (EngDevice *device)
{
  g_autofree char *base = g_strconcat (eng_device_get_id (device), ".list", NULL);
  return g_build_filename (g_get_user_state_dir (), "lathe", "boards", base, NULL);
}

GPtrArray *
eng_push_kept_read (EngDevice *device)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = list_path (device);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return names;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0' && g_str_is_ascii (lines[i]) && strchr (lines[i], '/') == NULL)
      g_ptr_array_add (names, g_strdup (lines[i]));
  return names;
}

/* A list that cannot be kept costs space on a board, nothing else. */
static void
write_list (EngDevice *device, GPtrArray *names)
{
  g_autofree char *path = list_path (device);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s\n", (char *)names->pdata[i]);
  if (g_mkdir_with_parents (folder, 0700) != 0
      || !g_file_set_contents (path, text->str, (gssize)text->len, &error))
    g_info ("%s: %s", path, error != NULL ? error->message : g_strerror (errno));
}

static void
drop_name (GPtrArray *names, const char *name)
{
  for (guint i = names->len; i > 0; i--)
    if (g_str_equal (names->pdata[i - 1], name))
      g_ptr_array_remove_index (names, i - 1);
}

void
eng_push_kept_add (EngDevice *device, const char *name)
{
  g_autoptr (GPtrArray) names = eng_push_kept_read (device);
  drop_name (names, name);
  g_ptr_array_add (names, g_strdup (name));
  write_list (device, names);
}

void
eng_push_kept_remove (EngDevice *device, const char *name)
{
  g_autoptr (GPtrArray) names = eng_push_kept_read (device);
  drop_name (names, name);
  write_list (device, names);
}

void
eng_push_kept_move (EngDevice *from, EngDevice *to)
{
  g_autoptr (GPtrArray) names = eng_push_kept_read (from);
  g_autofree char *path = list_path (from);

  for (guint i = 0; i < names->len; i++)
    eng_push_kept_add (to, names->pdata[i]);
  if (g_unlink (path) != 0 && errno != ENOENT)
    g_info ("%s: %s", path, g_strerror (errno));
}

GPtrArray *
eng_push_kept_old (EngDevice *device, guint n_keep)
{
  g_autoptr (GPtrArray) names = eng_push_kept_read (device);
  GPtrArray *old = g_ptr_array_new_with_free_func (g_free);
  guint n_builds = 0;

  for (guint i = names->len; i > 0; i--)
    if (g_str_has_suffix (names->pdata[i - 1], ".lathe-build") && ++n_builds > n_keep)
      g_ptr_array_insert (old, 0, g_strdup (names->pdata[i - 1]));
  return old;
}
