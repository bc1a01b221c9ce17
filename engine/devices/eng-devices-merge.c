/* Two entries that turn out to be one board: it was added again under another address, and paired
 * again. Called by the list of devices on its main context; knows transports by their table
 * only. */
#include "eng-devices-private.h"
#include "eng-push-private.h"

gboolean
eng_devices_are_same (EngDevice *a, EngDevice *b)
{
  const EngTransport *transport = eng_device_get_transport (a);

  if (a == b || transport->identity == NULL || eng_device_get_transport (b) != transport)
    return FALSE;
  const char *identity = eng_device_get_setting (a, transport->identity);
  return identity != NULL
         && g_strcmp0 (identity, eng_device_get_setting (b, transport->identity)) == 0;
}

/* How it is reached; what else is set of @to stays. */
static void
copy_address (EngDevice *from, EngDevice *to)
{
  const EngTransportField *field = eng_device_get_transport (from)->fields;
  g_autoptr (GHashTable) settings = eng_device_dup_settings (from);

  for (; field != NULL && field->key != NULL; field++)
    if (!field->secret)
      eng_device_set_setting (to, field->key, g_hash_table_lookup (settings, field->key));
}

void
eng_devices_take_over (EngDevice *kept, EngDevice *gone, gboolean reached)
{
  const EngTransport *transport = eng_device_get_transport (kept);

  g_return_if_fail (eng_devices_are_same (kept, gone));

  g_autoptr (EngBoard) board = eng_device_dup_board (gone);
  g_autofree char *message = eng_device_dup_message (gone);
  g_autofree char *remedy = eng_device_dup_remedy (gone);

  if (reached)
    copy_address (gone, kept);
  if (transport->merge != NULL)
    transport->merge (kept, gone, reached);
  eng_push_kept_move (gone, kept);
  if (!reached || eng_device_get_busy (kept))
    return; /* what it is doing tells its state */
  if (board != NULL)
    eng_device_set_board (kept, board);
  eng_device_set_state (kept, eng_device_get_state (gone), message, remedy);
}
