/* Reading COCO's annotations. Called by eng-truth.c; knows no networks. */
#include "eval/eng-coco.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"

#define MAX_BYTES (512 << 20)
#define MAX_POINTS 1024

struct _EngCoco
{
  GHashTable *by_id;   /* gint64 -> EngCocoPicture, borrowed */
  GHashTable *by_name; /* base name -> EngCocoPicture */
  GHashTable *classes; /* gint64 category -> class + 1 */
  gboolean has_points;
  guint n_unknown;
};

static void
picture_free (gpointer data)
{
  EngCocoPicture *picture = data;
  g_array_unref (picture->boxes);
  g_array_unref (picture->points);
  g_free (picture);
}

void
eng_coco_free (EngCoco *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->by_name);
  g_hash_table_unref (self->classes);
  g_free (self);
}

static gboolean
fail (const char *path, const char *list, guint index, const char *what, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s: entry %u of \"%s\" %s", path, index, list,
               what);
  return FALSE;
}

static JsonObject *
entry (JsonArray *list, guint index)
{
  JsonNode *node = json_array_get_element (list, index);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gint64 *
new_key (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static gboolean
read_pictures (EngCoco *self, JsonArray *list, const char *path, GError **error)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *object = entry (list, i);
      const char *name = object != NULL ? eng_json_get_string (object, "file_name") : NULL;
      gint64 id = object != NULL ? eng_json_get_int (object, "id", G_MININT64) : G_MININT64;
      if (name == NULL || id == G_MININT64)
        return fail (path, "images", i, "needs \"id\" and \"file_name\"", error);
      EngCocoPicture *picture = g_new0 (EngCocoPicture, 1);
      picture->width = (guint)CLAMP (eng_json_get_int (object, "width", 0), 0, 1 << 20);
      picture->height = (guint)CLAMP (eng_json_get_int (object, "height", 0), 0, 1 << 20);
      picture->boxes = g_array_new (FALSE, FALSE, sizeof (EngTruthBox));
      picture->points = g_array_new (FALSE, FALSE, sizeof (EngPoint));
      g_hash_table_insert (self->by_name, g_path_get_basename (name), picture);
      g_hash_table_insert (self->by_id, new_key (id), picture);
      if (picture->width == 0 || picture->height == 0)
        return fail (path, "images", i, "needs \"width\" and \"height\" in pixels", error);
    }
  return TRUE;
}

static int
find_class (const char *name, const char *const *labels)
{
  g_autofree char *wanted = g_utf8_casefold (name, -1);
  for (int i = 0; labels != NULL && labels[i] != NULL; i++)
    {
      g_autofree char *label = g_utf8_casefold (labels[i], -1);
      if (strcmp (wanted, label) == 0)
        return i;
    }
  return -1;
}

static gboolean
read_categories (EngCoco *self, JsonArray *list, const char *const *labels, const char *path,
                 GError **error)
{
  guint n = json_array_get_length (list);
  guint n_labels = labels != NULL ? g_strv_length ((GStrv)labels) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonObject *object = entry (list, i);
      const char *name = object != NULL ? eng_json_get_string (object, "name") : NULL;
      gint64 id = object != NULL ? eng_json_get_int (object, "id", G_MININT64) : G_MININT64;
      if (name == NULL || id == G_MININT64)
        return fail (path, "categories", i, "needs \"id\" and \"name\"", error);
      int class = n == 1 && n_labels <= 1 ? 0 : find_class (name, labels);
      g_hash_table_insert (self->classes, new_key (id), GINT_TO_POINTER (class + 1));
    }
  return TRUE;
}

/* FALSE: not @n numbers. */
static gboolean
read_numbers (JsonArray *array, double *values, guint n)
{
  if (array == NULL || json_array_get_length (array) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) == G_TYPE_STRING)
        return FALSE;
      values[i] = json_node_get_double (node);
      if (!isfinite (values[i]))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_points (EngCoco *self, EngCocoPicture *picture, JsonArray *array, const double *box,
             gboolean has_box)
{
  guint n = json_array_get_length (array);
  g_autofree double *values = g_new (double, MAX (n, 1));

  if (n % 3 != 0 || n / 3 > MAX_POINTS || !read_numbers (array, values, n))
    return FALSE;
  if (picture->points->len > 0) /* the first of them is what a landmark network looks at */
    return TRUE;
  for (guint i = 0; i < n; i += 3)
    {
      EngPoint point = { (float)(values[i] / picture->width),
                         (float)(values[i + 1] / picture->height), (float)values[i + 2] };
      g_array_append_val (picture->points, point);
    }
  picture->point_box[0] = has_box ? box[2] / picture->width : 0;
  picture->point_box[1] = has_box ? box[3] / picture->height : 0;
  self->has_points = TRUE;
  return TRUE;
}

static gboolean
read_annotation (EngCoco *self, JsonObject *object, const char *path, guint index, GError **error)
{
  gint64 id = eng_json_get_int (object, "image_id", G_MININT64);
  gint64 category = eng_json_get_int (object, "category_id", G_MININT64);
  EngCocoPicture *picture = g_hash_table_lookup (self->by_id, &id);
  JsonArray *points = eng_json_get_array (object, "keypoints");
  JsonArray *bbox = eng_json_get_array (object, "bbox");
  double box[4];

  if (picture == NULL)
    return fail (path, "annotations", index, "names an \"image_id\" that is not among \"images\"",
                 error);
  if (bbox != NULL && (!read_numbers (bbox, box, 4) || box[2] < 0 || box[3] < 0))
    return fail (path, "annotations", index, "needs \"bbox\": [x, y, width, height] in pixels",
                 error);
  if (points != NULL && !read_points (self, picture, points, box, bbox != NULL))
    return fail (path, "annotations", index, "needs \"keypoints\": [x, y, visibility, ...]", error);
  if (bbox == NULL)
    return points != NULL
           || fail (path, "annotations", index, "has neither \"bbox\" nor \"keypoints\"", error);
  EngTruthBox truth = { (float)(box[0] / picture->width),
                        (float)(box[1] / picture->height),
                        (float)((box[0] + box[2]) / picture->width),
                        (float)((box[1] + box[3]) / picture->height),
                        GPOINTER_TO_INT (g_hash_table_lookup (self->classes, &category)) - 1,
                        eng_json_get_int (object, "iscrowd", 0) != 0 };
  self->n_unknown += truth.class < 0;
  g_array_append_val (picture->boxes, truth);
  return TRUE;
}

static gboolean
read_all (EngCoco *self, JsonObject *root, const char *const *labels, const char *path,
          GError **error)
{
  JsonArray *images = eng_json_get_array (root, "images");
  JsonArray *annotations = eng_json_get_array (root, "annotations");
  JsonArray *categories = eng_json_get_array (root, "categories");

  if (images == NULL || annotations == NULL || categories == NULL)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "%s is not in COCO's form: it needs lists \"images\", \"annotations\" and \"categories\"",
          path);
      return FALSE;
    }
  if (!read_pictures (self, images, path, error)
      || !read_categories (self, categories, labels, path, error))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (annotations); i++)
    {
      JsonObject *object = entry (annotations, i);
      if (object == NULL)
        return fail (path, "annotations", i, "is no object", error);
      if (!read_annotation (self, object, path, i, error))
        return FALSE;
    }
  return TRUE;
}

EngCoco *
eng_coco_load (const char *path, const char *const *labels, GError **error)
{
  g_autofree char *json = NULL;
  g_autofree char *base = g_path_get_basename (path);
  gsize n;

  if (!g_file_get_contents (path, &json, &n, error))
    return NULL;
  if (n > MAX_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is larger than 512 MB", path);
      return NULL;
    }
  g_autoptr (JsonNode) root = eng_json_parse_object (json, base, error);
  if (root == NULL)
    return NULL;
  g_autoptr (EngCoco) self = g_new0 (EngCoco, 1);
  self->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, picture_free);
  self->classes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  if (!read_all (self, json_node_get_object (root), labels, path, error))
    return NULL;
  return g_steal_pointer (&self);
}

const EngCocoPicture *
eng_coco_find (EngCoco *self, const char *name)
{
  g_autofree char *base = g_path_get_basename (name);
  return g_hash_table_lookup (self->by_name, base);
}

guint
eng_coco_get_n_pictures (EngCoco *self)
{
  return g_hash_table_size (self->by_name);
}

gboolean
eng_coco_has_points (EngCoco *self)
{
  return self->has_points;
}

guint
eng_coco_get_n_unknown (EngCoco *self)
{
  return self->n_unknown;
}
