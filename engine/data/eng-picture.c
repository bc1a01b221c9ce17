/* Pictures from files, through gdk-pixbuf: decoded, turned upright, without alpha. Called by
 * eng-input.c, the data sets and the tasks; knows nothing of networks. */
#include "eng-picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>

#include "eng-error.h"

#define MAX_FILE_BYTES (256u << 20)

struct _EngPicture
{
  gatomicrefcount ref_count;
  guint width, height;
  guint8 *pixels; /* [height, width, 3] */
};

G_DEFINE_BOXED_TYPE (EngPicture, eng_picture, eng_picture_ref, eng_picture_unref)

EngPicture *
eng_picture_new (guint width, guint height)
{
  g_return_val_if_fail (width > 0 && height > 0, NULL);
  g_return_val_if_fail ((guint64)width * height <= ENG_PICTURE_MAX_PIXELS, NULL);

  EngPicture *picture = g_new0 (EngPicture, 1);
  g_atomic_ref_count_init (&picture->ref_count);
  picture->width = width;
  picture->height = height;
  picture->pixels = g_new0 (guint8, (gsize)width * height * 3);
  return picture;
}

EngPicture *
eng_picture_ref (EngPicture *picture)
{
  g_atomic_ref_count_inc (&picture->ref_count);
  return picture;
}

void
eng_picture_unref (EngPicture *picture)
{
  if (!g_atomic_ref_count_dec (&picture->ref_count))
    return;
  g_free (picture->pixels);
  g_free (picture);
}

/* ---- Reading ---- */

/* The loader asks how large the picture shall be before it allocates: refuse there. */
static void
on_size_prepared (GdkPixbufLoader *loader, int width, int height, gpointer data)
{
  gboolean *too_large = data;
  if (width > 0 && height > 0 && (guint64)width * (guint64)height <= ENG_PICTURE_MAX_PIXELS)
    return;
  *too_large = TRUE;
  gdk_pixbuf_loader_set_size (loader, 1, 1);
}

/* Decoded and upright, or NULL. */
static GdkPixbuf *
decode (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new ();
  g_autoptr (GError) local = NULL;
  gboolean too_large = FALSE;

  g_signal_connect (loader, "size-prepared", G_CALLBACK (on_size_prepared), &too_large);
  gboolean ok = gdk_pixbuf_loader_write_bytes (loader, bytes, &local);
  /* Closed in any case: the loader insists on it; its error counts only when there was none. */
  ok = gdk_pixbuf_loader_close (loader, ok ? &local : NULL) && ok;
  if (too_large)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s has more than %u million pixels: too large for a network's input", name,
                   ENG_PICTURE_MAX_PIXELS / 1000000);
      return NULL;
    }
  GdkPixbuf *pixbuf = ok ? gdk_pixbuf_loader_get_pixbuf (loader) : NULL;
  if (pixbuf == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s cannot be read as a picture: %s", name,
                   local != NULL ? local->message : "it holds none");
      return NULL;
    }
  return gdk_pixbuf_apply_embedded_orientation (pixbuf);
}

static EngPicture *
from_pixbuf (GdkPixbuf *pixbuf)
{
  guint width = (guint)gdk_pixbuf_get_width (pixbuf),
        height = (guint)gdk_pixbuf_get_height (pixbuf);
  guint n_channels = (guint)gdk_pixbuf_get_n_channels (pixbuf);
  gboolean alpha = gdk_pixbuf_get_has_alpha (pixbuf);
  const guint8 *pixels = gdk_pixbuf_read_pixels (pixbuf);
  gsize stride = (gsize)gdk_pixbuf_get_rowstride (pixbuf);
  EngPicture *picture = eng_picture_new (width, height);
  guint8 *to = picture->pixels;

  for (guint y = 0; y < height; y++)
    {
      const guint8 *from = pixels + y * stride;
      if (!alpha)
        {
          for (guint x = 0; x < width; x++, from += n_channels, to += 3)
            memcpy (to, from, 3);
          continue;
        }
      for (guint x = 0; x < width; x++, from += n_channels, to += 3)
        for (guint c = 0; c < 3; c++)
          to[c] = (guint8)((from[c] * from[3] + 255 * (255 - from[3]) + 127) / 255);
    }
  return picture;
}

EngPicture *
eng_picture_from_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  g_autoptr (GdkPixbuf) pixbuf = decode (bytes, name, error);
  return pixbuf != NULL ? from_pixbuf (pixbuf) : NULL;
}

EngPicture *
eng_picture_load (const char *path, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, cancellable, error);
  if (info == NULL)
    return NULL;
  if (g_file_info_get_size (info) > MAX_FILE_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is too large to be a picture", path);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_file_load_bytes (file, cancellable, NULL, error);
  g_autofree char *name = g_path_get_basename (path);
  return bytes != NULL ? eng_picture_from_bytes (bytes, name, error) : NULL;
}

gboolean
eng_picture_save_png (EngPicture *self, const char *path, GError **error)
{
  g_return_val_if_fail (self != NULL && path != NULL, FALSE);

  g_autoptr (GdkPixbuf) pixbuf
      = gdk_pixbuf_new_from_data (self->pixels, GDK_COLORSPACE_RGB, FALSE, 8, (int)self->width,
                                  (int)self->height, (int)self->width * 3, NULL, NULL);
  return gdk_pixbuf_save (pixbuf, path, "png", error, NULL);
}

/* ---- Looking ---- */

guint
eng_picture_get_width (EngPicture *self)
{
  return self->width;
}

guint
eng_picture_get_height (EngPicture *self)
{
  return self->height;
}

const guint8 *
eng_picture_get_pixels (EngPicture *self)
{
  return self->pixels;
}

guint8 *
eng_picture_edit_pixels (EngPicture *self)
{
  return self->pixels;
}
