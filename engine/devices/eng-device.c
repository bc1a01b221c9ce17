/* A device as the user knows it, and what its last contact told. Workers change its state; whoever
 * made it hears of that on its own main context. Knows no transport but through the table. */
#include "eng-device-private.h"

#include "eng-transport.h"

enum
{
  PROP_0,
  PROP_NAME,
  PROP_STATE,
  PROP_MESSAGE,
  PROP_REMEDY,
  PROP_BOARD,
  PROP_SETTINGS,
  PROP_EVIDENCE,
  PROP_SAVED,
  PROP_BUSY,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

struct _EngDevice
{
  GObject parent_instance;

  char *id;
  const EngTransport *transport;
  GThread *thread;       /* that made it */
  GMainContext *context; /* of that thread */

  GMutex mutex; /* guards what follows */
  char *name;
  GHashTable *settings;
  GPtrArray *retired; /* names and settings that were replaced: somebody may look at them still */
  EngDeviceState state;
  char *message, *remedy, *evidence;
  EngBoard *board;
  gboolean saved, busy;
  guint pending; /* properties that wait for their notification: bit PROP_... */
};

G_DEFINE_FINAL_TYPE (EngDevice, eng_device, G_TYPE_OBJECT)

static void
eng_device_finalize (GObject *object)
{
  EngDevice *self = ENG_DEVICE (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->message);
  g_free (self->remedy);
  g_free (self->evidence);
  eng_board_unref (self->board);
  g_hash_table_unref (self->settings);
  g_ptr_array_unref (self->retired);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (eng_device_parent_class)->finalize (object);
}

static void
eng_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EngDevice *self = ENG_DEVICE (object);

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, eng_device_get_name (self));
      break;
    case PROP_STATE:
      g_value_set_int (value, (int)eng_device_get_state (self));
      break;
    case PROP_MESSAGE:
      g_value_take_string (value, eng_device_dup_message (self));
      break;
    case PROP_REMEDY:
      g_value_take_string (value, eng_device_dup_remedy (self));
      break;
    case PROP_BOARD:
      g_value_take_boxed (value, eng_device_dup_board (self));
      break;
    case PROP_SETTINGS:
      g_value_take_boxed (value, eng_device_dup_settings (self));
      break;
    case PROP_EVIDENCE:
      g_value_take_string (value, eng_device_dup_evidence (self));
      break;
    case PROP_SAVED:
      g_value_set_boolean (value, eng_device_is_saved (self));
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, eng_device_get_busy (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
eng_device_class_init (EngDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = eng_device_finalize;
  object_class->get_property = eng_device_get_property;

  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  props[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, G_MAXINT, 0, flags);
  props[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  props[PROP_REMEDY] = g_param_spec_string ("remedy", NULL, NULL, NULL, flags);
  props[PROP_BOARD] = g_param_spec_boxed ("board", NULL, NULL, ENG_TYPE_BOARD, flags);
  props[PROP_SETTINGS] = g_param_spec_boxed ("settings", NULL, NULL, G_TYPE_HASH_TABLE, flags);
  props[PROP_EVIDENCE] = g_param_spec_string ("evidence", NULL, NULL, NULL, flags);
  props[PROP_SAVED] = g_param_spec_boolean ("saved", NULL, NULL, FALSE, flags);
  props[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
eng_device_init (EngDevice *self)
{
  g_mutex_init (&self->mutex);
  self->thread = g_thread_self ();
  self->context = g_main_context_ref_thread_default ();
  self->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->retired = g_ptr_array_new_with_free_func (g_free);
}

EngDevice *
eng_device_new (const char *id, const char *name, const EngTransport *transport,
                GHashTable *settings)
{
  g_return_val_if_fail (name != NULL && transport != NULL, NULL);

  EngDevice *self = g_object_new (ENG_TYPE_DEVICE, NULL);
  GHashTableIter iter;
  gpointer key, value;

  self->id = id != NULL ? g_strdup (id) : g_uuid_string_random ();
  self->name = g_strdup (name);
  self->transport = transport;
  if (settings == NULL)
    return self;
  g_hash_table_iter_init (&iter, settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (self->settings, g_strdup (key), g_strdup (value));
  return self;
}

/* ---- Notifications ---- */

static void
notify_all (EngDevice *self, guint which)
{
  g_object_freeze_notify (G_OBJECT (self));
  for (guint prop = 1; prop < N_PROPS; prop++)
    if (which & (1u << prop))
      g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
  g_object_thaw_notify (G_OBJECT (self));
}

static gboolean
on_pending (gpointer data)
{
  EngDevice *self = data;

  g_mutex_lock (&self->mutex);
  guint which = self->pending;
  self->pending = 0;
  g_mutex_unlock (&self->mutex);
  notify_all (self, which);
  return G_SOURCE_REMOVE;
}

/* Not under the mutex. */
static void
changed (EngDevice *self, guint which)
{
  if (which == 0)
    return;
  if (g_thread_self () == self->thread)
    {
      notify_all (self, which);
      return;
    }
  g_mutex_lock (&self->mutex);
  gboolean first = self->pending == 0;
  self->pending |= which;
  g_mutex_unlock (&self->mutex);
  if (!first)
    return;
  GSource *source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_pending, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

/* Under the mutex. The bit of @prop when it became another text. */
static guint
replace (char **text, const char *value, guint prop)
{
  if (g_strcmp0 (*text, value) == 0)
    return 0;
  g_free (*text);
  *text = g_strdup (value);
  return 1u << prop;
}

/* ---- What it is ---- */

const char *
eng_device_get_id (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  return self->id;
}

const char *
eng_device_get_name (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  g_mutex_lock (&self->mutex);
  const char *name = self->name;
  g_mutex_unlock (&self->mutex);
  return name;
}

void
eng_device_set_name (EngDevice *self, const char *name)
{
  g_return_if_fail (ENG_IS_DEVICE (self) && name != NULL);

  g_mutex_lock (&self->mutex);
  gboolean same = g_str_equal (self->name, name);
  if (!same)
    {
      g_ptr_array_add (self->retired, self->name);
      self->name = g_strdup (name);
    }
  g_mutex_unlock (&self->mutex);
  changed (self, same ? 0 : 1u << PROP_NAME);
}

const EngTransport *
eng_device_get_transport (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  return self->transport;
}

EngBoardKind
eng_device_get_kind (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), ENG_BOARD_LINUX);
  return self->transport->kind != NULL ? self->transport->kind (self) : ENG_BOARD_LINUX;
}

const char *
eng_device_get_setting (EngDevice *self, const char *key)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self) && key != NULL, NULL);

  g_mutex_lock (&self->mutex);
  const char *value = g_hash_table_lookup (self->settings, key);
  g_mutex_unlock (&self->mutex);
  const EngTransportField *field = self->transport->fields;
  for (; value == NULL && field != NULL && field->key != NULL; field++)
    if (g_str_equal (field->key, key))
      value = field->fallback;
  return value;
}

void
eng_device_set_setting (EngDevice *self, const char *key, const char *value)
{
  g_return_if_fail (ENG_IS_DEVICE (self) && key != NULL);

  gpointer old_key, old;
  g_mutex_lock (&self->mutex);
  gboolean same = g_strcmp0 (g_hash_table_lookup (self->settings, key), value) == 0;
  if (!same)
    {
      if (g_hash_table_steal_extended (self->settings, key, &old_key, &old))
        {
          g_ptr_array_add (self->retired, old);
          g_free (old_key);
        }
      if (value != NULL)
        g_hash_table_insert (self->settings, g_strdup (key), g_strdup (value));
    }
  g_mutex_unlock (&self->mutex);
  changed (self, same ? 0 : 1u << PROP_SETTINGS);
}

GHashTable *
eng_device_dup_settings (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);

  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key, value;

  g_mutex_lock (&self->mutex);
  g_hash_table_iter_init (&iter, self->settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_strdup (value));
  g_mutex_unlock (&self->mutex);
  return copy;
}

gboolean
eng_device_is_builtin (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), FALSE);
  return !self->transport->can_add;
}

gboolean
eng_device_is_saved (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), FALSE);
  g_mutex_lock (&self->mutex);
  gboolean saved = self->saved;
  g_mutex_unlock (&self->mutex);
  return saved;
}

void
eng_device_set_saved (EngDevice *self, gboolean saved)
{
  g_mutex_lock (&self->mutex);
  gboolean same = self->saved == saved;
  self->saved = saved;
  g_mutex_unlock (&self->mutex);
  changed (self, same ? 0 : 1u << PROP_SAVED);
}

char *
eng_device_dup_evidence (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  g_mutex_lock (&self->mutex);
  char *evidence = g_strdup (self->evidence);
  g_mutex_unlock (&self->mutex);
  return evidence;
}

void
eng_device_set_evidence (EngDevice *self, const char *evidence)
{
  g_mutex_lock (&self->mutex);
  guint which = replace (&self->evidence, evidence, PROP_EVIDENCE);
  g_mutex_unlock (&self->mutex);
  changed (self, which);
}

char *
eng_device_dup_place (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);

  GString *text = g_string_new (NULL);
  const EngTransportField *field = self->transport->fields;

  for (; field != NULL && field->key != NULL; field++)
    {
      const char *value = field->secret ? NULL : eng_device_get_setting (self, field->key);
      if (value == NULL || *value == '\0')
        continue;
      g_autofree char *title = g_utf8_strdown (field->title, -1);
      g_string_append_printf (text, "%s%s %s", text->len > 0 ? ", " : "", title, value);
    }
  if (text->len == 0)
    g_string_append (text, self->transport->title);
  return g_string_free (text, FALSE);
}

/* ---- What the last contact told ---- */

EngDeviceState
eng_device_get_state (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), ENG_DEVICE_UNKNOWN);
  g_mutex_lock (&self->mutex);
  EngDeviceState state = self->state;
  g_mutex_unlock (&self->mutex);
  return state;
}

const char *
eng_device_state_name (EngDeviceState state)
{
  static const char *const names[]
      = { "unknown", "connecting", "ready", "missing", "unreachable", "refused" };
  g_return_val_if_fail (state < G_N_ELEMENTS (names), NULL);
  return names[state];
}

char *
eng_device_dup_message (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  g_mutex_lock (&self->mutex);
  char *message = g_strdup (self->message);
  g_mutex_unlock (&self->mutex);
  return message;
}

char *
eng_device_dup_remedy (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  g_mutex_lock (&self->mutex);
  char *remedy = g_strdup (self->remedy);
  g_mutex_unlock (&self->mutex);
  return remedy;
}

EngBoard *
eng_device_dup_board (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), NULL);
  g_mutex_lock (&self->mutex);
  EngBoard *board = self->board != NULL ? eng_board_ref (self->board) : NULL;
  g_mutex_unlock (&self->mutex);
  return board;
}

gboolean
eng_device_is_emulated (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), FALSE);
  g_autoptr (EngBoard) board = eng_device_dup_board (self);
  return board != NULL ? board->emulated : self->transport->is_emulator;
}

void
eng_device_set_state (EngDevice *self, EngDeviceState state, const char *message,
                      const char *remedy)
{
  g_return_if_fail (ENG_IS_DEVICE (self));

  g_mutex_lock (&self->mutex);
  guint which = self->state != state ? 1u << PROP_STATE : 0;
  self->state = state;
  which |= replace (&self->message, message, PROP_MESSAGE);
  which |= replace (&self->remedy, remedy, PROP_REMEDY);
  g_mutex_unlock (&self->mutex);
  changed (self, which);
}

void
eng_device_set_board (EngDevice *self, EngBoard *board)
{
  g_return_if_fail (ENG_IS_DEVICE (self));

  if (board != NULL)
    eng_board_ref (board);
  g_mutex_lock (&self->mutex);
  EngBoard *old = self->board;
  self->board = board;
  g_mutex_unlock (&self->mutex);
  eng_board_unref (old);
  changed (self, old != board ? 1u << PROP_BOARD : 0);
}

gboolean
eng_device_get_busy (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), FALSE);
  g_mutex_lock (&self->mutex);
  gboolean busy = self->busy;
  g_mutex_unlock (&self->mutex);
  return busy;
}

gboolean
eng_device_take (EngDevice *self)
{
  g_return_val_if_fail (ENG_IS_DEVICE (self), FALSE);
  g_mutex_lock (&self->mutex);
  gboolean free = !self->busy;
  self->busy = TRUE;
  g_mutex_unlock (&self->mutex);
  changed (self, free ? 1u << PROP_BUSY : 0);
  return free;
}

void
eng_device_release (EngDevice *self)
{
  g_return_if_fail (ENG_IS_DEVICE (self));
  g_mutex_lock (&self->mutex);
  gboolean busy = self->busy;
  self->busy = FALSE;
  g_mutex_unlock (&self->mutex);
  changed (self, busy ? 1u << PROP_BUSY : 0);
}
