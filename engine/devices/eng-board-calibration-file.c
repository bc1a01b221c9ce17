/* Calibrations as JSON, one file per device below the user's state. The references are kept, not
 * the fit: that follows from them, in this version and in the next. */
#include "eng-board-calibration.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

#include "eng-error.h"
#include "eng-json.h"

#define VERSION 1
#define MAX_REFERENCES 1000
#define MAX_FILE_BYTES (1 << 20)

/* What host_ns of the references is. */
static const char *const bases[] = {
  [ENG_BOARD_BASIS_HOST] = "this computer",
  [ENG_BOARD_BASIS_INSTRUCTIONS] = "instructions",
};

char *
eng_board_calibration_to_json (EngBoardCalibration *self)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_json_add_int (builder, "lathe_board_calibration", VERSION);
  eng_json_add_string (builder, "about", eng_board_calibration_get_about (self));
  eng_json_add_int (builder, "time_s", eng_board_calibration_get_time (self));
  eng_json_add_string (builder, "basis", bases[eng_board_calibration_get_basis (self)]);
  eng_json_add_double (builder, "step_factor", eng_board_calibration_get_step_factor (self));
  eng_json_add_double (builder, "step_spread", eng_board_calibration_get_step_spread (self));
  eng_json_add_double (builder, "band", eng_board_calibration_get_band (self));
  json_builder_set_member_name (builder, "references");
  json_builder_begin_array (builder);
  for (guint i = 0; i < eng_board_calibration_get_n (self); i++)
    {
      const EngBoardReference *reference = eng_board_calibration_get (self, i);
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "name", reference->name);
      eng_json_add_string (builder, "op", reference->layer.op);
      eng_json_add_double (builder, "host_ns", reference->layer.host_ns);
      eng_json_add_double (builder, "board_ns", reference->board_ns);
      eng_json_add_double (builder, "left_out_ns", eng_board_calibration_get_left_out_ns (self, i));
      eng_json_add_double (builder, "ops", reference->layer.n_ops);
      eng_json_add_double (builder, "bytes", reference->layer.n_bytes);
      eng_json_add_bool (builder, "int8", reference->layer.is_int8);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, TRUE);
}

static gboolean
read_reference (JsonNode *node, EngBoardReference *reference)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  JsonObject *object = json_node_get_object (node);
  const char *name = eng_json_get_string (object, "name");
  reference->name = (char *)(name != NULL ? name : "");
  reference->layer.op = g_intern_string (eng_json_get_string (object, "op"));
  reference->layer.host_ns = eng_json_get_double (object, "host_ns");
  reference->board_ns = eng_json_get_double (object, "board_ns");
  reference->layer.n_ops = eng_json_get_double (object, "ops");
  reference->layer.n_bytes = eng_json_get_double (object, "bytes");
  reference->layer.is_int8 = eng_json_get_bool (object, "int8", FALSE);
  return TRUE;
}

EngBoardCalibration *
eng_board_calibration_from_json (const char *json, GError **error)
{
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "calibration", error);
  if (root == NULL)
    return NULL;
  JsonObject *object = json_node_get_object (root);
  JsonArray *array = eng_json_get_array (object, "references");
  guint n = array != NULL ? json_array_get_length (array) : 0;
  gboolean fine
      = eng_json_get_int (object, "lathe_board_calibration", 0) == VERSION && n <= MAX_REFERENCES;
  g_autofree EngBoardReference *references = g_new0 (EngBoardReference, n + 1);

  for (guint i = 0; fine && i < n; i++)
    fine = read_reference (json_array_get_element (array, i), &references[i]);
  if (!fine)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "This is no calibration of version %d: calibrate the board again", VERSION);
      return NULL;
    }
  gboolean chip
      = g_strcmp0 (eng_json_get_string (object, "basis"), bases[ENG_BOARD_BASIS_INSTRUCTIONS]) == 0;
  return eng_board_calibration_new (references, n,
                                    chip ? ENG_BOARD_BASIS_INSTRUCTIONS : ENG_BOARD_BASIS_HOST,
                                    eng_json_get_double (object, "step_factor"),
                                    eng_json_get_double (object, "step_spread"),
                                    eng_json_get_string (object, "about"),
                                    eng_json_get_int (object, "time_s", 0), error);
}

static char *
find_path (const char *device_id, const char *folder)
{
  g_autofree char *name = g_strconcat (device_id, ".json", NULL);

  g_strcanon (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", '_');
  if (folder != NULL)
    return g_build_filename (folder, name, NULL);
  return g_build_filename (g_get_user_state_dir (), "lathe", "calibrations", name, NULL);
}

EngBoardCalibration *
eng_board_calibration_load (const char *device_id, const char *folder, GError **error)
{
  g_autofree char *path = find_path (device_id, folder), *text = NULL;
  g_autoptr (GError) local = NULL;
  GStatBuf about;

  gboolean is_there = g_stat (path, &about) == 0;
  if (!is_there && errno == ENOENT)
    return NULL;
  if (!is_there || about.st_size > MAX_FILE_BYTES
      || !g_file_get_contents (path, &text, NULL, &local))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be read%s%s", path,
                   local != NULL ? ": " : "", local != NULL ? local->message : "");
      return NULL;
    }
  EngBoardCalibration *self = eng_board_calibration_from_json (text, error);
  if (self == NULL)
    g_prefix_error (error, "%s: ", path);
  return self;
}

gboolean
eng_board_calibration_save (EngBoardCalibration *self, const char *device_id, const char *folder,
                            GError **error)
{
  g_autofree char *path = find_path (device_id, folder), *where = g_path_get_dirname (path);
  g_autofree char *json = eng_board_calibration_to_json (self);
  g_autoptr (GError) local = NULL;

  if (g_mkdir_with_parents (where, 0700) == 0 && g_file_set_contents (path, json, -1, &local))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written: %s", path,
               local != NULL ? local->message : g_strerror (errno));
  return FALSE;
}
