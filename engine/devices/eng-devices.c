/* The list of devices: built in, the user's, and found just now. Made by the window and the command
 * line on their main context; its file is eng-devices-file.c. Knows transports by their table
 * only. */
#include <errno.h>
#include <string.h>

#include "eng-device-private.h"
#include "eng-devices-private.h"
#include "eng-error.h"
#include "transports/eng-virtual-board.h"

struct _EngDevices
{
  GObject parent_instance;

  char *path;         /* NULL: built-in ones alone */
  GPtrArray *devices; /* EngDevice: built in, saved, found */
  guint n_builtin, n_saved;
  GPtrArray *foreign; /* JsonNode: entries of the file that this program does not know; kept */
  GMainContext *context;
  gboolean saving;
};

static void list_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (EngDevices, eng_devices, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_init))

static GType
list_get_item_type (GListModel *model)
{
  return ENG_TYPE_DEVICE;
}

static guint
list_get_n_items (GListModel *model)
{
  return ENG_DEVICES (model)->devices->len;
}

static gpointer
list_get_item (GListModel *model, guint i)
{
  EngDevices *self = ENG_DEVICES (model);
  return i < self->devices->len ? g_object_ref (self->devices->pdata[i]) : NULL;
}

static void
list_init (GListModelInterface *iface)
{
  iface->get_item_type = list_get_item_type;
  iface->get_n_items = list_get_n_items;
  iface->get_item = list_get_item;
}

enum
{
  SIGNAL_MERGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void on_settings (EngDevice *device, GParamSpec *pspec, EngDevices *self);
static void on_told (EngDevice *device, GParamSpec *pspec, EngDevices *self);

static void
watch (EngDevices *self, EngDevice *device)
{
  g_signal_connect (device, "notify::settings", G_CALLBACK (on_settings), self);
  g_signal_connect (device, "notify", G_CALLBACK (on_told), self);
}

static void
unwatch (EngDevices *self, EngDevice *device)
{
  g_signal_handlers_disconnect_by_func (device, on_settings, self);
  g_signal_handlers_disconnect_by_func (device, on_told, self);
}

static void
eng_devices_finalize (GObject *object)
{
  EngDevices *self = ENG_DEVICES (object);

  for (guint i = 0; i < self->devices->len; i++)
    unwatch (self, self->devices->pdata[i]);
  g_free (self->path);
  g_ptr_array_unref (self->devices);
  g_ptr_array_unref (self->foreign);
  g_main_context_unref (self->context);
  G_OBJECT_CLASS (eng_devices_parent_class)->finalize (object);
}

static void
eng_devices_class_init (EngDevicesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_devices_finalize;
  signals[SIGNAL_MERGED]
      = g_signal_new ("merged", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, ENG_TYPE_DEVICE, ENG_TYPE_DEVICE);
}

static void
eng_devices_init (EngDevices *self)
{
  self->devices = g_ptr_array_new_with_free_func (g_object_unref);
  self->foreign = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  self->context = g_main_context_ref_thread_default ();
}

/* ---- Its parts ---- */

static void
insert (EngDevices *self, guint at, EngDevice *device)
{
  g_ptr_array_insert (self->devices, (int)at, g_object_ref (device));
  g_list_model_items_changed (G_LIST_MODEL (self), at, 0, 1);
}

static void
take_out (EngDevices *self, guint at)
{
  g_ptr_array_remove_index (self->devices, at);
  g_list_model_items_changed (G_LIST_MODEL (self), at, 1, 0);
}

static void
add_builtin (EngDevices *self, const char *id, const char *name, const EngTransport *transport,
             const char *board)
{
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
  if (board != NULL)
    g_hash_table_insert (settings, (gpointer) "board", (gpointer)board);
  g_ptr_array_add (self->devices, eng_device_new (id, name, transport, settings));
  self->n_builtin++;
}

EngDevices *
eng_devices_new_builtin (void)
{
  EngDevices *self = g_object_new (ENG_TYPE_DEVICES, NULL);
  guint n_boards;
  const EngVirtualBoard *const *boards = eng_virtual_boards (&n_boards);

  add_builtin (self, "local", "This computer", &eng_transport_local, NULL);
  for (guint i = 0; i < n_boards; i++)
    {
      g_autofree char *id = g_strconcat ("virtual-", boards[i]->id, NULL);
      add_builtin (self, id, boards[i]->title, &eng_transport_virtual, boards[i]->id);
    }
  return self;
}

static gboolean
save (EngDevices *self, GError **error)
{
  return eng_devices_file_write (self->path, (EngDevice **)self->devices->pdata + self->n_builtin,
                                 self->n_saved, self->foreign, error);
}

/* A worker learned something of a saved device: a port's name, a board's certificate. */
static void
on_settings (EngDevice *device, GParamSpec *pspec, EngDevices *self)
{
  g_autoptr (GError) error = NULL;
  if (!self->saving && eng_device_is_saved (device) && !save (self, &error))
    g_warning ("%s", error->message);
}

/* The board of @device is in the list a second time: one entry is left, the older one. */
static void
merge (EngDevices *self, EngDevice *device, EngDevice *other)
{
  guint at, at_other;

  g_return_if_fail (g_ptr_array_find (self->devices, device, &at)
                    && g_ptr_array_find (self->devices, other, &at_other));
  EngDevice *kept = at < at_other ? device : other;
  g_autoptr (EngDevice) gone = g_object_ref (at < at_other ? other : device);
  g_autoptr (GError) error = NULL;

  if (eng_device_get_busy (gone))
    return; /* once it is through */
  self->saving = TRUE;
  eng_devices_take_over (kept, gone, gone == device);
  unwatch (self, gone);
  eng_device_set_saved (gone, FALSE);
  self->n_saved--;
  take_out (self, MAX (at, at_other));
  self->saving = FALSE;
  if (!save (self, &error))
    g_warning ("%s", error->message);
  g_signal_emit (self, signals[SIGNAL_MERGED], 0, kept, gone);
}

/* A contact that was answered may have told that the board is known already. */
static void
on_told (EngDevice *device, GParamSpec *pspec, EngDevices *self)
{
  EngDeviceState state = eng_device_get_state (device);

  if (self->saving || !eng_device_is_saved (device) || eng_device_get_busy (device)
      || (state != ENG_DEVICE_READY && state != ENG_DEVICE_MISSING))
    return;
  for (guint i = self->n_builtin; i < self->n_builtin + self->n_saved; i++)
    if (eng_devices_are_same (device, self->devices->pdata[i]))
      {
        merge (self, device, self->devices->pdata[i]);
        return;
      }
}

EngDevices *
eng_devices_new (const char *path, GError **error)
{
  g_autoptr (EngDevices) self = eng_devices_new_builtin ();
  g_autoptr (GPtrArray) saved = NULL;

  self->path = path != NULL
                   ? g_strdup (path)
                   : g_build_filename (g_get_user_config_dir (), "lathe", "devices.json", NULL);
  saved = eng_devices_file_read (self->path, self->foreign, error);
  if (saved == NULL)
    return NULL;
  for (guint i = 0; i < saved->len; i++)
    {
      eng_device_set_saved (saved->pdata[i], TRUE);
      g_ptr_array_add (self->devices, g_object_ref (saved->pdata[i]));
      watch (self, saved->pdata[i]);
    }
  self->n_saved = saved->len;
  return g_steal_pointer (&self);
}

EngDevice *
eng_devices_find (EngDevices *self, const char *name)
{
  g_return_val_if_fail (ENG_IS_DEVICES (self) && name != NULL, NULL);

  for (guint i = 0; i < self->devices->len; i++)
    if (g_str_equal (eng_device_get_id (self->devices->pdata[i]), name))
      return self->devices->pdata[i];
  for (guint i = 0; i < self->devices->len; i++)
    if (g_str_equal (eng_device_get_name (self->devices->pdata[i]), name))
      return self->devices->pdata[i];
  return NULL;
}

static gboolean
find_index (EngDevices *self, EngDevice *device, guint *at)
{
  return g_ptr_array_find (self->devices, device, at);
}

/* ---- Adding and removing ---- */

char *
eng_devices_check_settings (const EngTransport *transport, GHashTable *settings)
{
  g_return_val_if_fail (transport != NULL, NULL);

  const EngTransportField *field = transport->fields;
  for (; field != NULL && field->key != NULL; field++)
    {
      const char *value = settings != NULL ? g_hash_table_lookup (settings, field->key) : NULL;
      if (!field->secret && field->fallback == NULL && (value == NULL || *value == '\0'))
        return g_strdup_printf ("%s is missing: %s", field->title, field->hint);
    }
  if (transport->validate == NULL)
    return NULL;
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  return transport->validate (settings != NULL ? settings : none);
}

/* Whether @name may be the name of @device. */
static gboolean
check_name (EngDevices *self, EngDevice *device, const char *name, GError **error)
{
  if (*name == '\0' || !g_utf8_validate (name, -1, NULL) || strchr (name, '\n') != NULL)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "A device needs a name of at least one character, in one line");
      return FALSE;
    }
  for (guint i = 0; i < self->n_builtin + self->n_saved; i++)
    {
      EngDevice *other = self->devices->pdata[i];
      if (other != device
          && (g_str_equal (eng_device_get_name (other), name)
              || g_str_equal (eng_device_get_id (other), name)))
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                       "There is a device “%s” already: choose another name", name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_list (EngDevices *self, GError **error)
{
  if (self->path != NULL)
    return TRUE;
  g_set_error_literal (error, ENG_ERROR, ENG_ERROR_IO,
                       "The list of devices could not be read, so it cannot be changed");
  return FALSE;
}

gboolean
eng_devices_add (EngDevices *self, EngDevice *device, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICES (self) && ENG_IS_DEVICE (device), FALSE);
  g_return_val_if_fail (!eng_device_is_builtin (device) && !eng_device_is_saved (device), FALSE);

  g_autoptr (EngDevice) keep = g_object_ref (device);
  g_autoptr (GHashTable) settings = eng_device_dup_settings (device);
  g_autofree char *wrong = eng_devices_check_settings (eng_device_get_transport (device), settings);
  guint at = self->n_builtin + self->n_saved, old;

  if (!check_list (self, error) || !check_name (self, device, eng_device_get_name (device), error))
    return FALSE;
  if (wrong != NULL)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE, wrong);
      return FALSE;
    }
  gboolean found = find_index (self, device, &old);
  if (found)
    take_out (self, old);
  g_ptr_array_insert (self->devices, (int)at, g_object_ref (device));
  self->n_saved++;
  if (!save (self, error))
    {
      self->n_saved--;
      if (found) /* it stays where it was */
        g_list_model_items_changed (G_LIST_MODEL (self), at, 0, 1);
      else
        g_ptr_array_remove_index (self->devices, at);
      return FALSE;
    }
  eng_device_set_saved (device, TRUE);
  watch (self, device);
  g_list_model_items_changed (G_LIST_MODEL (self), at, 0, 1);
  return TRUE;
}

gboolean
eng_devices_remove (EngDevices *self, EngDevice *device, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICES (self) && ENG_IS_DEVICE (device), FALSE);

  guint at;
  if (eng_device_is_builtin (device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is built in and cannot be removed",
                   eng_device_get_name (device));
      return FALSE;
    }
  if (eng_device_get_busy (device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is at work: stop it before removing it",
                   eng_device_get_name (device));
      return FALSE;
    }
  g_return_val_if_fail (find_index (self, device, &at), FALSE);
  g_autoptr (EngDevice) keep = g_object_ref (device);
  if (eng_device_is_saved (device))
    {
      if (!check_list (self, error))
        return FALSE;
      g_ptr_array_remove_index (self->devices, at);
      self->n_saved--;
      if (!save (self, error))
        {
          self->n_saved++;
          g_ptr_array_insert (self->devices, (int)at, g_object_ref (device));
          return FALSE;
        }
      unwatch (self, device);
      eng_device_set_saved (device, FALSE);
      g_list_model_items_changed (G_LIST_MODEL (self), at, 1, 0);
      if (eng_device_get_transport (device)->forget != NULL)
        eng_device_get_transport (device)->forget (device);
    }
  else
    take_out (self, at);
  return TRUE;
}

gboolean
eng_devices_rename (EngDevices *self, EngDevice *device, const char *name, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICES (self) && ENG_IS_DEVICE (device) && name != NULL, FALSE);
  g_return_val_if_fail (eng_device_is_saved (device), FALSE);

  g_autofree char *before = g_strdup (eng_device_get_name (device));
  if (!check_list (self, error) || !check_name (self, device, name, error))
    return FALSE;
  eng_device_set_name (device, name);
  if (save (self, error))
    return TRUE;
  eng_device_set_name (device, before);
  return FALSE;
}

/* ---- Searching ---- */

typedef struct
{
  EngDevices *devices;
  EngJob *job;
  guint n_left, n_all; /* transports that still search */
  GString *problems;
  GHashTable *seen; /* EngDevice that was found in this search */
} Search;

typedef struct
{
  Search *search;
  const EngTransport *transport;
  GPtrArray *candidates; /* NULL: error */
  GError *error;
} SearchPart;

/* Whether every setting of the candidate is the device's. */
static gboolean
is_same (EngDevice *device, const EngTransport *transport, const EngCandidate *candidate)
{
  GHashTableIter iter;
  gpointer key, value;

  if (eng_device_get_transport (device) != transport)
    return FALSE;
  g_hash_table_iter_init (&iter, candidate->settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_strcmp0 (eng_device_get_setting (device, key), value) != 0)
      return FALSE;
  return TRUE;
}

static void
take_candidate (Search *search, const EngTransport *transport, const EngCandidate *candidate)
{
  EngDevices *self = search->devices;

  for (guint i = 0; i < self->devices->len; i++)
    {
      EngDevice *device = self->devices->pdata[i];
      if (!is_same (device, transport, candidate))
        continue;
      eng_device_set_evidence (device, candidate->evidence);
      g_hash_table_add (search->seen, device);
      return;
    }
  g_autoptr (EngDevice) device
      = eng_device_new (NULL, candidate->name, transport, candidate->settings);
  eng_device_set_evidence (device, candidate->evidence);
  g_hash_table_add (search->seen, device);
  insert (self, self->devices->len, device);
}

static void
end_search (Search *search)
{
  EngDevices *self = search->devices;

  if (!g_cancellable_is_cancelled (eng_job_get_cancellable (search->job)))
    for (guint i = self->devices->len; i > self->n_builtin + self->n_saved; i--)
      {
        EngDevice *device = self->devices->pdata[i - 1];
        if (!g_hash_table_contains (search->seen, device) && !eng_device_get_busy (device))
          take_out (self, i - 1);
      }
  eng_job_report (search->job, search->problems->len > 0 ? search->problems->str : NULL, 1);
  eng_job_finish (search->job);
  g_object_unref (search->devices);
  g_object_unref (search->job);
  g_hash_table_unref (search->seen);
  g_string_free (search->problems, TRUE);
  g_free (search);
}

static gboolean
on_part (gpointer data)
{
  SearchPart *part = data;
  Search *search = part->search;

  for (guint i = 0; part->candidates != NULL && i < part->candidates->len; i++)
    take_candidate (search, part->transport, part->candidates->pdata[i]);
  if (part->error != NULL)
    g_string_append_printf (search->problems, "%s%s: %s", search->problems->len > 0 ? "\n" : "",
                            part->transport->title, part->error->message);
  g_clear_pointer (&part->candidates, g_ptr_array_unref);
  g_clear_error (&part->error);
  g_free (part);
  if (--search->n_left == 0)
    end_search (search);
  else
    eng_job_report (search->job, "Searching",
                    (double)(search->n_all - search->n_left) / search->n_all);
  return G_SOURCE_REMOVE;
}

static gpointer
search_part (gpointer data)
{
  SearchPart *part = data;
  GMainContext *context = g_main_context_ref (part->search->devices->context);

  part->candidates
      = part->transport->search (eng_job_get_cancellable (part->search->job), &part->error);
  GSource *source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_part, part, NULL);
  g_source_attach (source, context);
  g_source_unref (source);
  g_main_context_unref (context);
  return NULL;
}

void
eng_devices_search (EngDevices *self, EngJob *job)
{
  g_return_if_fail (ENG_IS_DEVICES (self) && ENG_IS_JOB (job));

  Search *search = g_new0 (Search, 1);
  guint n;
  const EngTransport *const *transports = eng_transports (&n);

  search->devices = g_object_ref (self);
  search->job = g_object_ref (job);
  search->problems = g_string_new (NULL);
  search->seen = g_hash_table_new (NULL, NULL);
  eng_job_report (job, "Searching", 0);
  for (guint i = 0; self->path != NULL && i < n; i++)
    search->n_all += transports[i]->search != NULL;
  search->n_left = search->n_all;
  if (search->n_all == 0)
    {
      end_search (search);
      return;
    }
  for (guint i = 0; i < n; i++)
    if (transports[i]->search != NULL)
      {
        SearchPart *part = g_new0 (SearchPart, 1);
        part->search = search;
        part->transport = transports[i];
        g_thread_unref (g_thread_new ("search", search_part, part));
      }
}
