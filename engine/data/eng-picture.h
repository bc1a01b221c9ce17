/* Pictures as the tasks take them: 8-bit RGB in memory, upright, whatever the file was. Immutable
 * once shared; reference counted. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Larger pictures are refused before they are decoded: 8 bytes of a header must not ask for
 * gigabytes. */
#define ENG_PICTURE_MAX_PIXELS (1u << 26)

typedef struct _EngPicture EngPicture;
#define ENG_TYPE_PICTURE (eng_picture_get_type ())
GType eng_picture_get_type (void);

/* black; at most ENG_PICTURE_MAX_PIXELS, at least 1 x 1 */
EngPicture *eng_picture_new (guint width, guint height);
EngPicture *eng_picture_ref (EngPicture *picture);
void eng_picture_unref (EngPicture *picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngPicture, eng_picture_unref)

/* Any format that gdk-pixbuf knows. Turned upright by its EXIF orientation; what is transparent is
 * laid on white. @name is for messages. Blocking. */
EngPicture *eng_picture_from_bytes (GBytes *bytes, const char *name, GError **error);
EngPicture *eng_picture_load (const char *path, GCancellable *cancellable, GError **error);
gboolean eng_picture_save_png (EngPicture *picture, const char *path, GError **error);

guint eng_picture_get_width (EngPicture *picture);
guint eng_picture_get_height (EngPicture *picture);
/* [height, width, 3], rows without padding */
const guint8 *eng_picture_get_pixels (EngPicture *picture);
guint8 *eng_picture_edit_pixels (EngPicture *picture); /* while nobody else holds it */

G_END_DECLS
