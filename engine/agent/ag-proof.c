/* Words of pairing that both sides must agree on to the byte. Called by ag-pairing.c and the
 * studio's transport. */
#include "ag-proof.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

GBytes *
ag_proof_channel (const guint8 fingerprint[AG_FINGERPRINT_BYTES])
{
  g_autoptr (GBytes) protocol = g_bytes_new_static ("lathe-agent 1", 13);
  g_autoptr (GBytes) studio = g_bytes_new_static ("studio", 6);
  g_autoptr (GBytes) agent = g_bytes_new_static ("agent", 5);
  g_autoptr (GBytes) certificate = g_bytes_new (fingerprint, AG_FINGERPRINT_BYTES);

  return ag_cpace_join (protocol, studio, agent, certificate, NULL);
}

static void
prove (const guint8 *key, const char *who, guint8 *proof)
{
  gnutls_hmac_fast (GNUTLS_MAC_SHA256, key, AG_CPACE_KEY_BYTES, who, strlen (who), proof);
}

void
ag_proof_of_studio (const guint8 key[AG_CPACE_KEY_BYTES], guint8 proof[AG_PROOF_BYTES])
{
  prove (key, "lathe-agent 1: the studio knows the code", proof);
}

void
ag_proof_of_agent (const guint8 key[AG_CPACE_KEY_BYTES], guint8 proof[AG_PROOF_BYTES])
{
  prove (key, "lathe-agent 1: the agent knows the code", proof);
}

gboolean
ag_proof_equal (gconstpointer a, gconstpointer b, gsize n_bytes)
{
  return gnutls_memcmp (a, b, n_bytes) == 0;
}

char *
ag_hex_text (gconstpointer bytes, gsize n_bytes)
{
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc (2 * n_bytes + 1);

  for (gsize i = 0; i < n_bytes; i++)
    {
      guint8 byte = ((const guint8 *)bytes)[i];
      text[2 * i] = digits[byte >> 4];
      text[2 * i + 1] = digits[byte & 15];
    }
  text[2 * n_bytes] = '\0';
  return text;
}

gboolean
ag_hex_read (const char *text, guint8 *bytes, gsize n_bytes)
{
  if (!text || strlen (text) != 2 * n_bytes)
    return FALSE;
  for (gsize i = 0; i < n_bytes; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]);
      int low = g_ascii_xdigit_value (text[2 * i + 1]);
      if (high < 0 || low < 0)
        return FALSE;
      bytes[i] = (guint8)(high << 4 | low);
    }
  return TRUE;
}

char *
ag_fingerprint_text (const guint8 fingerprint[AG_FINGERPRINT_BYTES])
{
  GString *text = g_string_new (NULL);

  for (int i = 0; i < 16; i++)
    g_string_append_printf (text, "%s%02X", i > 0 && i % 2 == 0 ? ":" : "", fingerprint[i]);
  return g_string_free (text, FALSE);
}
